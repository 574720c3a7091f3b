"""Trace ids, as X-Ray's header writes them.

`Root=1-<8 hex digits of the time>-<24 of chance>` names the trace; `Parent` and `Sampled` follow
for whoever continues it. Pure.
"""

import random


def root(now: float, rng: random.Random) -> str:
    """Return a trace that nothing belonged to before."""
    return f"Root=1-{int(now):08x}-{rng.getrandbits(96):024x}"


def header(now: float, rng: random.Random) -> str:
    """Return the whole header of such a trace, not sampled, as for a request without one."""
    bits = rng.getrandbits(160)
    trace, parent = f"{bits >> 64:024x}", f"{bits & ((1 << 64) - 1):016x}"
    return f"Root=1-{int(now):08x}-{trace};Parent={parent};Sampled=0"


def continued(header: str, rng: random.Random) -> str:
    """Return a header with a parent and a decision, which it may have already."""
    parts = {part.partition("=")[0].strip().lower() for part in header.split(";")}
    if "parent" not in parts:
        header = f"{header};Parent={rng.getrandbits(64):016x}"
    return header if "sampled" in parts else f"{header};Sampled=0"
