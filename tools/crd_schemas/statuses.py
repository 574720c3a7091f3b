"""What every resource's status has: conditions, and the document that the platform goes by."""

from collections.abc import Mapping

from crd_schemas.fields import Schema, flag, record, records, text, whole  # noqa: F401

CONDITIONS = records(
    "What is true of this resource now, one entry for each type. Accepted: whether the platform "
    "has taken over what spec declares; if not, message says why.",
    record(
        "One statement about this resource.",
        {
            "type": text("What the statement is about, such as Accepted or Ready."),
            "status": text("Whether it is so: True, False or Unknown."),
            "reason": text("Why, in one word for programs."),
            "message": text("Why, in a sentence for people."),
            "lastTransitionTime": text("When status last changed.", format="date-time"),
            "observedGeneration": whole("The metadata.generation that this statement is about."),
        },
        required=("type", "status"),
    ),
    **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
)

COMMON = {
    "observedGeneration": whole(
        "The metadata.generation that the platform has looked at last. While it is behind, spec "
        "has changes that have not been taken over yet."
    ),
    "conditions": CONDITIONS,
    "document": text(
        "The name by which the platform keeps this resource; empty until it has been accepted."
    ),
    "applied": text(
        "What the platform goes by, whole and exactly, as JSON. Written by the platform alone: to "
        "change something, change spec or call the Lambda API."
    ),
    "replaced": whole("The resource version that the last change of applied has replaced."),
}


def status(shown: Mapping[str, Schema]) -> Schema:
    """Return the schema of a status with what all have and what this kind shows."""
    return record("What the platform says of this resource.", {**shown, **COMMON})
