package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"syscall"
)

const (
	lengthBytes     = 4
	descriptorsMax  = 64
	messageBytesMax = 1 << 20
)

// order is a message of the agent's; what it does not know is ignored.
type order struct {
	Op string `json:"op"`
	ID int    `json:"id"`
	// Pid is a child's, of a kill.
	Pid int `json:"pid"`

	descriptors []int
}

// wanted is how many descriptors come with a message.
var wanted = map[string]int{"fork": 2}

type forked struct {
	Op  string `json:"op"`
	ID  int    `json:"id"`
	Pid int    `json:"pid"`
}

type exited struct {
	Op     string `json:"op"`
	ID     int    `json:"id"`
	Pid    int    `json:"pid"`
	Status int    `json:"status"`
	RSS    int64  `json:"max_rss_kb"`
}

type terminating struct {
	Op string `json:"op"`
}

type ready struct {
	Op            string            `json:"op"`
	Python        string            `json:"python"`
	Pid           int               `json:"pid"`
	Modes         []string          `json:"modes"`
	Sandbox       bool              `json:"sandbox"`
	SandboxReason string            `json:"sandbox_reason"`
	Walls         map[string]string `json:"walls"`
	Packages      *string           `json:"packages"`
	Descriptors   []string          `json:"descriptors"`
}

// agent is our end of the socket to it: JSON messages, with descriptors beside them.
type agent struct {
	channel     int
	buffer      []byte
	descriptors []int
}

func newAgent(channel int) *agent {
	return &agent{channel: channel}
}

// say sends a message; the descriptors stay the caller's.
func (a *agent) say(message any, descriptors ...int) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	var rights []byte
	if len(descriptors) > 0 {
		rights = syscall.UnixRights(descriptors...)
	}
	for len(frame) > 0 {
		sent, err := syscall.SendmsgN(a.channel, frame, rights, nil, syscall.MSG_NOSIGNAL)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		frame, rights = frame[sent:], nil
	}
	return nil
}

// receive reads once and returns the complete messages. Not ok: the agent has gone, or makes no sense.
//
// Descriptors arrive no later than the bytes they belong to and in the same order, so a queue of
// them is enough, however the stream is cut.
func (a *agent) receive() (orders []order, ok bool) {
	data := make([]byte, 64*1024)
	room := make([]byte, syscall.CmsgSpace(descriptorsMax*4))
	count, beside, _, _, err := syscall.Recvmsg(a.channel, data, room, syscall.MSG_CMSG_CLOEXEC)
	if err == syscall.EINTR {
		return nil, true
	}
	if err != nil || count == 0 {
		return nil, false
	}
	a.take(room[:beside])
	a.buffer = append(a.buffer, data[:count]...)
	for len(a.buffer) >= lengthBytes {
		length := binary.BigEndian.Uint32(a.buffer)
		if length > messageBytesMax {
			return orders, false
		}
		end := lengthBytes + int(length)
		if len(a.buffer) < end {
			break
		}
		var next order
		if json.Unmarshal(a.buffer[lengthBytes:end], &next) != nil {
			return orders, false
		}
		a.buffer = a.buffer[end:]
		count := wanted[next.Op]
		if len(a.descriptors) < count {
			return orders, false
		}
		next.descriptors, a.descriptors = a.descriptors[:count:count], a.descriptors[count:]
		orders = append(orders, next)
	}
	return orders, true
}

func (a *agent) take(beside []byte) {
	messages, err := syscall.ParseSocketControlMessage(beside)
	if err != nil {
		return
	}
	for _, message := range messages {
		if rights, err := syscall.ParseUnixRights(&message); err == nil {
			a.descriptors = append(a.descriptors, rights...)
		}
	}
}

// sayReady tells what this spawner is, and brings descriptors to read of this container, which the
// agent does not see. `storage` is the meter's, and closed here as well.
func (a *agent) sayReady(storage int) error {
	opened := accounts(storage)
	names := make([]string, 0, len(opened))
	numbers := make([]int, 0, len(opened))
	for _, one := range opened {
		defer syscall.Close(one.descriptor)
		names = append(names, one.name)
		numbers = append(numbers, one.descriptor)
	}
	const reason = "the container is the wall"
	walls := map[string]string{}
	for _, wall := range []string{"files", "processes", "storage", "system_calls", "landlock"} {
		walls[wall] = reason
	}
	return a.say(ready{
		Op:            "ready",
		Pid:           os.Getpid(),
		Modes:         []string{modeExec, modeImage},
		SandboxReason: reason,
		Walls:         walls,
		Descriptors:   names,
	}, numbers...)
}
