"""The runtimes that Lambda has, by their identifiers.

What a name means: its language and version, whether AWS still takes it for new functions. Which
runtimes this machine can run is for the agent to say; what the API lets through is `check`.
"""

import enum
import hashlib

from inglenook import errors
from inglenook.model import arn

# model:Runtime, in its order, which the error's text shows.
IDENTIFIERS = (
    *("nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x"),
    *("nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x"),
    *("java8", "java8.al2", "java11", "java17", "java21", "java25"),
    *("python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10"),
    *("python3.11", "python3.12", "python3.13", "python3.14"),
    *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1"),
    *("dotnet6", "dotnet8", "dotnet10", "nodejs4.3-edge", "go1.x"),
    *("ruby2.5", "ruby2.7", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0"),
    *("provided", "provided.al2", "provided.al2023"),
    *("nodejs26.x", "python3.15", "java8.al2023", "java11.al2023", "java17.al2023"),
)
_KNOWN = frozenset(IDENTIFIERS)

# dg/lambda-runtimes.html, "Deprecated runtimes": block function create is in the past
DEPRECATED = frozenset(
    (
        *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x"),
        *("nodejs12.x", "nodejs14.x", "nodejs16.x", "java8", "go1.x", "provided"),
        *("python2.7", "python3.6", "python3.7", "python3.8", "ruby2.5", "ruby2.7"),
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6"),
    )
)


class Family(enum.Enum):
    """What a runtime's functions are written in."""

    PYTHON = "python"
    NODEJS = "nodejs"
    JAVA = "java"
    DOTNET = "dotnet"
    RUBY = "ruby"
    GO = "go"
    PROVIDED = "provided"
    """Any executable named `bootstrap` in the deployment package."""


# dg/snapstart.html: "Python 3.12 and later"
_SNAP_START_PYTHON = (3, 12)

_SUCCESSORS = {
    Family.PYTHON: "python3.14",
    Family.NODEJS: "nodejs24.x",
    Family.JAVA: "java25",
    Family.DOTNET: "dotnet10",
    Family.RUBY: "ruby4.0",
    Family.GO: "provided.al2023",
    Family.PROVIDED: "provided.al2023",
}


def check(runtime: str, *, strict: bool = False) -> None:
    """Raise InvalidParameterValueError unless functions may be created with this runtime.

    Deprecated runtimes are taken, unless `strict`: then they are refused as AWS refuses them.
    """
    if runtime not in _KNOWN:
        raise errors.InvalidParameterValueError(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum "
            f"value set: [{', '.join(IDENTIFIERS)}]"
        )
    if strict and runtime in DEPRECATED:
        raise errors.InvalidParameterValueError(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating "
            f"AWS Lambda functions. We recommend you use a supported runtime "
            f"({_SUCCESSORS[family(runtime)]}) while creating or updating functions."
        )


def family(runtime: str) -> Family:
    """Return the family of a known runtime."""
    name = runtime.removesuffix("-edge")
    return next(one for one in Family if name.startswith(one.value))


def python_version(runtime: str) -> tuple[int, int] | None:
    """Return (3, 12) for `python3.12`, and None for what is not Python."""
    if runtime not in _KNOWN or not runtime.startswith("python"):
        return None
    major, _, minor = runtime.removeprefix("python").partition(".")
    return int(major), int(minor)


def has_snap_start(runtime: str) -> bool:
    """Whether AWS takes snapshots of functions with this runtime (dg/snapstart.html)."""
    match family(runtime):
        case Family.JAVA:
            return not runtime.startswith("java8")
        case Family.PYTHON:
            return (python_version(runtime) or (0, 0)) >= _SNAP_START_PYTHON
        case Family.DOTNET:
            return runtime in {"dotnet8", "dotnet10"}
        case _:
            return False


def needs_handler(runtime: str) -> bool:
    """Whether the runtime itself loads what the handler names.

    A `bootstrap` may make of it what it likes. The API demands one for every zip function.
    """
    return family(runtime) not in (Family.PROVIDED, Family.GO)


def version_arn(runtime: str, region: str) -> str:
    """Return the ARN of the runtime version that functions run on here.

    AWS's are opaque hashes per release of the runtime; ours stay the same for an identifier.
    """
    digest = hashlib.sha256(f"inglenook runtime {runtime}".encode()).hexdigest()
    return f"arn:{arn.partition(region)}:lambda:{region}::runtime:{digest}"
