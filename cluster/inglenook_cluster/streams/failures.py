"""What can go wrong between this process and NATS.

Both are errors of the queue and of the API: whoever works on a queue backs off, and whoever asked
for an invocation is answered 500.
"""

from inglenook import errors
from inglenook.events import queue


class EngineError(queue.QueueError, errors.ServiceError):
    """The durable engine refused."""


class UnavailableError(EngineError):
    """The durable engine cannot be reached."""


class ConflictError(Exception):
    """The subject has been written to since: somebody else was first."""
