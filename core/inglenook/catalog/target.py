"""What an invocation is aimed at, once its function and qualifier are resolved."""

from dataclasses import dataclass

from inglenook.model import function
from inglenook.wire import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One version of a function, ready to be invoked. Shared by all invocations of it."""

    id: messages.VersionId
    """What environments run; those of another id never take this target's invocations."""
    spec: function.Spec
    status: function.Status
    function_arn: str
    """Unqualified."""

    @property
    def function_name(self) -> str:
        return self.id.function_name

    @property
    def executed_version(self) -> str:
        """A number, or `$LATEST`: what the response's `ExecutedVersion` says."""
        return self.id.version

    @property
    def log_group(self) -> str:
        return self.spec.logging.log_group

    def invoked_arn(self, qualifier: str | None) -> str:
        """Return the ARN that the function's context shows, qualified as the caller asked."""
        return self.function_arn if qualifier is None else f"{self.function_arn}:{qualifier}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """Environments that no invocation will be aimed at any more."""

    function_name: str
    function_uid: str
    version: str | None
    """A number or `$LATEST`; None: all versions of the function."""
    current_generation: int | None = None
    """Environments of this generation stay; None: all go."""

    def covers(self, version_id: messages.VersionId) -> bool:
        """Whether environments of this version are to be retired."""
        return (
            version_id.function_name == self.function_name
            and version_id.function_uid == self.function_uid
            and self.version in (None, version_id.version)
            and version_id.generation != self.current_generation
        )
