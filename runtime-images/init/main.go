// The first process of a function's container whose code is an image: a spawner that starts
// programs. It runs in images that have neither Python nor a shell, so it is one static file.
//
//	init --connect PATH
//
// It speaks the spawner's side of the protocol in runtime-images/python/inglenook_runtime/__init__.py
// (the part for a spawner beside its agent), and does what that spawner does, as far as it is about
// programs: modes `exec` and `image` of a child's setup. It cannot be a zygote: a child is this very
// file, executed anew, that waits to be told what to become. So is the meter of what lies in /tmp.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

const usage = "usage: init --connect PATH"

func init() {
	// What a thread has set up (the parent's death signal, privileges) has to be the main one's: it
	// never ends before the process does, and it is the one that executes the program.
	runtime.LockOSThread()
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "--connect":
		os.Exit(serve(os.Args[2]))
	case len(os.Args) == 2 && os.Args[1] == childArgument:
		live(controlDescriptor)
	case len(os.Args) == 2 && os.Args[1] == meterArgument:
		answer(askingDescriptor, os.Getppid())
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

// serve works for one agent until it goes away, and returns the exit status.
func serve(path string) int {
	// The first process of a container is sent no signal that it does not handle.
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	// Ctrl-C is the agent's to hear. Not ignored: the programs would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	closeInherited()
	meter, err := startMeter()
	if err != nil {
		fmt.Fprintf(os.Stderr, "init: nothing can tell what lies in /tmp: %v\n", err)
		return 1
	}
	channel, err := connect(path, terminated)
	if err != nil {
		fmt.Fprintf(os.Stderr, "init: there is no agent at %s: %v\n", path, err)
		return 1
	}
	if channel < 0 {
		return 0
	}
	if err := adoptOrphans(); err != nil {
		fmt.Fprintf(os.Stderr, "init: %v\n", err)
	}
	agent := newAgent(channel)
	if agent.sayReady(meter.asking) != nil {
		return 0 // it does not want us, or has gone again
	}
	newKeeper(agent, meter.pid).run(terminated, ended)
	return 0
}
