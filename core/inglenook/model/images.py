"""Container images as a function's code: what is known of one from its name alone. Pure.

Nobody here asks a registry. The URI goes to the kubelet as it was given, so a tag means whatever
the registry says when a node pulls it; only a digest means one image for ever.
"""

import hashlib
import re

_DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")
# What a reference to an image looks like: a registry or a path, perhaps a tag, perhaps a digest.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/"
_REFERENCE = re.compile(
    rf"(?:{_HOST})?{_COMPONENT}(?:/{_COMPONENT})*(?::[\w][\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
_RUNTIME_PREFIX = "image-"
_RUNTIME_DIGITS = 16


def is_reference(uri: str) -> bool:
    """Whether a text can name an image at all."""
    return _REFERENCE.fullmatch(uri) is not None


def sha256(uri: str) -> str:
    """Return 64 hex digits that stand for an image: its digest, or else a hash of its name."""
    found = _DIGEST.search(uri)
    return found[1] if found else hashlib.sha256(uri.encode()).hexdigest()


def runtime_name(uri: str) -> str:
    """Return the name of the Runtime whose pods run functions of an image.

    Functions with the same image have the same, and so they share the pods that wait.
    """
    digest = hashlib.sha256(uri.encode()).hexdigest()
    return f"{_RUNTIME_PREFIX}{digest[:_RUNTIME_DIGITS]}"
