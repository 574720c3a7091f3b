"""What an alias may point to. Pure."""

from inglenook import errors
from inglenook.model import function, limits


def versions(alias: function.Alias) -> tuple[str, ...]:
    """Return every version that an alias may send an invocation to."""
    return (alias.function_version, *alias.additional_version_weights)


def check_routing(alias: function.Alias) -> None:
    """Raise InvalidParameterValueError for weights that no alias may have."""
    weights = alias.additional_version_weights
    if not weights:
        return
    most = limits.ALIAS_ADDITIONAL_VERSIONS_MAX
    if len(weights) > most:
        raise errors.InvalidParameterValueError(
            f"Number of items in AdditionalVersionWeights cannot be greater than {most}"
        )
    if alias.function_version == function.LATEST or function.LATEST in weights:
        raise errors.InvalidParameterValueError(
            "$LATEST is not supported for an alias pointing to more than 1 version"
        )
    if alias.function_version in weights:
        raise errors.InvalidParameterValueError(
            f"Invalid function version {alias.function_version}. Function version "
            f"{alias.function_version} is already included in routing configuration."
        )
