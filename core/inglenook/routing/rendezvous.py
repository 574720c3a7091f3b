"""Which member of a group owns a name, so that all who know the same members agree.

Rendezvous hashing: each member's claim on a name is a hash of the two, and the strongest owns it.
Names spread evenly; when a member comes it takes only its own share, in equal parts from all, and
when one goes nothing moves but what it had. The hash is the same in every process and version.
"""

import hashlib
from collections.abc import Iterable


def owner(name: str, members: Iterable[str]) -> str | None:
    """Return the member that owns `name`, whatever their order; None if there are no members."""
    return Owners(members).of(name)


class Owners:
    """The owners of names among the same members, each worked out once."""

    __slots__ = ("_claims", "_known")

    def __init__(self, members: Iterable[str]) -> None:
        # Of each member, the hash that a name is to be put into. Keyed, so that ("ab", "c") and
        # ("a", "bc") differ; by a digest, as a key may have 64 bytes and a name more.
        self._claims = {
            member: hashlib.blake2b(
                digest_size=8, key=hashlib.blake2b(member.encode(), digest_size=32).digest()
            )
            for member in members
        }
        self._known: dict[str, str | None] = {}

    def of(self, name: str) -> str | None:
        """Return the owner of a name; None if there are no members."""
        try:
            return self._known[name]
        except KeyError:
            found = self._known[name] = self._strongest(name.encode())
            return found

    def _strongest(self, name: bytes) -> str | None:
        strongest: tuple[bytes, str] | None = None
        for member, keyed in self._claims.items():
            claim = keyed.copy()
            claim.update(name)
            mine = claim.digest(), member
            if strongest is None or mine > strongest:
                strongest = mine
        return None if strongest is None else strongest[1]
