"""X-Ray's trace header, read and written: `Root=1-<time>-<chance>;Parent=<id>;Sampled=1`.

An id of X-Ray is one of OpenTelemetry's, written with two dashes: 128 bits for the trace, of which
the first 32 are its time, and 64 for a segment or a span. Pure.

Source: X-Ray's devguide/xray-concepts.html, devguide/xray-api-sendingdata.html.
"""

import re
from dataclasses import dataclass

_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})", re.IGNORECASE)
_PARENT = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a header says."""

    trace_id: int
    parent_id: int | None
    """None: what follows is the root of the trace."""
    is_sampled: bool | None
    """None: whoever reads it decides, as for `Sampled=?`."""


def parse(header: str) -> Context | None:
    """Return what a header says; None if it names no trace."""
    parts = _parts(header)
    root = _ROOT.fullmatch(parts.get("root", ""))
    if root is None:
        return None
    parent = parts.get("parent", "")
    return Context(
        trace_id=int(root[1] + root[2], 16),
        parent_id=(int(parent, 16) or None) if _PARENT.fullmatch(parent) else None,
        is_sampled={"1": True, "0": False}.get(parts.get("sampled", "")),
    )


def is_sampled(header: str) -> bool:
    """Answer whether a header says that the trace is kept. Quick."""
    return "Sampled=1" in header


def with_parent(header: str, span_id: int) -> str:
    """Return a header that goes on below a span; what else it says, of whomever, stays."""
    kept = [part for part in header.split(";") if _name(part) != "parent"]
    at = next((i + 1 for i, part in enumerate(kept) if _name(part) == "root"), len(kept))
    return ";".join([*kept[:at], f"Parent={span_id:016x}", *kept[at:]])


def decided(header: str, *, is_sampled: bool) -> str:
    """Return a header that says whether the trace is kept."""
    kept = [part for part in header.split(";") if _name(part) != "sampled"]
    return ";".join([*kept, f"Sampled={int(is_sampled)}"])


def _parts(header: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in header.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _name(part: str) -> str:
    return part.partition("=")[0].strip().lower()
