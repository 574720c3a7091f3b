package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestNoNameHidesAProcess(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "a) S 1 (")
	if err := os.Symlink(sleep, program); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "100")
	command.Args[0] = "sleep"
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Wait()
	defer command.Process.Kill()
	if found := descendants(os.Getpid()); !slices.Contains(found, command.Process.Pid) {
		t.Error(found)
	}
}

func TestAFileCountsOnceAndWithoutItsHoles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := os.WriteFile(path, make([]byte, 5*pageBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, filepath.Join(folder, "again")); err != nil {
		t.Fatal(err)
	}
	holes, err := os.Create(filepath.Join(folder, "holes"))
	if err != nil {
		t.Fatal(err)
	}
	defer holes.Close()
	if err := holes.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	if used := usedBytes(folder, os.Getpid()); used != 6*pageBytes {
		t.Error(used)
	}
}
