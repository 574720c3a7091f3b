"""How a function's asynchronous invocations are retried, and where their records go."""

import msgspec

from inglenook.model import limits


class EventInvokeConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The event invoke config of `$LATEST`, a version or an alias.

    None: not given, then not shown, and the default of `limits` applies.
    """

    function_name: str
    function_uid: str
    qualifier: str
    """`$LATEST`, a version's number or an alias' name."""
    last_modified: float
    """Seconds since the epoch."""
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_success: str | None = None
    """ARN of the destination for events that succeeded."""
    on_failure: str | None = None
    """ARN of the destination for events that were given up."""

    @property
    def retry_attempts(self) -> int:
        """How often an event whose function failed is run again."""
        if self.maximum_retry_attempts is None:
            return limits.EVENT_RETRIES_MAX
        return self.maximum_retry_attempts

    @property
    def event_age_s(self) -> int:
        """How old an event may get before it is given up."""
        if self.maximum_event_age_s is None:
            return limits.EVENT_AGE_S_MAX
        return self.maximum_event_age_s
