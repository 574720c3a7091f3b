"""What runs inside an execution environment of a Python function, and what forks it.

Standard library only, Python 3.9 and later, nothing of ours imported: these files run under the
function's interpreter, in the function's container.

**The spawner** (`python -I -S .../inglenook_runtime FD`) is a zygote: a single-threaded process
that has the runtime client and the standard library's heavy modules imported. `FD` is a connected
Unix stream socket to the agent; when it closes the spawner kills its children and ends. A message
on it is a 4-byte big-endian length and that many bytes of JSON; descriptors travel with the first
byte of the message that they belong to (SCM_RIGHTS), in order.

| agent says | spawner answers |
|---|---|
| `{"op": "fork", "id": N}` + 2 descriptors: a control socket, an output pipe | `forked` |
| | `used`, when something is first put into the child's storage |
| | `exited`, when a child has ended |
| `{"op": "release", "id": N}` | |
| `{"op": "kill", "pid": P}`: a child's whole process group, if it lives | |
| `{"op": "sweep"}`: orphans are killed from now on, whenever a child ends | |
| | `terminating`, beside the agent only |

- `{"op": "forked", "id": N, "pid": P}`
- `{"op": "exited", "id": N, "pid": P, "status": S, "max_rss_kb": K}`: `S` as
  `os.waitstatus_to_exitcode` gives it (negative: the signal). What was left of the child's process
  group, and of its namespace of processes, has been killed. A child that could not be forked is
  `exited` with pid 0 and status 71.
- `{"op": "ready", "python": "3.11.7", "pid": P, "sandbox": true, "sandbox_reason": "", "walls":
  {...}}` is said once, first. `sandbox` tells whether children can be given a view of their own of
  the file system (see `sandbox`); if not, `sandbox_reason` says why. `walls` says of each wall
  (`files`, `processes`, `storage`, `system_calls`, `landlock`; see `walls`) why it is missing, and
  nothing where it stands.

Where the wall `storage` stands, every child comes with a file system of limited size for its /tmp
(see `storage`), known by the child's number. It outlives the child: a later one may be forked for
it (`{"op": "fork", "id": N, "storage": M}`, and then comes with none of its own). `release` lets
go of it, whether the child still runs or not. `used` may be said before `forked`. The spawner sees
it in the folder that the member `storage_folder` of `ready` names (else null), by its number.

The spawner's environment variable `INGLENOOK_PRELOAD_PATH` may name a folder (site-packages will
do) from which boto3 and what it needs, and nothing else, is imported ahead and importable in a
function, after all of its own folders: AWS's runtime brings the same packages. Each
`/proc/self/fd/N` in its LD_LIBRARY_PATH is a slot for a folder of shared libraries (see
`libraries`): N is inherited, and open on a folder that holds none. With
`INGLENOOK_SANDBOX=off` there are no walls. `python -I -S .../inglenook_runtime probe` prints the
walls that there would be, as JSON.

In a pod the agent is *beside* the spawner, in a container of its own, and listens on a Unix socket:
`python -I -S .../inglenook_runtime --connect PATH`. The spawner opens its slots itself, waits two
minutes at most for the agent, and has no walls but its container. Process numbers mean nothing to
the agent then. So `ready` brings descriptors, in the order in which its member `descriptors` names
them: `processes` (/proc, as the spawner has it), `storage` (a socket on which to ask how much lies
in a folder, see `usage`) and `memory_events` (the file of the container's control group that has a
line `oom_kill N`), each if it can be opened. Its member `packages` is what
`INGLENOOK_PRELOAD_PATH` says, or null. A member `modes` names those that children can have, where
they are not all but `image`: another program than this one may be the spawner
(`runtime-images/init`). SIGTERM does not end the spawner, which only says `terminating`: it is for
the agent to finish what runs, and then to close the socket.

A forked child is a session of its own (its pid, as the machine has it, is its process group), has
the output pipe as stdout and stderr and /dev/null as stdin, and waits on its control socket: it is
a *spare* until it is told what to be.

**The control socket** of a child is a Unix stream socket. A frame on it is a 4-byte big-endian
length (of what follows), one byte of kind, and the payload.

| kind | from | payload |
|---|---|---|
| `S` set up | agent | JSON, `Setup` below; always first, once |
| `E` event | agent | 4-byte big-endian length of the header; header, JSON; the event's bytes |
| `R` ready | child | empty: init has ended well (answers `S`) |
| `I` init error | child | as `F`; the child then exits with status 1 |
| `A` answer | child | the response's JSON bytes (answers `E`) |
| `F` failure | child | one byte length of the error type; the error type, UTF-8; the error's JSON |

The header of an event: `{"id", "deadline_ms", "arn", "trace_id", "client_context",
"cognito_identity", "tenant_id"}`; the last three null or absent where there is none, the first two
of these JSON text.

`Setup` is a JSON object: `mode` (`python`: run `handler` here; `exec`: become `argv`; `wrapper`:
become `argv`, with the command line that starts a Python function as its arguments), `handler`,
`argv`, `variables` (the complete environment), `task_dir`, `opt_dir`, `tmp_dir` (folders of the
host that appear as /var/task, /opt and /tmp where the sandbox can; null where there is none),
`sandbox` (whether to try), `storage_mb` (the size of the child's storage, which is /tmp then, and
not `tmp_dir`, which the child makes if it comes to need it), `hidden` (real paths of folders that
are empty in the sandbox), `join` (paths of files, such as cgroup.procs, to write `0`, the child
itself, to before anything else), `descriptors_max` (RLIMIT_NOFILE), `processes_max` (threads count
too; kept here where the control group of root's does not), `log_mark` (32 hex digits, see below).
The variables AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL say how the function logs.

Mode `image` is the init's of `runtime-images/init` alone, and `Setup` has three more members for
it: `entry_point` (a list of text that `argv` follows; empty: `/lambda-entrypoint.sh`),
`working_dir` (null: where the container's first process was started) and `defaults` (variables that
are there unless the container's environment or `variables` say otherwise). If the working directory
cannot be entered, the child says `I` with the type `Runtime.InvalidWorkingDir`.

A child keeps no privilege of root's, and in the sandbox it can write to /tmp only. Where it cannot
have a view of files of its own, Landlock keeps it from `hidden` and from writing outside `tmp_dir`
(and the machine's /tmp, unless something hidden lies there), and no file may be larger than
`storage_mb`.

The agent writes `variables` and `argv` as on Lambda (`LAMBDA_TASK_ROOT=/var/task`). In a child that
is not in the sandbox, whichever end decided so, the child itself makes `LAMBDA_TASK_ROOT`, `PWD`,
`PYTHONPATH`, `PATH`, `LD_LIBRARY_PATH` and `argv[0]` point to the real folders, and sets `TMPDIR`.

A child that cannot be prepared (a file of `join` that refuses) says why on its output and exits
with status 70 before it runs anything.

In mode `exec` the control socket closes at exec and the child has said nothing on it: the program
speaks the Runtime API. Mode `wrapper` is the same (see `wrapped`), but a wrapper that cannot be
executed is named in the output, as on Lambda. If the program of mode `exec` cannot be executed, the
child says `I` with the type `Runtime.InvalidEntrypoint` and exits with status 127 (absent) or 126
(refused).

**The output pipe** carries what the function prints, and between it, whole records: the 16 bytes of
`log_mark`, a 4-byte big-endian length, and that many bytes of UTF-8, one log event that may hold
newlines. Records are written by the runtime client alone (tracebacks, the logging module). Most
records of the logging module end with a newline, which is part of them; tracebacks do not, as on
Lambda. Everything that a function wrote before its answer is in the pipe before the answer is sent.
"""
