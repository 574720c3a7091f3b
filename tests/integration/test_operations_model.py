"""Versions and aliases against a model of what they should be, by Hypothesis."""

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support import operations_stand

from inglenook import errors

_NUMBERS = st.integers(min_value=1, max_value=4)
_NAMES = st.sampled_from(["a", "b"])


class Life(RuleBasedStateMachine):
    """One function, published, pointed to and deleted in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._exit = contextlib.AsyncExitStack()
        self._temporary = tempfile.TemporaryDirectory()
        self._folder = Path(self._temporary.name)
        self._stand = self._run(self._open())
        self._run(self._stand.created(Code={"ZipFile": operations_stand.package("0")}))
        self.code = 0
        self.last = 0
        self.published_code: int | None = None
        self.versions: dict[int, int] = {}
        self.aliases: dict[str, tuple[int, dict[int, float]]] = {}

    def _run(self, work: Any) -> Any:
        return self._runner.run(work)

    async def _open(self) -> operations_stand.Stand:
        context = operations_stand.stand(self._folder)
        stand = await self._exit.enter_async_context(context)
        await self._exit.enter_async_context(stand.activating())
        return stand

    def teardown(self) -> None:
        self._run(self._exit.aclose())
        self._runner.close()
        self._temporary.cleanup()

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        async def work() -> dict[str, Any]:
            shown = await self._stand.call(operation, FunctionName="f", **params)
            await self._stand.settled()
            return shown

        found: dict[str, Any] = self._run(work())
        return found

    def _refused(self, operation: str, error: type[errors.ApiError], **params: Any) -> None:
        try:
            self._call(operation, **params)
        except error:
            return
        raise AssertionError(f"{operation} {params} was not refused")

    @rule(text=st.integers(0, 2), publish=st.booleans())
    def update(self, text: int, publish: bool) -> None:
        if text != self.code:
            self.code, self.published_code = text, None
        shown = self._call(
            "UpdateFunctionCode",
            ZipFile=operations_stand.package(str(text)),
            Publish=publish,
        )
        if publish:
            self._published(shown)

    @rule()
    def publish(self) -> None:
        self._published(self._call("PublishVersion"))

    def _published(self, shown: dict[str, Any]) -> None:
        number = int(shown["Version"])
        if self.published_code == self.code and self.last in self.versions:
            assert number == self.last
        else:
            assert number == self.last + 1
            self.versions[number] = self.code
        self.last, self.published_code = number, self.code

    @rule(number=_NUMBERS)
    def delete_version(self, number: int) -> None:
        is_used = any(number in (one, *more) for one, more in self.aliases.values())
        if number not in self.versions:
            self._refused("DeleteFunction", errors.ResourceNotFoundError, Qualifier=str(number))
        elif is_used:
            self._refused("DeleteFunction", errors.ResourceConflictError, Qualifier=str(number))
        else:
            self._call("DeleteFunction", Qualifier=str(number))
            del self.versions[number]

    @rule(name=_NAMES, number=_NUMBERS, other=st.none() | _NUMBERS)
    def point(self, name: str, number: int, other: int | None) -> None:
        operation = "UpdateAlias" if name in self.aliases else "CreateAlias"
        weights = {} if other is None else {other: 0.25}
        params = {
            "Name": name,
            "FunctionVersion": str(number),
            "RoutingConfig": {"AdditionalVersionWeights": {str(n): w for n, w in weights.items()}},
        }
        if number == other:
            self._refused(operation, errors.InvalidParameterValueError, **params)
        elif {number, *weights} - self.versions.keys():
            self._refused(operation, errors.ResourceNotFoundError, **params)
        else:
            self._call(operation, **params)
            self.aliases[name] = (number, weights)

    @precondition(lambda self: self.aliases)
    @rule(name=_NAMES)
    def delete_alias(self, name: str) -> None:
        self._call("DeleteAlias", Name=name)
        self.aliases.pop(name, None)

    @rule()
    def restart(self) -> None:
        self._run(self._exit.aclose())
        self._exit = contextlib.AsyncExitStack()
        self._stand = self._run(self._open())

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        listed = self._call("ListVersionsByFunction")["Versions"][1:]
        assert [int(one["Version"]) for one in listed] == sorted(self.versions)
        shown = {
            one["Name"]: (
                int(one["FunctionVersion"]),
                {
                    int(number): weight
                    for number, weight in one.get("RoutingConfig", {})
                    .get("AdditionalVersionWeights", {})
                    .items()
                },
            )
            for one in self._call("ListAliases")["Aliases"]
        }
        assert shown == self.aliases
        assert [one.number for one in self._stand.catalog.versions("f")] == sorted(self.versions)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
