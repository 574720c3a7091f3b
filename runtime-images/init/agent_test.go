package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"testing"
)

func pair(t *testing.T) (int, int) {
	t.Helper()
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(ends[0]); syscall.Close(ends[1]) })
	return ends[0], ends[1]
}

func framed(text string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
}

func TestDescriptorsBelongToTheirOrdersHoweverTheStreamIsCut(t *testing.T) {
	ours, theirs := pair(t)
	var files [4]*os.File
	rights := make([]int, len(files))
	for index := range files {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		files[index], rights[index] = write, int(write.Fd())
	}
	stream := append(framed(`{"op":"fork","id":1}`), framed(`{"op":"kill","pid":7}`)...)
	next := framed(`{"op":"fork","id":2,"storage":9}`)
	cut := len(stream) + 5
	stream = append(stream, next...)
	send := func(data []byte, numbers ...int) {
		if err := syscall.Sendmsg(theirs, data, syscall.UnixRights(numbers...), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	found := newAgent(ours)
	send(stream[:3], rights[:2]...)
	if orders, ok := found.receive(); !ok || len(orders) != 0 {
		t.Fatal(orders, ok)
	}
	send(stream[3:cut], rights[2:]...)
	orders, ok := found.receive()
	if !ok || len(orders) != 2 || orders[0].Op != "fork" || orders[1].Pid != 7 {
		t.Fatal(orders, ok)
	}
	if len(orders[0].descriptors) != 2 || len(orders[1].descriptors) != 0 {
		t.Error(orders)
	}
	if _, err := syscall.Write(theirs, stream[cut:]); err != nil {
		t.Fatal(err)
	}
	last, ok := found.receive()
	if !ok || len(last) != 1 || last[0].ID != 2 || len(last[0].descriptors) != 2 {
		t.Fatal(last, ok)
	}
	for _, one := range append(orders, last...) {
		for _, descriptor := range one.descriptors {
			syscall.Close(descriptor)
		}
	}
	syscall.Shutdown(theirs, syscall.SHUT_WR)
	if _, ok := found.receive(); ok {
		t.Error("it does not hear that the agent has gone")
	}
}

func TestWhatMakesNoSenseIsTheEnd(t *testing.T) {
	for _, stream := range [][]byte{
		framed("nonsense"),
		{0xff, 0xff, 0xff, 0xff},
		framed(`{"op":"fork","id":1}`), // and no descriptors
	} {
		ours, theirs := pair(t)
		if _, err := syscall.Write(theirs, stream); err != nil {
			t.Fatal(err)
		}
		if _, ok := newAgent(ours).receive(); ok {
			t.Errorf("%q", stream)
		}
	}
}

func TestAChildReadsOneFrameAndSaysWhatIsWrong(t *testing.T) {
	payload, err := receiveFrame(bytes.NewReader(append([]byte{0, 0, 0, 3, 'S'}, "{}more"...)))
	if string(payload) != "{}" || err != nil {
		t.Errorf("%q %v", payload, err)
	}
	if _, err := receiveFrame(bytes.NewReader(nil)); err != io.EOF {
		t.Error(err)
	}
	if _, err := receiveFrame(bytes.NewReader([]byte{0, 0, 0, 0, 'S'})); err == nil {
		t.Error("a frame without a kind")
	}
	frame := faultFrame(&fault{"Kind", "text", 1})
	wanted := "I\x04Kind" + `{"errorMessage":"text","errorType":"Kind"}`
	if int(binary.BigEndian.Uint32(frame)) != len(wanted) || string(frame[4:]) != wanted {
		t.Errorf("%q", frame)
	}
}
