"""The interface of what keeps deployment packages: zips by the SHA-256 of their content.

Storing a package again changes nothing but when it was stored last, and reading one proves that it
is what was stored. Which packages nobody needs any more is for others to decide. One suite of tests
runs against every implementation.
"""

import math
from typing import Protocol

from inglenook.model import function


class Blobs(Protocol):
    """Put, read, delete, list; a name that is no SHA-256 in lowercase hex is a ValueError."""

    async def put(self, zip_bytes: bytes) -> function.Code:
        """Store a package durably. Raises ServiceError if it cannot be."""
        ...

    async def read(self, sha256: str) -> bytes:
        """Return a package, verified. Raises code.CodeMissingError and code.CodeDamagedError."""
        ...

    async def delete(self, sha256: str, *, stored_before: float = math.inf) -> bool:
        """Remove a package, unless it was last stored at or after `stored_before` (epoch seconds).

        Return whether it is gone; one that is not there is removed already.
        """
        ...

    async def list(self) -> set[str]:
        """Return the SHA-256 of every package."""
        ...
