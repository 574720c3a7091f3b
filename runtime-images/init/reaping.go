package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	endWithin = 2 * time.Second
	endPause  = 5 * time.Millisecond

	waitAll = 0 // P_ALL
)

// burial is how a child has ended.
type burial struct {
	pid int
	// status is the exit status; negative: the signal.
	status   int
	maxRSSKB int64
}

// ended is the kernel's siginfo_t for a child, on 64-bit machines.
type ended struct {
	signo, errno, code, _ int32
	pid                   int32
	_                     [108]byte
}

// bury reaps one child that has ended; not ok if none has.
//
// What one of `leaders` has left in its group is killed before its zombie goes, while the number of
// its group cannot be anybody else's.
func bury(leaders map[int]int) (burial, bool) {
	pid, ok := peek()
	if !ok {
		return burial{}, false
	}
	if _, ok := leaders[pid]; ok {
		killGroup(pid)
	}
	return wait(pid, 0)
}

// peek returns a child that has ended and waits to be buried.
func peek() (int, bool) {
	for {
		var info ended
		_, _, err := syscall.RawSyscall6(syscall.SYS_WAITID, waitAll, 0,
			uintptr(unsafe.Pointer(&info)),
			syscall.WEXITED|syscall.WNOHANG|syscall.WNOWAIT, 0, 0)
		if err == syscall.EINTR {
			continue
		}
		return int(info.pid), err == 0 && info.pid != 0
	}
}

func wait(pid, options int) (burial, bool) {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		found, err := syscall.Wait4(pid, &status, options, &usage)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || found <= 0 {
			return burial{}, false
		}
		return burial{found, exitStatus(status), int64(usage.Maxrss)}, true
	}
}

func exitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return -int(status.Signal())
	}
	return status.ExitStatus()
}

func killGroup(pid int) {
	if syscall.Kill(-pid, syscall.SIGKILL) != nil {
		syscall.Kill(pid, syscall.SIGKILL) // one that has left its own group, or has gone
	}
}

// killOrphans kills what has left the group of a child that has ended; answers whether there was any.
//
// It is our own child now. Its children come to us when it has been buried, and are next.
func killOrphans(isKnown func(pid int) bool) bool {
	found := false
	for _, pid := range ownChildren() {
		if !isKnown(pid) {
			killGroup(pid)
			found = true
		}
	}
	return found
}

// killAll kills and buries all children, and what they leave.
func killAll(leaders map[int]int, ended <-chan os.Signal) {
	for pid := range leaders {
		killGroup(pid)
	}
	for until := time.Now().Add(endWithin); time.Now().Before(until); {
		killOrphans(func(int) bool { return false })
		for {
			if _, ok := wait(-1, syscall.WNOHANG); !ok {
				break
			}
		}
		if len(ownChildren()) == 0 {
			return
		}
		select {
		case <-ended:
		case <-time.After(endPause):
		}
	}
}

// ownChildren returns the processes whose parent this is, whichever of our threads that is.
func ownChildren() []int {
	var found []int
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				found = append(found, pid)
			}
		}
	}
	return found
}
