"""The stream of a queue, and the names in it."""

from inglenook_cluster.streams import records
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.stream import Stream

NAME = "inglenook-events"


async def made(connection: Connection, name: str) -> Stream:
    """Return the stream of a queue, made if absent. Raises EngineError."""
    stream = Stream(connection, name)
    await stream.ensure(
        {
            "subjects": [subjects(name).all],
            "max_msgs_per_subject": 1,
            "allow_atomic": True,
            "allow_msg_ttl": True,
            "description": "Accepted events and deliveries, one subject each",
        }
    )
    return stream


def subjects(name: str) -> records.Subjects:
    """Return the subjects of the queue of this name."""
    return records.Subjects(name.replace("-", "."))
