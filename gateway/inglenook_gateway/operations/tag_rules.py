"""How many tags a function may have. Pure."""

from collections.abc import Mapping

from inglenook import errors
from inglenook.model import limits


def merged(before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the tags with the given ones added. Raises InvalidParameterValueError."""
    tags = {**before, **given}
    if len(tags) > limits.TAGS_MAX:
        raise errors.InvalidParameterValueError("Number of tags exceeds resource tag limit.")
    return tags
