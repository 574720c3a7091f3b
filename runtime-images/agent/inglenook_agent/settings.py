"""Settings of the agent and of the supervisor that agents of one machine share.

Plain values with defaults; whoever wires the process reads its environment and passes them in.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inglenook.model import limits


def _host_path() -> str:
    return os.pathsep.join(os.get_exec_path())


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSettings:
    """How environments are started, limited and kept."""

    environments_max: int = 1000
    """Environments of one agent at a time; more are refused as full."""
    init_timeout_s: float = limits.INIT_TIMEOUT_S
    """How long an init ahead of the first invocation may take, in seconds."""
    provisioned_init_timeout_s: float = limits.PROVISIONED_INIT_TIMEOUT_S
    """The same for provisioned environments, in seconds."""
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / "inglenook")
    """Folder of the environments' own /tmp folders; each process has a subfolder of its own."""
    spares: int = 2
    """Processes per interpreter that wait, forked ahead, to be told what to run."""
    forks_max: int = 16
    """Forks asked of one spawner at a time."""
    start_timeout_s: float = 20.0
    """How long a spawner may take to come up and a fork to come back, in seconds."""
    exit_grace_s: float = 0.1
    """How long a dead process's last words may take to arrive, in seconds."""
    stream_bytes_per_s: int = limits.STREAM_BYTES_PER_S
    """How fast a streamed answer goes once its first 6 MB have; 0: as fast as it can."""
    use_sandbox: bool = True
    """Whether processes have walls around them, as far as the machine can put them up."""
    hidden: tuple[Path, ...] = ()
    """Folders, by their real paths, that functions find empty in the sandbox: what others' code,
    variables and logs lie in."""
    use_cgroups: bool = True
    """Whether memory and CPU are limited by control groups where they can be."""
    sampling_interval_s: float = 0.05
    """How often memory is looked at where there are no control groups, in seconds."""
    storage_interval_s: float = 0.5
    """How often the /tmp of a pod is looked at while something runs there, in seconds."""
    interpreters: Mapping[str, Path] = field(default_factory=dict)
    """Runtime name (`python3.12`) to interpreter; goes before what is found on the machine."""
    pyenv_versions: Path = field(default_factory=lambda: Path.home() / ".pyenv" / "versions")
    """Where pyenv keeps its interpreters."""
    running_interpreter: Path = field(default_factory=lambda: Path(sys.executable).resolve())
    """The interpreter that this process runs on."""
    host_path: str = field(default_factory=_host_path)
    """The machine's search path: where interpreters are looked for; follows Lambda's in PATH."""
    runtime_client: Path | None = None
    """Folder of the package that runs beside the function; None finds the installed one."""
    access_key_id: str = "inglenook-local"
    secret_access_key: str = "inglenook-local"  # noqa: S105 - says what it is; no service accepts it
    session_token: str = "inglenook-local"  # noqa: S105 - as above
