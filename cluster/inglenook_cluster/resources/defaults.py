"""Specs without what says nothing, and specs with all that goes without saying. Pure.

The static defaults are those of the custom resource definitions; here they serve specs that were
made by the platform. A few depend on the rest of the spec and are nowhere else.
"""

import copy
from collections.abc import Mapping
from typing import Any

from inglenook.model import function, limits
from inglenook.store import kinds

Spec = dict[str, Any]

ROLE = "arn:aws:iam::000000000000:role/inglenook"

_STATIC: Mapping[str, Spec] = {
    kinds.FUNCTION.name: {
        "role": ROLE,
        "memorySize": limits.MEMORY_MB_DEFAULT,
        "timeout": limits.TIMEOUT_S_DEFAULT,
        "ephemeralStorage": {"size": limits.EPHEMERAL_STORAGE_MB_MIN},
        "architectures": ["x86_64"],
        "loggingConfig": {"logFormat": "Text"},
        "tracingConfig": {"mode": "PassThrough"},
        "snapStart": {"applyOn": "None"},
        "runtimeManagementConfig": {"updateRuntimeOn": "Auto"},
        "recursiveLoop": "Terminate",
        "environmentsPerPod": 1,
    },
    kinds.URL.name: {"invokeMode": "BUFFERED"},
    kinds.EVENT_INVOKE.name: {"qualifier": function.LATEST},
    kinds.CODE_SIGNING.name: {"codeSigningPolicies": {"untrustedArtifactOnDeployment": "Warn"}},
    kinds.EVENT_SOURCE.name: {"enabled": True},
}
_LEVELS = ("applicationLogLevel", "systemLogLevel")

# Their names are the user's, and their values may well be empty.
_VERBATIM = frozenset({"variables", "tags", "inline", "policy"})


def static(kind: str) -> Spec:
    """Return what a spec has where it says nothing."""
    return copy.deepcopy(_STATIC.get(kind, {}))


def pruned(spec: Mapping[str, Any]) -> Spec:
    """Return a spec without members that are empty: none of them says anything."""
    left: Spec = {}
    for name, value in spec.items():
        if isinstance(value, Mapping) and name not in _VERBATIM:
            value = pruned(value)  # noqa: PLW2901 - the same member, smaller
        if value not in (None, "", {}, [], ()):
            left[name] = value
    return left


def filled(kind: str, name: str, given: Mapping[str, Any]) -> Spec:
    """Return a spec with what goes without saying; `name` is the document's."""
    spec = _merged(static(kind), pruned(given))
    if kind == kinds.FUNCTION.name:
        spec["functionName"] = name
        is_image = "imageUri" in spec.get("code", {})
        spec.setdefault("packageType", "Image" if is_image else "Zip")
        logging = spec["loggingConfig"]
        logging.setdefault("logGroup", f"/aws/lambda/{name}")
        if logging["logFormat"] == "JSON":
            for level in _LEVELS:
                logging.setdefault(level, "INFO")
    return spec


def _merged(under: Spec, over: Mapping[str, Any]) -> Spec:
    for name, value in over.items():
        below = under.get(name)
        if isinstance(below, dict) and isinstance(value, Mapping):
            under[name] = _merged(below, value)
        else:
            under[name] = copy.deepcopy(value)
    return under
