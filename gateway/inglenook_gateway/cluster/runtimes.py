"""Which runtimes the cluster has: whether it is worth waiting for a pod of one."""

from inglenook.aio import clock
from inglenook_cluster.kube import requests

_KNOWN_FOR_S = 5.0
_NOT_FOUND = 404


class Runtimes:
    """Asks for Runtime resources, and remembers the answers for a while."""

    def __init__(self, api: requests.Requests, namespace: str, time: clock.Clock) -> None:
        self._api = api
        self._path = f"/apis/inglenook.dev/v1/namespaces/{namespace}/runtimes"
        self._clock = time
        self._known: dict[str, tuple[bool, float]] = {}

    async def exists(self, name: str) -> bool:
        """Whether there is such a runtime, or nobody can tell now."""
        known = self._known.get(name)
        now = self._clock.monotonic()
        if known is not None and now < known[1] + _KNOWN_FOR_S:
            return known[0]
        try:
            await self._api.send("GET", f"{self._path}/{name}")
        except requests.RefusedError as error:
            found = error.status != _NOT_FOUND
        except Exception:  # noqa: BLE001 - demand waits for what may well be there
            return True
        else:
            found = True
        self._known[name] = found, now
        return found
