"""When a pod on a node that is gone is let go without its kubelet's word. Pure.

A kubelet that has not been heard of for as long as the cluster waits for one (its node is neither
ready nor unready, but Unknown), or whose node is no more, will not end a pod. One that says itself
that its node is not ready is alive: what runs there may yet end in order, and so it is left to it.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from inglenook_operator.reconcile.pods import Pod

_LEAVING_S = 1.5
"""Almost all are gone by then."""
_LOOK_S = 5.0
"""A node may go while a pod of it is leaving, which can take as long as what runs in it."""


class Node(enum.Enum):
    """How a pod's node is."""

    READY = "ready"
    UNREADY = "unready"
    """Its kubelet says so."""
    GONE = "gone"


def node(body: Mapping[str, Any] | None) -> Node:
    """Read a node as the API server shows it; None: there is none of that name."""
    if body is None:
        return Node.GONE
    for one in (body.get("status") or {}).get("conditions") or ():
        if one["type"] == "Ready":
            return {"True": Node.READY, "Unknown": Node.GONE}.get(one["status"], Node.UNREADY)
    # It has just been made: nobody has said anything yet.
    return Node.UNREADY


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What to do now, and when to look again; None: when something is heard of the pod."""

    is_deleted: bool = False
    """Whether to delete it in order: from then on it counts no more."""
    is_forced: bool = False
    """Whether to delete it without waiting for anybody."""
    again_s: float | None = None


def needs_node(pod: Pod, now: float) -> bool:
    """Whether what is to be done hangs on the pod's node."""
    if pod.node is None:
        return False
    return (
        now - pod.leaving_since >= _LEAVING_S if pod.leaving_since is not None else pod.is_cut_off
    )


def decide(pod: Pod, of: Node | None, now: float) -> Departure:
    """Decide about a pod that leaves, or seems to be cut off. `of` is its node, if it has one."""
    if pod.leaving_since is None:
        # Kubernetes evicts such pods as well, but slowly when many nodes go at once.
        is_lost = pod.is_live and pod.is_cut_off and of is Node.GONE
        return Departure(is_deleted=is_lost, again_s=None if is_lost else _LOOK_S)
    left = pod.leaving_since + _LEAVING_S - now
    if left > 0:
        return Departure(again_s=left)
    match of:
        case None | Node.GONE:
            return Departure(is_forced=True, again_s=_LOOK_S)
        case Node.READY | Node.UNREADY:
            return Departure(again_s=_LOOK_S)
        case _:
            assert_never(of)
