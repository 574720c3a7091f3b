"""Bytes by name in memory, up to a bound: what was asked for last stays longest."""


class BytesCache:
    """Keep as much as fits; what is larger than the whole is never kept."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: dict[str, bytes] = {}
        """What was asked for longest ago comes first."""

    def get(self, name: str) -> bytes | None:
        """Return what is kept under a name."""
        found = self._kept.pop(name, None)
        if found is not None:
            self._kept[name] = found
        return found

    def put(self, name: str, content: bytes) -> None:
        """Keep something, at the cost of what was asked for longest ago."""
        self.forget(name)
        if len(content) > self._bytes_max:
            return
        self._kept[name] = content
        self._bytes += len(content)
        while self._bytes > self._bytes_max:
            self.forget(next(iter(self._kept)))

    def forget(self, name: str) -> None:
        """Keep it no more."""
        self._bytes -= len(self._kept.pop(name, b""))
