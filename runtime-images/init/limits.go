package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

const (
	// lockedBytesMax is RLIMIT_MEMLOCK as recorded on Lambda.
	lockedBytesMax = 64 * 1024
	mib            = 1024 * 1024

	rlimitMemlock = 8
	unlimited     = ^uint64(0)

	prSetChildSubreaper = 36
	prSetNoNewPrivs     = 38
	capabilityVersion3  = 0x20080522
)

// limit sets what the program may use, as the spawner of Python's images does.
//
// Not RLIMIT_NPROC: it counts all processes of a user, and functions share one.
func limit(told *setup) error {
	if told.Descriptors > 0 {
		if err := lower(syscall.RLIMIT_NOFILE, told.Descriptors); err != nil {
			return err
		}
	}
	if told.Sandbox && told.StorageMB > 0 {
		// No single file is larger than the storage: what can be kept of its size here.
		if err := lower(syscall.RLIMIT_FSIZE, told.StorageMB*mib); err != nil {
			return err
		}
	}
	if err := lower(rlimitMemlock, lockedBytesMax); err != nil {
		return err
	}
	return lower(syscall.RLIMIT_CORE, 0)
}

func lower(what int, to uint64) error {
	var present syscall.Rlimit
	if err := syscall.Getrlimit(what, &present); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if present.Max != unlimited {
		to = min(to, present.Max)
	}
	return os.NewSyscallError("setrlimit", syscall.Setrlimit(what, &syscall.Rlimit{Cur: to, Max: to}))
}

// adoptOrphans makes this process the parent of every descendant whose own parent ends.
func adoptOrphans() error {
	return prctl(prSetChildSubreaper, 1)
}

// gainNoPrivileges lets no program that this thread executes have more privilege than it has.
func gainNoPrivileges() error {
	return prctl(prSetNoNewPrivs, 1)
}

// dropCapabilities gives up every privilege of root's, of this thread.
func dropCapabilities() error {
	header := struct{ version, pid uint32 }{version: capabilityVersion3}
	var none [6]uint32
	_, _, err := syscall.RawSyscall(syscall.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	if err != 0 {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}

func prctl(what, value uintptr) error {
	_, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, what, value, 0, 0, 0, 0)
	if err != 0 {
		return fmt.Errorf("prctl: %w", err)
	}
	return nil
}
