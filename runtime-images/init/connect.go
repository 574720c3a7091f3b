package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	connectWithin = 120 * time.Second
	pauseFirst    = 10 * time.Millisecond
	pauseMax      = 250 * time.Millisecond
)

// connect returns the socket to the agent, which may take its time; -1 if `stop` comes before it.
func connect(path string, stop <-chan os.Signal) (int, error) {
	until := time.Now().Add(connectWithin)
	pause := pauseFirst
	for {
		channel, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		if err = syscall.Connect(channel, &syscall.SockaddrUnix{Name: path}); err == nil {
			return channel, nil
		}
		syscall.Close(channel)
		if time.Now().After(until) {
			return -1, err
		}
		select {
		case <-stop:
			return -1, nil
		case <-time.After(pause):
		}
		pause = min(2*pause, pauseMax)
	}
}

type account struct {
	name       string
	descriptor int
}

// memoryEvents count the processes killed for want of memory: of control groups version 2, and 1.
var memoryEvents = []string{
	"/sys/fs/cgroup/memory.events",
	"/sys/fs/cgroup/memory/memory.oom_control",
}

// accounts opens what tells of this container, as far as the system has it; `storage` does of its
// folders.
func accounts(storage int) []account {
	var opened []account
	flags := syscall.O_RDONLY | syscall.O_CLOEXEC
	if found, err := syscall.Open("/proc", flags|syscall.O_DIRECTORY, 0); err == nil {
		opened = append(opened, account{"processes", found})
	}
	opened = append(opened, account{"storage", storage})
	for _, path := range memoryEvents {
		if found, err := syscall.Open(path, flags, 0); err == nil {
			return append(opened, account{"memory_events", found})
		}
	}
	return opened
}

// closeInherited lets no child have what whoever started us has left open.
func closeInherited() {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range open {
		if number, err := strconv.Atoi(entry.Name()); err == nil && number > 2 {
			syscall.CloseOnExec(number)
		}
	}
}
