package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnImageHasItsOwnVariablesUnderTheFunctions(t *testing.T) {
	told := setup{
		Mode:      modeImage,
		Variables: map[string]string{"AWS_REGION": "eu-central-1", "BOTH": "function"},
		Defaults:  map[string]string{"PATH": "/default", "TZ": ":UTC"},
	}
	container := []string{
		"PATH=/image/bin", "BOTH=image", "ITS=a=b", "KUBERNETES_PORT=tcp://10.0.0.1", "INGLENOOK_X=1",
	}
	wanted := map[string]string{
		"PATH": "/image/bin", "TZ": ":UTC", "ITS": "a=b", "BOTH": "function",
		"AWS_REGION": "eu-central-1",
	}
	if found := told.environment(container); !maps.Equal(found, wanted) {
		t.Errorf("%v", found)
	}
}

func TestACustomRuntimeHasLambdasVariablesAndRealFolders(t *testing.T) {
	told := setup{
		Mode:    modeExec,
		TaskDir: "/real/task",
		TmpDir:  "/real/tmp",
		Variables: map[string]string{
			"LAMBDA_TASK_ROOT": "/var/task",
			"PATH":             "/usr/bin:/opt/bin:/var/task/bin:/var/tasks",
			"OWN":              "/var/task",
		},
	}
	wanted := map[string]string{
		"LAMBDA_TASK_ROOT": "/real/task",
		"PATH":             "/usr/bin:/real/task/bin:/var/tasks",
		"OWN":              "/var/task",
		"TMPDIR":           "/real/tmp",
	}
	if found := told.environment([]string{"IMAGE=1"}); !maps.Equal(found, wanted) {
		t.Errorf("%v", found)
	}
}

func TestAnEntryPointIsLookedUpOnPath(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	write := func(folder, name string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(folder, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(first, "app", 0o644)
	write(second, "app", 0o755)
	if err := os.Mkdir(filepath.Join(first, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"PATH": "relative::" + first + ":" + second}
	for entry, wanted := range map[string]string{
		"app":          filepath.Join(second, "app"),
		"./app":        "./app",
		"/not/there":   "/not/there",
		"folder":       "",
		"no-such-file": "",
	} {
		told := setup{Mode: modeImage, EntryPoint: []string{entry, "a"}, Argv: []string{"b"}}
		found, problem := told.find(variables)
		if (problem != nil) != (wanted == "") || found.path != wanted {
			t.Errorf("%s: %v, %v", entry, found, problem)
		}
		if problem == nil && strings.Join(found.argv, " ") != entry+" a b" {
			t.Errorf("%s: %v", entry, found.argv)
		}
		if problem != nil && problem.kind != invalidEntrypoint {
			t.Errorf("%s: %v", entry, problem)
		}
	}
}
