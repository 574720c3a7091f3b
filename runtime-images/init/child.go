package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
)

const (
	// cannotStart is EX_SOFTWARE: the platform's part of the start failed, before the program's.
	cannotStart = 70

	frameBytesMax = 16 << 20
	frameHead     = 5
	initError     = 'I'
)

// live waits on the control socket for the setup, and becomes that. It does not return.
func live(control int) {
	syscall.CloseOnExec(control)
	if err := syscall.SetNonblock(control, false); err != nil {
		giveUp(err)
	}
	payload, err := receiveFrame(descriptor(control))
	if err == io.EOF {
		os.Exit(0) // nobody needs us
	}
	if err != nil {
		giveUp(err)
	}
	var told setup
	if err := json.Unmarshal(payload, &told); err != nil {
		giveUp(err)
	}
	found, err := become(&told)
	if err != nil {
		giveUp(err)
	}
	_, _ = descriptor(control).Write(faultFrame(found))
	os.Exit(found.status)
}

// become executes what is told, or returns whose mistake it is that it cannot: the function's, or ours.
func become(told *setup) (*fault, error) {
	if told.Mode != modeExec && told.Mode != modeImage {
		return nil, fmt.Errorf("this container starts programs, and nothing of the mode %q", told.Mode)
	}
	if told.Mode == modeExec && len(told.Argv) == 0 {
		return nil, fmt.Errorf("no program is named")
	}
	if err := join(told.Join); err != nil {
		return nil, err
	}
	found, err := told.enter()
	if found != nil || err != nil {
		return found, err
	}
	if err := limit(told); err != nil {
		return nil, err
	}
	if err := gainNoPrivileges(); err != nil {
		return nil, err
	}
	if err := dropCapabilities(); err != nil {
		return nil, err
	}
	variables := told.environment(os.Environ())
	wanted, found := told.find(variables)
	if found != nil {
		return found, nil
	}
	return wanted.execute(told.Mode, variables), nil
}

func giveUp(err error) {
	fmt.Fprintf(os.Stdout, "the execution environment cannot be prepared: %v\n", err)
	os.Exit(cannotStart)
}

// join enters control groups. They bear the memory limit: one that cannot be entered is an error.
func join(paths []string) error {
	for _, path := range paths {
		if err := os.WriteFile(path, []byte("0"), 0); err != nil {
			return err
		}
	}
	return nil
}

// descriptor reads and writes as os.File does, without a poller or a finalizer.
type descriptor int

func (d descriptor) Read(into []byte) (int, error) {
	for {
		count, err := syscall.Read(int(d), into)
		if err == syscall.EINTR {
			continue
		}
		if err == nil && count == 0 && len(into) > 0 {
			return 0, io.EOF
		}
		return max(count, 0), err
	}
}

func (d descriptor) Write(data []byte) (int, error) {
	return syscall.Write(int(d), data)
}

// receiveFrame reads one frame of a control socket and returns its payload; io.EOF if none comes.
func receiveFrame(from io.Reader) ([]byte, error) {
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(from, head); err != nil {
		if err == syscall.ECONNRESET {
			err = io.EOF
		}
		return nil, err
	}
	length := binary.BigEndian.Uint32(head)
	if length < 1 || length > frameBytesMax {
		return nil, fmt.Errorf("a frame of %d bytes", length)
	}
	payload := make([]byte, length-1)
	if _, err := io.ReadFull(from, payload); err != nil {
		return nil, err
	}
	return payload, nil
}

// faultFrame says on the control socket that init has failed.
func faultFrame(found *fault) []byte {
	payload, _ := json.Marshal(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{found.text, found.kind})
	length := 1 + 1 + len(found.kind) + len(payload)
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(length)), initError, byte(len(found.kind)))
	return append(append(frame, found.kind...), payload...)
}
