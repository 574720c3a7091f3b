"""What is to be looked at when something has changed.

Two queues: what keeps pods must not wait for the Lambda API. A change of a function is also looked
at for what waits for it, so that objects applied in any order find each other.
"""

from collections.abc import Awaitable, Callable

from inglenook.model import images
from inglenook_cluster import labels
from inglenook_operator.cluster import index, work
from inglenook_operator.cluster.index import Body, Key
from inglenook_operator.control import counting, imaging, pooling
from inglenook_operator.reconcile import imaged, names, pods, views
from inglenook_operator.reconcile.names import Kind

ENVIRONMENTS = "environments"
"""The plural, of a kind, under which a function's count of environments is looked at."""
IMAGES = "images"
"""The plural under which an image is looked at, by the name of its Runtime."""
_DECLARED = frozenset(kind.value for kind in Kind)
_PODS_AT_ONCE = 8
_CALLS_AT_ONCE = 4

Work = Callable[[Key], Awaitable[float | None]]


class Agenda:
    """Knows who has to look at what."""

    def __init__(self, *, keep: Work, declare: Work) -> None:
        """`keep` looks at runtimes, images, pods and counts, `declare` at what is declared."""
        self._pods: work.WorkQueue[Key] = work.WorkQueue(keep, at_once=_PODS_AT_ONCE)
        self._calls: work.WorkQueue[Key] = work.WorkQueue(declare, at_once=_CALLS_AT_ONCE)
        self._pools: pooling.Pools | None = None
        self._imaging: imaging.Imaging | None = None
        self._index: index.Index | None = None
        self._is_open = False

    def open(self, *, index: index.Index, pools: pooling.Pools, imaging: imaging.Imaging) -> None:
        """Begin: everything that is known is looked at."""
        self._index, self._pools, self._imaging = index, pools, imaging
        self._is_open = True
        self.everything()

    async def close(self) -> None:
        """Look at nothing more."""
        self._is_open = False
        await self._pods.close()
        await self._calls.close()

    def everything(self) -> None:
        """Have a look at all there is."""
        if self._index is None:
            return
        for plural in (*names.WATCHED, names.PODS):
            for body in self._index.all(plural):
                name = body["metadata"]["name"]
                self._add(Key(plural, name))
                self._add_images(plural, body)
                if plural == Kind.FUNCTION.value:
                    self._pods.add(Key(ENVIRONMENTS, name))

    def changed(self, key: Key, before: Body | None, after: Body | None) -> None:
        """Take in a change of the index. Before `open` nothing is done about it."""
        if not self._is_open:
            return
        if key.plural in _DECLARED:
            kind = Kind(key.plural)
            if views.fingerprint(kind, before) == views.fingerprint(kind, after):
                return
        self._add(key)
        for body in (before, after):
            self._add_images(key.plural, body)
        match key.plural:
            case names.PODS:
                self._pod_changed(before, after)
            case names.RUNTIMES:
                self._runtime_changed(key, before, after)
            case Kind.FUNCTION.value:
                self._function_changed(key, before, after)
            case Kind.VERSION.value | Kind.LAYER_VERSION.value | names.LAYERS:
                self._wake(None)
            case _:
                pass

    def _add(self, key: Key) -> None:
        if key.plural in _DECLARED:
            self._calls.add(key)
        elif key.plural != names.LAYERS:
            self._pods.add(key)

    def _add_images(self, plural: str, body: Body | None) -> None:
        """Have a look at the Runtimes of the images that an object is about."""
        if body is None:
            return
        if plural == names.RUNTIMES and imaged.is_of_image(body):
            self._pods.add(Key(IMAGES, body["metadata"]["name"]))
        for kind in imaged.KINDS:
            if plural == kind.value:
                for uri in imaged.uris(kind, body):
                    self._pods.add(Key(IMAGES, images.runtime_name(uri)))

    def _runtime_changed(self, key: Key, before: Body | None, after: Body | None) -> None:
        if self._imaging is not None and imaged.trouble([before]) != imaged.trouble([after]):
            for user in self._imaging.users(key.name):
                self._calls.add(user)

    def _pod_changed(self, before: Body | None, after: Body | None) -> None:
        was = None if before is None else pods.view(before)
        now = None if after is None else pods.view(after)
        if self._pools is not None:
            self._pools.observe(was, now)
        for one in (was, now):
            if one is not None and one.pool:
                self._pods.add(Key(names.RUNTIMES, labels.parts(one.pool)[0]))
            if one is not None and one.function:
                self._pods.add(Key(ENVIRONMENTS, one.function), after_s=counting.COALESCED_S)

    def _function_changed(self, key: Key, before: Body | None, after: Body | None) -> None:
        for body in (before, after):
            spec = (body or {}).get("spec") or {}
            if spec.get("runtimeClassName") and spec.get("runtime"):
                self._pods.add(Key(names.RUNTIMES, spec["runtime"]))
        if before is None:
            self._pods.add(Key(ENVIRONMENTS, key.name), after_s=counting.COALESCED_S)
        if after is not None:
            self._wake(views.view(Kind.FUNCTION, after).function_name)

    def _wake(self, function_name: str | None) -> None:
        """Look at what is not taken over yet, of one function or of all."""
        if self._index is None:
            return
        for kind in Kind:
            if function_name is not None and kind is Kind.FUNCTION:
                continue
            for body in self._index.all(kind.value):
                owner = (body.get("spec") or {}).get("functionName")
                if function_name in (None, owner) and not views.view(kind, body).is_taken_over:
                    self._calls.add(Key(kind.value, body["metadata"]["name"]))
