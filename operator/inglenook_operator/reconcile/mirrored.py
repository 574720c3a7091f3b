"""What a spec has to become for it to declare what the platform has, after a call of the API."""

from inglenook_cluster.resources import declared
from inglenook_operator.reconcile import children
from inglenook_operator.reconcile.views import Resource, Spec

_OF_THE_RESOURCE = ("functionName", "runtimeClassName", "environmentsPerPod")
"""Only the resource itself has these, and nobody but who declares it writes them."""


def spec(one: Resource) -> Spec | None:
    """Return the new spec of a resource; None: it is right as it is."""
    if one.document is None or one.kind in children.IMMUTABLE or one.is_as_declared:
        return None
    written = declared.mirrored(one.spec, one.document, one.code)
    kept = {key: one.spec[key] for key in _OF_THE_RESOURCE if key in one.spec}
    return {**written, **kept}
