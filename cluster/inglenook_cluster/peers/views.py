"""Which gateways there are, at one moment: the only thing that decides who owns a function.

Every gateway and worker sees the same sequence of views, each at its own pace; `version` tells how
far it has come. Pure values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inglenook.routing import rendezvous


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The gateways at one moment."""

    version: int = 0
    """Grows with every change; 0: nothing is known yet."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Those that take part: names, and addresses at which they listen for each other."""
    leaving: Mapping[str, str] = field(default_factory=dict)
    """Those that still answer and own nothing any more."""
    owners: rendezvous.Owners = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "owners", rendezvous.Owners(self.members))

    @property
    def reachable(self) -> dict[str, str]:
        """Everybody who answers, with the address."""
        return {**self.leaving, **self.members}


@dataclass(frozen=True, slots=True)
class Difference:
    """What happened between two views."""

    joined: frozenset[str]
    left: frozenset[str]
    """Those that were members, are none, and still answer."""
    died: frozenset[str]
    """Those that are gone without a word."""


def difference(old: View, new: View) -> Difference:
    """Tell what happened between two views."""
    gone = old.reachable.keys() - new.reachable.keys()
    return Difference(
        joined=frozenset(new.members.keys() - old.members.keys()),
        left=frozenset(old.members.keys() & new.leaving.keys()),
        died=frozenset(gone & old.members.keys()),
    )


def next_view(old: View, new: View) -> View:
    """Return the view to go by when `new` is what was read last.

    Without members nobody could run anything: then those that were there last are better than
    none, be it that a probe fails everywhere at once.
    """
    return old if new.version <= old.version or not new.members else new
