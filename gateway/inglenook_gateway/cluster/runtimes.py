"""Which runtimes the cluster has, and what keeps their pods: is it worth waiting for one."""

import msgspec

from inglenook.aio import clock
from inglenook_cluster.kube import requests

_KNOWN_FOR_S = 5.0
_NOT_FOUND = 404


class _Condition(msgspec.Struct):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class _Status(msgspec.Struct):
    conditions: list[_Condition] = []


class _Runtime(msgspec.Struct):
    status: _Status = msgspec.field(default_factory=_Status)


_runtimes = msgspec.json.Decoder(_Runtime)


class Runtimes:
    """Asks for Runtime resources, and remembers the answers for a while."""

    def __init__(self, api: requests.Requests, namespace: str, time: clock.Clock) -> None:
        self._api = api
        self._path = f"/apis/inglenook.dev/v1/namespaces/{namespace}/runtimes"
        self._clock = time
        self._known: dict[str, tuple[bool, float]] = {}
        self._troubles: dict[str, str] = {}

    async def exists(self, name: str) -> bool:
        """Whether there is such a runtime, or nobody can tell now."""
        known = self._known.get(name)
        now = self._clock.monotonic()
        if known is not None and now < known[1] + _KNOWN_FOR_S:
            return known[0]
        self._troubles.pop(name, None)
        try:
            answer = await self._api.send("GET", f"{self._path}/{name}")
        except requests.RefusedError as error:
            found = error.status != _NOT_FOUND
        except Exception:  # noqa: BLE001 - demand waits for what may well be there
            return True
        else:
            found = True
            if (trouble := _trouble(answer)) is not None:
                self._troubles[name] = trouble
        self._known[name] = found, now
        return found

    def trouble(self, name: str) -> str | None:
        """Return why pods of a runtime do not start, by what `exists` was told last."""
        return self._troubles.get(name)


def _trouble(answer: bytes) -> str | None:
    for one in _runtimes.decode(answer).status.conditions:
        if one.type == "Ready" and one.status == "False":
            return f"{one.reason}: {one.message}"
    return None
