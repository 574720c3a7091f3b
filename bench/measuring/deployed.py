"""Functions on the platform under test: created or declared, waited for, and deleted."""

import contextlib
import itertools
import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from measuring import functions, installed
from reliability.clusters import kubectl, objects, until

_AT_ONCE = 4
"""How many functions are created or deleted at the same time."""
_WAITED_FOR = 100
"""How many resources one kubectl waits for."""
_GONE_S = 600.0


@contextlib.contextmanager
def functions_of(platform: installed.Platform) -> Iterator["Functions"]:
    """Have functions until the block ends."""
    made = Functions(platform)
    try:
        yield made
    finally:
        made.delete_all()


class Functions:
    """Functions of one scenario: created, waited for, and deleted."""

    def __init__(self, platform: installed.Platform) -> None:
        self._platform = platform
        self._prefix = f"bench-{uuid.uuid4().hex[:6]}"
        self._numbers = itertools.count()
        self._made: list[str] = []

    def create(self, count: int, source: str = functions.HANDLER) -> list[str]:
        """Create Python functions over the Lambda API, and wait until all are active."""
        zipped = functions.package(source)

        def one(name: str) -> None:
            self._platform.client.create_function(
                FunctionName=name,
                Runtime=installed.RUNTIME,
                Role=functions.ROLE,
                Handler="app.handler",
                Code={"ZipFile": zipped},
                Timeout=30,
            )

        names = self._names(count)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(one, names):
                pass
        self._wait(names, "jsonpath={.status.state}=Active")
        return names

    def declare(self, source: str, **spec: object) -> str:
        """Apply one Python function, and wait until it is ready."""
        (name,) = self._names(1)
        spec = {
            "runtime": installed.RUNTIME,
            "handler": "app.handler",
            "timeout": 30,
            "code": {"inline": {"app.py": source}},
            **spec,
        }
        manifest = {
            "apiVersion": "inglenook.dev/v1",
            "kind": "Function",
            "metadata": {"name": name},
            "spec": spec,
        }
        kubectl("apply", "-f", "-", text=json.dumps(manifest), namespace=self._platform.functions)
        self._wait([name], "condition=Ready")
        return name

    def delete(self, names: Sequence[str]) -> None:
        """Delete functions; each that is not there is none the less."""

        def one(name: str) -> None:
            with contextlib.suppress(self._platform.client.exceptions.ResourceNotFoundException):
                self._platform.client.delete_function(FunctionName=name)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(one, names):
                pass
        self._made = [name for name in self._made if name not in set(names)]

    def delete_all(self) -> None:
        """Delete what was made; wait until its pods have gone."""
        self.delete(self._made)
        until("the pods of the functions have gone", lambda: not self._pods(), _GONE_S)

    def _pods(self) -> list[Any]:
        label = "inglenook.dev/function"
        found = objects("pods", label, self._platform.functions)
        return [one for one in found if one["metadata"]["labels"][label].startswith(self._prefix)]

    def _names(self, count: int) -> list[str]:
        names = [f"{self._prefix}-{next(self._numbers)}" for _ in range(count)]
        self._made += names
        return names

    def _wait(self, names: Sequence[str], condition: str) -> None:
        for first in range(0, len(names), _WAITED_FOR):
            some = [f"function.inglenook.dev/{n}" for n in names[first : first + _WAITED_FOR]]
            kubectl(
                *("wait", *some, f"--for={condition}", "--timeout=120s"),
                namespace=self._platform.functions,
            )
