"""What a gateway and an agent say to each other.

A message is a header (one of the structs below) and a body of raw bytes: the event, or the answer.
Bodies are never re-encoded. Every exchange begins at the gateway with a stream number of its
choosing and ends with exactly one message of the agent on that stream: the answer or `Refused`.
A streamed answer is `Chunk`s before the `Result`, on the same stream; at most
`STREAM_WINDOW_BYTES` of them are under way that the gateway has not `Taken`.
`Welcome`, `Ready` and `Gone` come unasked, on stream 0.

An agent serves one version at most, for its whole life. What it cannot do it refuses, and its
refusal is the truth: the gateway then tries elsewhere.

In one process a connection is between two who know each other, and begins with `Welcome`. Over a
network it begins with the listener's `Challenge`; whoever connected answers with a `Hello` that
proves that both have the same secret, and only then hears `Welcome` (from an agent) or anything
else. One that proves nothing is closed without a word.

Several gateways may be connected to one agent; one of them, the *owner*, is whoever specialised it
or adopted it last. All others are refused with `MOVED`, except for `Adopt`. What a former owner has
begun is answered to it; the new owner hears `Freed` of those environments when that is done. An
agent in a pod whose owner's connection ends keeps its environments, and what runs in them, for
another to adopt. Of one that drains only those are adopted that run something, for it to be heard.

A gateway sends what an agent lacks of its packages before `Specialise`, in pieces, in order, and
need not wait for their answers: `Specialise` is done when they are.

| gateway says | agent answers |
|---|---|
| `Package` + a piece of a zip | `Stored` |
| `Adopt`: I own this version's function from now on | `Adopted` |
| `Specialise`: run this version from now on | `Specialised` |
| `Start`: one more execution environment | `Started`, once init has ended, well or not |
| `Invoke` + event: one invocation in that environment | `Chunk`s perhaps; `Result` + payload |
| `Taken`: so many bytes of a streamed answer have been passed on | (nothing) |
| `Stop`: end that environment | `Gone`, on the same stream |
| `Drain`: take nothing new, end when all is done | `Drained` |
"""

import enum

import msgspec

from inglenook.wire import gateways

PROTOCOL = 1

STREAM_WINDOW_BYTES = 1024 * 1024
"""How much of a streamed answer an agent may send ahead of the gateway's `Taken`."""


class Refusal(enum.Enum):
    """Why an agent does not do what it was asked to."""

    DRAINING = "draining"
    FULL = "full"
    WRONG_VERSION = "wrong version"
    UNKNOWN_ENVIRONMENT = "unknown environment"
    BUSY = "busy"
    CODE_UNAVAILABLE = "code unavailable"
    RUNTIME_UNAVAILABLE = "runtime unavailable"
    CANNOT_START = "cannot start"
    MOVED = "moved"
    """Another gateway owns the agent, or the function."""


class VersionId(msgspec.Struct, frozen=True, kw_only=True):
    """Which code and configuration an environment runs; two that differ never share one."""

    function_name: str
    function_uid: str
    version: str
    """A number, or `$LATEST`."""
    generation: int


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag="welcome"):
    """An agent's first message: what it is and what it already runs."""

    protocol: int = PROTOCOL
    agent: str
    version: VersionId | None = None
    """What it serves, if it is specialised."""
    environments: list[str] = []
    busy: list[str] = []
    """Those of them that run something."""
    is_draining: bool = False
    """Whether it takes nothing new, or never has and never will."""
    is_local: bool = True
    """Whether code lies where the gateway put it, on the same machine, and is not sent."""
    is_starting: bool = False
    """Whether nothing can run there yet; `Ready` is to come."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """Nobody asked: an agent that was starting can run things now."""


class Challenge(msgspec.Struct, frozen=True, kw_only=True, tag="challenge"):
    """The listener's first message over a network: what the other end is to prove itself with."""

    protocol: int = PROTOCOL
    nonce: bytes


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """Who has connected, with the proof: the HMAC-SHA256 of nonce and name under the secret."""

    name: str
    """The pod's, of a gateway or a worker."""
    proof: bytes


class Package(msgspec.Struct, frozen=True, kw_only=True, tag="package"):
    """A piece (the body) of a package that a `Specialise` will name."""

    sha256: str
    offset: int
    total: int
    """Of all pieces, in bytes."""


class Stored(msgspec.Struct, frozen=True, kw_only=True, tag="stored"):
    """The piece is kept; after the last one the package is whole and verified."""


class Adopt(msgspec.Struct, frozen=True, kw_only=True, tag="adopt"):
    """Make this connection the owner's."""

    id: VersionId


class Adopted(msgspec.Struct, frozen=True, kw_only=True, tag="adopted"):
    """The environments that go over to the new owner."""

    environments: list[str] = []
    """All of them that live."""
    busy: list[str] = []
    """Those that run something for a former owner."""


class Freed(msgspec.Struct, frozen=True, kw_only=True, tag="freed"):
    """An environment has done what it ran for a former owner. Said unasked, on stream 0."""

    environment: str


