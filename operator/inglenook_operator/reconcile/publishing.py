"""Whether a declared version can be published now: it has to get the number it is named for."""

from inglenook.model import function
from inglenook_operator.reconcile.calls import Decision, rejected, waiting
from inglenook_operator.reconcile.views import Resource


def obstacle(number: int | None, owner: Resource) -> Decision | None:
    """Return why not, or None: go ahead. `owner` is the function's resource."""
    value = None if owner.document is None else owner.document.value
    if not isinstance(value, function.Function):
        return Decision(problem=waiting("The function is not there yet."))
    if not owner.is_taken_over:
        return Decision(problem=waiting("What the function declares is not taken over yet."))
    upcoming = value.last_version + 1
    if number is not None and number > upcoming:
        return Decision(problem=waiting(f"Version {upcoming} has to be published first."))
    if number is not None and number < upcoming:
        message = f"Version {number} has been published before; the next one is {upcoming}."
        return Decision(problem=rejected("NumberTaken", message))
    if value.last_published_generation == value.status.generation:
        message = f"Nothing has changed since version {value.last_version}."
        return Decision(problem=waiting(message))
    return None


def layer_obstacle(number: int | None, last: int) -> Decision | None:
    """Do so for a layer's version. `last` is the number of the last one, 0 for a new layer."""
    if number is None or number == last + 1:
        return None
    if number > last:
        return Decision(problem=waiting(f"Version {last + 1} has to be published first."))
    message = f"Version {number} has been published before; the next one is {last + 1}."
    return Decision(problem=rejected("NumberTaken", message))
