"""Which package a Function's declaration stands for, and whether the platform runs it.

Fetching is put off until it has to be, and done once. What was made of which declaration is
recorded in `status.code`, so that a package from afar is not fetched again, and so that code that
came through the Lambda API is told from code that was declared.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inglenook_cluster.resources import declared
from inglenook_cluster.resources.manifest import CodeSource
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control.sources import Sources
from inglenook_operator.reconcile.views import Resource

_EXACT = ("sha256", "imageUri")
"""The sources that say themselves what they are, whatever is behind them."""


@dataclass(slots=True, kw_only=True)
class Deployment:
    """The code that a resource declares now."""

    code: Mapping[str, Any]
    present: str | None
    """The SHA-256 of the package that the platform has, or the URI of the image."""
    sources: Sources
    is_new: bool = False
    """Whether it is not what the platform has been given for this declaration."""
    _members: dict[str, Any] | None = None

    @property
    def hash(self) -> str:
        return declared.source_hash(self.code)

    async def members(self) -> dict[str, Any]:
        """Return the members of a request that carry the code."""
        if self._members is None:
            self._members = await self.sources.members(self.code)
        return dict(self._members)

    async def sha256(self) -> str | None:
        """Return the package's SHA-256, if it is known before the platform has it."""
        stated = self.code.get("sha256") or (self.code.get("zip") or {}).get("sha256")
        if stated is not None:
            return str(stated)
        content = (await self.members()).get("ZipFile")
        return None if content is None else hashlib.sha256(content).hexdigest()


class Deployments:
    """Compare declared code with deployed code."""

    def __init__(self, around: Surroundings, *, sources: Sources) -> None:
        self._around = around
        self._sources = sources

    async def of(self, one: Resource) -> Deployment:
        """Return a resource's. Raises NotThereYetError and BadSourceError."""
        deployed = (one.present or {}).get("code") or {}
        present = deployed.get("sha256") or deployed.get("imageUri")
        made = Deployment(code=one.spec.get("code") or {}, present=present, sources=self._sources)
        made.is_new = present is None or await self._is_new(made, one.code)
        return made

    async def _is_new(self, made: Deployment, recorded: CodeSource | None) -> bool:
        is_recorded = recorded is not None and recorded.source == made.hash
        for exact in _EXACT:
            if exact in made.code:
                return bool(made.code[exact] != made.present)
        if recorded is not None and is_recorded:
            # What a ConfigMap has may change without a change of who names it.
            changes = "configMap" in made.code and await made.sha256() != recorded.sha256
            return changes and await made.sha256() != made.present
        return await made.sha256() != made.present

    async def record(self, one: Resource, made: Deployment, answered: str | None) -> None:
        """Write down which package a declaration has become; `answered` is the API's digest."""
        if any(exact in made.code for exact in _EXACT):
            return
        sha256 = made.present if answered is None else _hex(answered)
        wanted = None if sha256 is None else CodeSource(source=made.hash, sha256=sha256)
        if wanted is None or one.code == wanted:
            return
        if answered is None and one.code is not None and one.code.source == wanted.source:
            # The platform has other code by now, that came through the API.
            return
        status = {"code": {"source": wanted.source, "sha256": wanted.sha256}}
        await self._around.merge_status(one.kind.value, one.name, status)


def _hex(digest: str) -> str | None:
    try:
        return base64.b64decode(digest, validate=True).hex()
    except binascii.Error:
        return None
