package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	// meterArgument makes this file the meter, which is asked on this descriptor.
	meterArgument    = "--meter"
	askingDescriptor = 3

	pathBytesMax = 4096
	blockBytes   = 512
	pageBytes    = 4096
	namesAtOnce  = 1024
)

// meter is a process that tells the agent how much lies in a folder of this container: the same as
// Python's (runtime-images/python/inglenook_runtime/usage.py), which says what counts.
type meter struct {
	pid int
	// asking is the agent's end of its socket.
	asking int
}

// startMeter executes this file as the meter. It ends with the other end of its socket, and with us.
func startMeter() (meter, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return meter{}, os.NewSyscallError("socketpair", err)
	}
	defer syscall.Close(ends[1])
	pid, err := executeAnew(meterArgument, 0, 1, 2, ends[1])
	if err != nil {
		syscall.Close(ends[0])
		return meter{}, err
	}
	return meter{pid, ends[0]}, nil
}

// answer tells of one folder after the other, until nobody asks any more.
func answer(channel descriptor, spawner int) {
	path := make([]byte, pathBytesMax)
	for {
		count, err := channel.Read(path)
		if err != nil {
			return
		}
		used := usedBytes(string(path[:count]), spawner)
		if _, err := channel.Write(binary.BigEndian.AppendUint64(nil, used)); err != nil {
			return
		}
	}
}

// usedBytes returns what lies in a folder, and what descendants of `spawner` have open of its disk.
func usedBytes(folder string, spawner int) uint64 {
	var root syscall.Stat_t
	if syscall.Stat(folder, &root) != nil {
		return 0
	}
	files := map[uint64]uint64{}
	used := uint64(0)
	inside(folder, func(status *syscall.Stat_t) {
		switch {
		case status.Dev != root.Dev:
		case is(status, syscall.S_IFREG):
			files[status.Ino] = size(status)
		default:
			used += uint64(status.Blocks) * blockBytes
		}
	})
	for _, pid := range descendants(spawner) {
		opened(pid, func(status *syscall.Stat_t) {
			if status.Dev == root.Dev && status.Nlink == 0 && is(status, syscall.S_IFREG) {
				files[status.Ino] = size(status)
			}
		})
	}
	for _, one := range files {
		used += one
	}
	return used
}

func is(status *syscall.Stat_t, kind uint32) bool {
	return status.Mode&syscall.S_IFMT == kind
}

// size returns what a file takes, but for what its file system has merely put aside for it.
func size(status *syscall.Stat_t) uint64 {
	pages := (uint64(status.Size) + pageBytes - 1) / pageBytes
	return min(uint64(status.Blocks)*blockBytes, pages*pageBytes)
}

// inside shows everything below a folder that is not closed to us.
func inside(folder string, show func(*syscall.Stat_t)) {
	for folders := []string{folder}; len(folders) > 0; {
		next := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		names(next, func(name string) {
			var status syscall.Stat_t
			path := filepath.Join(next, name)
			if syscall.Lstat(path, &status) != nil {
				return // it has gone in between
			}
			show(&status)
			if is(&status, syscall.S_IFDIR) {
				folders = append(folders, path)
			}
		})
	}
}

// names shows those in a folder, a few at a time: there may be millions.
func names(folder string, show func(string)) {
	// Nothing but a folder, whatever has been put there by now: opening a pipe would not end.
	opened, err := os.OpenFile(folder, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return
	}
	defer opened.Close()
	for {
		some, err := opened.Readdirnames(namesAtOnce)
		for _, name := range some {
			show(name)
		}
		if err != nil {
			return
		}
	}
}

// descendants returns all processes that come of one; it adopts its orphans, so none is missing.
func descendants(ancestor int) []int {
	children := map[int][]int{}
	names("/proc", func(name string) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			return
		}
		if parent, ok := parentOf(name); ok {
			children[parent] = append(children[parent], pid)
		}
	})
	found := children[ancestor]
	for next := 0; next < len(found); next++ {
		found = append(found, children[found[next]]...)
	}
	return found
}

func parentOf(pid string) (int, bool) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, false
	}
	// What stands in brackets is the program's to choose.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}

// opened shows the files that a process has open.
func opened(pid int, show func(*syscall.Stat_t)) {
	folder := "/proc/" + strconv.Itoa(pid) + "/fd"
	names(folder, func(name string) {
		var status syscall.Stat_t
		if syscall.Stat(folder+"/"+name, &status) == nil {
			show(&status)
		}
	})
}
