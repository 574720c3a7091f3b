"""What the resources of the account come to, kept up with every change.

Summing anew would hold up the loop at each creation, once there are many functions.
"""

from collections.abc import Iterable
from typing import Any

from inglenook.model import function, layer, provisioned
from inglenook.store.documents import Document


class Totals:
    """Sums over all documents of a catalog, which tells of every change of one."""

    def __init__(self) -> None:
        self.code_bytes = 0
        """The size of all packages: every function's, version's and layer version's counts."""
        self.function_count = 0
        """How many functions there are, those in deletion left out."""
        self._concurrency: dict[str, int] = {}

    @property
    def with_concurrency(self) -> Iterable[str]:
        """The names of all functions that may take of the account's concurrency; no others."""
        return self._concurrency

    def changed(self, old: Document[Any] | None, new: Document[Any] | None) -> None:
        """Take a document as it was before out, and as it is now in; None where there is none."""
        for document, sign in ((old, -1), (new, 1)):
            if document is not None:
                self._count(document.value, sign)

    def _count(self, value: object, sign: int) -> None:
        match value:
            case function.Function():
                self.code_bytes += sign * value.spec.code.size_bytes
                self.function_count += sign * (not value.deleting)
                if value.reserved_concurrency is not None:
                    self._count_concurrency(value.name, sign)
            case function.Version():
                self.code_bytes += sign * value.spec.code.size_bytes
            case layer.LayerVersion():
                self.code_bytes += sign * value.code.size_bytes
            case provisioned.ProvisionedConcurrency():
                self._count_concurrency(value.function_name, sign)
            case _:
                pass

    def _count_concurrency(self, name: str, sign: int) -> None:
        count = self._concurrency.get(name, 0) + sign
        if count:
            self._concurrency[name] = count
        else:
            self._concurrency.pop(name, None)
