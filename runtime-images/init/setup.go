package main

import (
	"slices"
	"strings"
)

const (
	modeExec  = "exec"
	modeImage = "image"

	taskRoot = "/var/task"
	opt      = "/opt"
	tmp      = "/tmp"
)

// setup is what a child is told to be (the agent's message `S`); null is nil or zero.
type setup struct {
	Mode      string            `json:"mode"`
	Argv      []string          `json:"argv"`
	Variables map[string]string `json:"variables"`
	TaskDir   string            `json:"task_dir"`
	OptDir    string            `json:"opt_dir"`
	TmpDir    string            `json:"tmp_dir"`
	Sandbox   bool              `json:"sandbox"`
	StorageMB uint64            `json:"storage_mb"`
	Join      []string          `json:"join"`
	// Descriptors is RLIMIT_NOFILE.
	Descriptors uint64 `json:"descriptors_max"`

	// EntryPoint, Directory and Defaults are of the mode `image`.
	EntryPoint []string          `json:"entry_point"`
	Directory  *string           `json:"working_dir"`
	Defaults   map[string]string `json:"defaults"`
}

// translated are the variables that name folders of Lambda's.
var translated = []string{"LAMBDA_TASK_ROOT", "PWD", "PYTHONPATH", "PATH", "LD_LIBRARY_PATH"}

// ownVariables begin so in a container's environment: the platform's, and not the image's.
var ownVariables = []string{"INGLENOOK_", "KUBERNETES_"}

// environment returns the program's variables.
//
// An image's are those of its container, and over them the function's and Lambda's. Others have
// Lambda's alone; what names folders of Lambda's there is made to name the real ones.
func (s *setup) environment(container []string) map[string]string {
	variables := map[string]string{}
	if s.Mode == modeImage {
		for name, value := range s.Defaults {
			variables[name] = value
		}
		for _, entry := range container {
			name, value, _ := strings.Cut(entry, "=")
			isOwn := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
			if !slices.ContainsFunc(ownVariables, isOwn) {
				variables[name] = value
			}
		}
	}
	for name, value := range s.Variables {
		variables[name] = value
	}
	if s.Mode == modeExec {
		for _, name := range translated {
			if value, ok := variables[name]; ok {
				variables[name] = s.translateAll(value)
			}
		}
	}
	if s.TmpDir != "" && s.TmpDir != tmp {
		variables["TMPDIR"] = s.TmpDir
	}
	return variables
}

func (s *setup) translateAll(paths string) string {
	var found []string
	for _, path := range strings.Split(paths, ":") {
		if real, ok := s.translate(path); ok {
			found = append(found, real)
		}
	}
	return strings.Join(found, ":")
}

// translate returns the real path; not ok if there is nothing there that is the function's.
func (s *setup) translate(path string) (string, bool) {
	for _, place := range [][2]string{{taskRoot, s.TaskDir}, {opt, s.OptDir}} {
		seen, real := place[0], place[1]
		if path == seen || strings.HasPrefix(path, seen+"/") {
			return real + path[len(seen):], real != ""
		}
	}
	return path, true
}

func flattened(variables map[string]string) []string {
	entries := make([]string, 0, len(variables))
	for name, value := range variables {
		entries = append(entries, name+"="+value)
	}
	slices.Sort(entries)
	return entries
}
