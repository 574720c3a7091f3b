package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	invalidEntrypoint = "Runtime.InvalidEntrypoint"
	invalidWorkingDir = "Runtime.InvalidWorkingDir"

	// lambdaEntrypoint is the entry point of AWS's base images.
	lambdaEntrypoint = "/lambda-entrypoint.sh"
	noEntrypoint     = "The function names no program, and its image has no " + lambdaEntrypoint +
		": set EntryPoint in its ImageConfig to what the image's ENTRYPOINT and CMD say"

	// What shells exit with.
	absent  = 127
	refused = 126
)

// fault is why a program cannot be started, in Lambda's words.
type fault struct {
	kind, text string
	status     int
}

// program is what is executed: a path that exists, or is to be refused by the kernel; and `seen`,
// what the function knows it as.
type program struct {
	path, seen string
	argv       []string
}

// find returns the program of a setup. It is called where the program is to run.
func (s *setup) find(variables map[string]string) (program, *fault) {
	if s.Mode == modeExec {
		seen := s.Argv[0]
		path, ok := s.translate(seen)
		if !ok {
			path = seen
		}
		return program{path, seen, append([]string{path}, s.Argv[1:]...)}, nil
	}
	entry := s.EntryPoint
	if len(entry) == 0 {
		if _, err := os.Stat(lambdaEntrypoint); err != nil {
			return program{}, &fault{invalidEntrypoint, noEntrypoint, absent}
		}
		entry = []string{lambdaEntrypoint}
	}
	argv := append(append([]string{}, entry...), s.Argv...)
	if strings.Contains(argv[0], "/") {
		return program{argv[0], argv[0], argv}, nil
	}
	for _, folder := range filepath.SplitList(variables["PATH"]) {
		path := filepath.Join(folder, argv[0])
		if filepath.IsAbs(path) && isExecutable(path) {
			return program{path, path, argv}, nil
		}
	}
	text := fmt.Sprintf("exec: %q: executable file not found in $PATH", argv[0])
	return program{}, &fault{invalidEntrypoint, text, absent}
}

func isExecutable(path string) bool {
	found, err := os.Stat(path)
	const executes = 1 // X_OK
	return err == nil && found.Mode().IsRegular() && syscall.Access(path, executes) == nil
}

// enter goes to where the program is to run. What it returns for a custom runtime is no fault of its.
func (s *setup) enter() (*fault, error) {
	if s.Mode == modeExec {
		folder := s.TaskDir
		if folder == "" {
			folder = "/"
		}
		return nil, os.Chdir(folder)
	}
	if s.Directory == nil {
		return nil, nil // the image's, in which we were started
	}
	folder := *s.Directory
	if !filepath.IsAbs(folder) {
		text := fmt.Sprintf("the working directory '%s' is invalid, it needs to be an absolute path", folder)
		return &fault{invalidWorkingDir, text, refused}, nil
	}
	if err := os.Chdir(folder); err != nil {
		return &fault{invalidWorkingDir, err.Error(), refused}, nil
	}
	return nil, nil
}

// execute becomes the program, or returns why not.
func (p program) execute(mode string, variables map[string]string) *fault {
	err := syscall.Exec(p.path, p.argv, flattened(variables))
	found := &fault{invalidEntrypoint, fmt.Sprintf("fork/exec %s: %v", p.seen, err), refused}
	if err == syscall.ENOENT || err == syscall.ENOTDIR {
		found.status = absent
		if _, err := os.Lstat(p.path); mode == modeExec && errors.Is(err, fs.ErrNotExist) {
			found.text = fmt.Sprintf("Couldn't find valid bootstrap(s): [%s]", p.seen)
		}
	}
	return found
}
