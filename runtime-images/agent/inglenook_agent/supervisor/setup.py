"""What a forked child is told to become (`Setup` in `inglenook_runtime`)."""

import enum

import msgspec


class Mode(enum.Enum):
    """How a child runs the function."""

    PYTHON = "python"
    """The handler runs in the child itself."""
    EXEC = "exec"
    """The child becomes a program that speaks the Runtime API."""
    WRAPPER = "wrapper"
    """So it does, and the program is told how a Python function is started."""

    IMAGE = "image"
    """It becomes the program of its container's image."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of a child's configuration."""

    mode: Mode
    handler: str
    argv: list[str]
    variables: dict[str, str]
    task_dir: str
    opt_dir: str | None
    tmp_dir: str | None
    storage_mb: int
    processes_max: int
    sandbox: bool
    hidden: list[str]
    join: list[str]
    descriptors_max: int
    log_mark: str
    entry_point: list[str] = []
    """Of an image; `argv` are its arguments. Empty: what AWS's base images have."""
    working_dir: str | None = None
    """Of an image; None: its own."""
    defaults: dict[str, str] = {}
    """Variables that an image has unless it, or `variables`, says otherwise."""
