package main

import (
	"fmt"
	"os"
	"syscall"
)

const (
	// forkFailed is EX_OSERR: the status told for a child that could not be started; its pid is 0.
	forkFailed = 71
	// childArgument makes this file a child, which waits on this descriptor.
	childArgument     = "--child"
	controlDescriptor = 3
)

// keeper starts children for one agent, buries them, and reports.
//
// Every child is a session and a process group of its own; what is left of its group is killed when
// it ends. What has left its group comes to us, as the first process or the subreaper: it is buried
// in any case, and killed once the agent has ordered to sweep.
type keeper struct {
	agent    *agent
	children map[int]int // pid to number
	meter    int         // the only child that is no function's
	sweeps   bool
	// isSweeping tells whether orphans may still come of a child that has ended.
	isSweeping bool
	isOver     bool
}

func newKeeper(agent *agent, meter int) *keeper {
	return &keeper{agent: agent, children: map[int]int{}, meter: meter}
}

// run serves until the agent is gone. SIGTERM is told to it: it is the agent's to decide when.
func (k *keeper) run(terminated, ended <-chan os.Signal) {
	orders := make(chan order)
	go func() {
		defer close(orders)
		for {
			received, ok := k.agent.receive()
			for _, each := range received {
				orders <- each
			}
			if !ok {
				return
			}
		}
	}()
	for !k.isOver {
		select {
		case next, ok := <-orders:
			if !ok {
				k.isOver = true
			} else {
				k.follow(next)
			}
		case <-terminated:
			k.say(terminating{Op: "terminating"})
		case <-ended:
			k.reap()
		}
	}
	killAll(k.children, ended)
}

func (k *keeper) follow(next order) {
	switch next.Op {
	case "fork":
		k.fork(next.ID, next.descriptors[0], next.descriptors[1])
	case "kill":
		if _, ok := k.children[next.Pid]; ok {
			killGroup(next.Pid)
		}
	case "sweep":
		k.sweeps = true
	}
}

func (k *keeper) fork(number, control, output int) {
	pid, err := start(control, output)
	syscall.Close(control)
	syscall.Close(output)
	if err != nil {
		fmt.Fprintf(os.Stderr, "init: cannot fork: %v\n", err)
		k.sayExited(number, burial{status: forkFailed})
		return
	}
	k.children[pid] = number
	k.say(forked{Op: "forked", ID: number, Pid: pid})
}

// start executes this file as a child.
func start(control, output int) (int, error) {
	null, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(null)
	if err := syscall.SetNonblock(output, false); err != nil {
		return 0, err
	}
	return executeAnew(childArgument, null, output, output, control)
}

// executeAnew starts a process of this file in a session of its own, that ends with this one. Those
// are all its descriptors, from 0 on. To be called on the main thread.
func executeAnew(argument string, descriptors ...int) (int, error) {
	files := make([]uintptr, len(descriptors))
	for index, one := range descriptors {
		files[index] = uintptr(one)
	}
	return syscall.ForkExec("/proc/self/exe", []string{"init", argument}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
}

func (k *keeper) reap() {
	for {
		buried, ok := bury(k.children)
		if !ok {
			break
		}
		if number, ok := k.children[buried.pid]; ok {
			delete(k.children, buried.pid)
			k.isSweeping = k.sweeps
			k.sayExited(number, buried)
		}
	}
	if k.isSweeping {
		k.isSweeping = killOrphans(func(pid int) bool {
			_, ok := k.children[pid]
			return ok || pid == k.meter
		})
	}
}

func (k *keeper) sayExited(number int, buried burial) {
	k.say(exited{
		Op: "exited", ID: number, Pid: buried.pid, Status: buried.status, RSS: buried.maxRSSKB,
	})
}

func (k *keeper) say(message any) {
	if k.agent.say(message) != nil {
		k.isOver = true
	}
}