class Forward(msgspec.Struct, frozen=True, kw_only=True, tag="forward"):
    """Run one event (the body) of a function that the other gateway owns.

    Answered as `Invoke` is, or by `Failed`; by `Refused` with `MOVED` from one that does not own
    it, and with `WRONG_VERSION` from one that does not know this version yet.
    """

    id: VersionId
    request_id: str
    arn: str
    trace_id: str
    client_context: str | None = None
    cognito_identity: str | None = None
    wants_tail: bool = False
    wants_stream: bool = False
    is_synchronous: bool = True


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The platform could not run a forwarded event, for a reason that the caller is to be told."""

    code: str
    """Of the error, as in `inglenook.errors`: `TooManyRequestsException`."""
    status: int
    message: str
    reason: str | None = None
    """A throttle's."""
    retry_after_s: int | None = None


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is unpacked into /opt."""

    arn: str
    sha256: str


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What to run of a container image: ImageConfig's, or the image's own where that is known."""

    uri: str
    """As the function's container names it."""
    entry_point: list[str] = []
    """Empty: `/lambda-entrypoint.sh`, if the image has it."""
    command: list[str] = []
    """The entry point's arguments."""
    working_directory: str | None = None
    """None: the image's."""


class Specialise(msgspec.Struct, frozen=True, kw_only=True, tag="specialise"):
    """All that an agent needs to run environments of a version."""

    id: VersionId
    runtime: str
    handler: str
    code_sha256: str
    memory_mb: int
    timeout_s: int
    ephemeral_storage_mb: int
    log_group: str
    log_format: str = "Text"
    application_level: str = "INFO"
    """The lowest level of the function's own log events that is kept; for the JSON format only."""
    system_level: str = "INFO"
    """The same for the platform's."""
    variables: dict[str, str] = {}
    layers: list[Layer] = []
    """Unpacked into /opt in this order, later ones over earlier ones."""
    environments_max: int | None = None
    """How many environments one pod may hold; None: as many as the agent will."""
    image: Image | None = None
    """If the code is an image: it lies in the pod, and runtime, handler and package are empty."""
    region: str
    account: str


class Specialised(msgspec.Struct, frozen=True, kw_only=True, tag="specialised"):
    """The version's code is in place; environments can be started."""


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Start an execution environment and run its init."""

    initialization_type: str = "on-demand"


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """An environment waits for events. After a failed init too: the next invocation inits again."""

    environment: str
    init_ms: float
    init_ok: bool = True


class Invoke(msgspec.Struct, frozen=True, kw_only=True, tag="invoke"):
    """Run one event (the body). The agent alone enforces the function's timeout."""

    environment: str
    request_id: str
    arn: str
    """The invoked function's ARN, qualified as the caller asked for it."""
    trace_id: str
    client_context: str | None = None
    """JSON, decoded from the caller's base64."""
    cognito_identity: str | None = None
    wants_tail: bool = False
    wants_stream: bool = False
    """Whether a runtime that streams its answer is passed on as it writes. If not, its whole answer
    is gathered and is the body of the `Result`."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True, tag="chunk"):
    """A piece (the body) of an answer that is being streamed; the first tells its content type."""

    content_type: str | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="taken"):
    """So many more bytes of the streamed answer on this stream are off the gateway's hands."""

    size: int


class Result(msgspec.Struct, frozen=True, kw_only=True, tag="result"):
    """How an invocation ended; the body is the payload for the caller.

    After `Chunk`s the body is empty, or the error's JSON if the function failed midway.
    """

    error: str | None = None
    """If it failed, the type of the error: `Runtime.ExitError`, or the exception's name."""
    tail: str | None = None
    """The last 4 KB of its log, base64, if it was asked for."""
    duration_ms: float = 0.0
    billed_ms: int = 0
    max_memory_mb: int = 0
    is_reusable: bool = True
    """Whether the environment takes another event. If not, `Gone` follows."""
    is_warm: bool = True
    """Whether its process waits for that event. If not, init runs again within it."""


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """End an environment that has nothing to do."""

    environment: str


class Gone(msgspec.Struct, frozen=True, kw_only=True, tag="gone"):
    """An environment has ended, by `Stop` or on its own."""

    environment: str
    reason: str = ""


class Drain(msgspec.Struct, frozen=True, kw_only=True, tag="drain"):
    """Take nothing new; finish what runs; then stop all environments."""


class Drained(msgspec.Struct, frozen=True, kw_only=True, tag="drained"):
    """All environments of this agent have ended."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The agent does not do it, and nothing of it was begun."""

    reason: Refusal
    message: str = ""


Header = (
    Welcome
    | Ready
    | Challenge
    | Hello
    | Package
    | Stored
    | Adopt
    | Adopted
    | Freed
    | Forward
    | Failed
    | gateways.Roster
    | gateways.Borrow
    | gateways.Lent
    | gateways.Recall
    | gateways.Ping
    | gateways.Pong
    | Specialise
    | Specialised
    | Start
    | Started
    | Invoke
    | Chunk
    | Taken
    | Result
    | Stop
    | Gone
    | Drain
    | Drained
    | Refused
)
