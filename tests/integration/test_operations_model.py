"""Functions, versions, aliases and policies against a plain model, by Hypothesis.

Every step does the same to the platform's operations (over a real store, with real activation) and
to `support.api_model`, and compares: the answer, or the error's name. After each step everything
that can be read is compared. `--model-minutes N` goes on for that long, with new examples.
"""

import asyncio
import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support import api_model, operations_stand

from inglenook import errors
from inglenook.store import code

T = TypeVar("T")

_FUNCTIONS = st.sampled_from(["f", "g"])
_CODES = st.sampled_from(["0", "1"])
_TEXTS = st.sampled_from(["", "d"])
_VERSIONS = st.sampled_from(["1", "2", "3"])
_ALIASES = st.sampled_from(["a", "b"])
_TARGETS = _VERSIONS | st.just("$LATEST")
_WEIGHTS = st.dictionaries(_VERSIONS, st.just(0.25), max_size=2)
_QUALIFIERS = st.none() | _VERSIONS | _ALIASES
_STATEMENTS = st.sampled_from(["s", "t"])
_STALE = st.sampled_from([None, False, False, True])
"""Which RevisionId a request names: none, the present one, or another."""

_PACKAGES = {text: operations_stand.package(text) for text in ("0", "1")}


class Life(RuleBasedStateMachine):
    """Two functions, in any order of operations and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.model = api_model.Account()
        self._runner = asyncio.Runner()
        self._exit = contextlib.AsyncExitStack()
        self._temporary = tempfile.TemporaryDirectory()
        self._folder = Path(self._temporary.name)
        self._stand: operations_stand.Stand = self._runner.run(self._open())

    async def _open(self) -> operations_stand.Stand:
        context = operations_stand.stand(self._folder)
        stand = await self._exit.enter_async_context(context)
        await self._exit.enter_async_context(stand.activating())
        return stand

    def teardown(self) -> None:
        self._runner.run(self._exit.aclose())
        self._runner.close()
        self._temporary.cleanup()

    def _call(self, operation: str, name: str, **params: Any) -> dict[str, Any]:
        """Call an operation; raises `RefusedError` as the model does."""
        given = {member: value for member, value in params.items() if value is not None}

        async def work() -> dict[str, Any]:
            shown = await self._stand.call(operation, FunctionName=name, **given)
            if self._stand.catalog.living(name) is not None:
                await self._stand.settled(name)
            return shown

        try:
            shown: dict[str, Any] = self._runner.run(work())
        except errors.ApiError as error:
            raise api_model.RefusedError(error.code) from error
        return shown

    def _same(self, expected: Callable[[], T], actual: Callable[[], T]) -> None:
        """Do the same on both sides, and compare what comes of it."""
        outcomes: list[T | str] = []
        for one in (expected, actual):
            try:
                outcomes.append(one())
            except api_model.RefusedError as refused:
                outcomes.append(f"refused: {refused}")
        assert outcomes[1] == outcomes[0], f"the API: {outcomes[1]}; the model: {outcomes[0]}"

    def _revision(self, operation: str, name: str, stale: bool | None, **params: Any) -> str | None:
        """Return the RevisionId to name: none, the present one of what is read, or another."""
        if stale is None:
            return None
        if stale:
            return "00000000-0000-0000-0000-000000000000"
        try:
            return str(self._call(operation, name, **params)["RevisionId"])
        except api_model.RefusedError:
            return None

    # Functions and versions

    @rule(name=_FUNCTIONS, text=_CODES, publish=st.booleans())
    def create(self, name: str, text: str, publish: bool) -> None:
        def real() -> str:
            members = {"Code": {"ZipFile": _PACKAGES[text]}, "Runtime": "python3.12"}
            more = {"Role": operations_stand.ROLE, "Handler": "app.handler", "Publish": publish}
            return str(self._call("CreateFunction", name, **members, **more)["Version"])

        self._same(lambda: self.model.create(name, text, publish=publish), real)

    @rule(name=_FUNCTIONS, text=_CODES, publish=st.booleans(), stale=_STALE)
    def update_code(self, name: str, text: str, publish: bool, stale: bool | None) -> None:
        def real() -> str:
            revision = self._revision("GetFunctionConfiguration", name, stale)
            members = {"ZipFile": _PACKAGES[text], "Publish": publish, "RevisionId": revision}
            return str(self._call("UpdateFunctionCode", name, **members)["Version"])

        self._same(
            lambda: self.model.update_code(name, text, publish=publish, is_stale=bool(stale)), real
        )

    @rule(name=_FUNCTIONS, text=_TEXTS, stale=_STALE)
    def describe(self, name: str, text: str, stale: bool | None) -> None:
        def real() -> None:
            revision = self._revision("GetFunctionConfiguration", name, stale)
            members = {"Description": text, "RevisionId": revision}
            self._call("UpdateFunctionConfiguration", name, **members)

        self._same(lambda: self.model.describe(name, text, is_stale=bool(stale)), real)

    @rule(name=_FUNCTIONS)
    def delete(self, name: str) -> None:
        self._same(
            lambda: self.model.delete(name), lambda: self._done(self._call("DeleteFunction", name))
        )

    @rule(name=_FUNCTIONS, expecting=st.none() | _CODES, stale=_STALE)
    def publish(self, name: str, expecting: str | None, stale: bool | None) -> None:
        def real() -> str:
            members: dict[str, Any] = {
                "RevisionId": self._revision("GetFunctionConfiguration", name, stale)
            }
            if expecting is not None:
                members["CodeSha256"] = _digest(expecting)
            return str(self._call("PublishVersion", name, **members)["Version"])

        self._same(lambda: self.model.publish(name, code=expecting, is_stale=bool(stale)), real)

    @rule(name=_FUNCTIONS, version=_VERSIONS)
    def delete_version(self, name: str, version: str) -> None:
        self._same(
            lambda: self.model.delete_version(name, version),
            lambda: self._done(self._call("DeleteFunction", name, Qualifier=version)),
        )

    # Aliases

    @rule(name=_FUNCTIONS, alias=_ALIASES, to=_TARGETS, weights=_WEIGHTS)
    def create_alias(self, name: str, alias: str, to: str, weights: dict[str, float]) -> None:
        def real() -> None:
            routing = {"AdditionalVersionWeights": weights}
            members = {"Name": alias, "FunctionVersion": to, "RoutingConfig": routing}
            self._call("CreateAlias", name, **members)

        self._same(lambda: self.model.create_alias(name, alias, to, weights), real)

    @rule(
        name=_FUNCTIONS,
        alias=_ALIASES,
        to=st.none() | _TARGETS,
        weights=st.none() | _WEIGHTS,
        stale=_STALE,
    )
    def update_alias(
        self,
        name: str,
        alias: str,
        to: str | None,
        weights: dict[str, float] | None,
        stale: bool | None,
    ) -> None:
        def real() -> None:
            routing = None if weights is None else {"AdditionalVersionWeights": weights}
            revision = self._revision("GetAlias", name, stale, Name=alias)
            members = {"FunctionVersion": to, "RoutingConfig": routing, "RevisionId": revision}
            self._call("UpdateAlias", name, Name=alias, **members)

        self._same(
            lambda: self.model.update_alias(name, alias, to, weights, is_stale=bool(stale)), real
        )

    @rule(name=_FUNCTIONS, alias=_ALIASES)
    def delete_alias(self, name: str, alias: str) -> None:
        self._same(
            lambda: self.model.delete_alias(name, alias),
            lambda: self._done(self._call("DeleteAlias", name, Name=alias)),
        )

    # Policies

    @rule(
        name=_FUNCTIONS,
        qualifier=_QUALIFIERS,
        sid=_STATEMENTS,
        action=st.sampled_from(["lambda:InvokeFunction", "lambda:GetFunction"]),
        stale=_STALE,
    )
    def add_permission(
        self, name: str, qualifier: str | None, sid: str, action: str, stale: bool | None
    ) -> None:
        def real() -> None:
            revision = self._revision("GetPolicy", name, stale, Qualifier=qualifier)
            members = {"StatementId": sid, "Action": action, "Principal": "s3.amazonaws.com"}
            more = {"Qualifier": qualifier, "RevisionId": revision}
            self._call("AddPermission", name, **members, **more)

        self._same(
            lambda: self.model.add_permission(name, qualifier, sid, action, is_stale=bool(stale)),
            real,
        )

    @rule(name=_FUNCTIONS, qualifier=_QUALIFIERS, sid=_STATEMENTS, stale=_STALE)
    def remove_permission(
        self, name: str, qualifier: str | None, sid: str, stale: bool | None
    ) -> None:
        def real() -> None:
            revision = self._revision("GetPolicy", name, stale, Qualifier=qualifier)
            members = {"StatementId": sid, "Qualifier": qualifier, "RevisionId": revision}
            self._call("RemovePermission", name, **members)

        self._same(
            lambda: self.model.remove_permission(name, qualifier, sid, is_stale=bool(stale)), real
        )

    @rule()
    def restart(self) -> None:
        self._runner.run(self._exit.aclose())
        self._exit = contextlib.AsyncExitStack()
        self._stand = self._runner.run(self._open())

    @staticmethod
    def _done(_shown: Mapping[str, Any]) -> None:
        """Drop an answer of which only that it came is compared."""

    # What can be read

    @rule(name=_FUNCTIONS, qualifier=_QUALIFIERS | st.just("$LATEST"))
    def get(self, name: str, qualifier: str | None) -> None:
        def real() -> str:
            shown = self._call("GetFunctionConfiguration", name, Qualifier=qualifier)
            return str(shown["CodeSha256"])

        self._same(lambda: _digest(self.model.code(name, qualifier)), real)

    @rule(name=_FUNCTIONS, qualifier=_QUALIFIERS)
    def get_policy(self, name: str, qualifier: str | None) -> None:
        def real() -> dict[str, str]:
            shown = self._call("GetPolicy", name, Qualifier=qualifier)
            statements = json.loads(shown["Policy"])["Statement"]
            return {one["Sid"]: one["Action"] for one in statements}

        self._same(lambda: self.model.policy(name, qualifier), real)

    @invariant()
    def what_is_listed_is_what_there_should_be(self) -> None:
        listed = self._runner.run(self._stand.call("ListFunctions"))["Functions"]
        assert [one["FunctionName"] for one in listed] == sorted(self.model.functions)
        for name, one in self.model.functions.items():
            latest, *versions = self._call("ListVersionsByFunction", name)["Versions"]
            assert latest["CodeSha256"] == _digest(one.code)
            assert latest["Description"] == one.description
            shown = {
                each["Version"]: api_model.Published(_text(each), each["Description"])
                for each in versions
            }
            assert shown == one.versions
            aliases = {
                each["Name"]: api_model.Pointer(
                    each["FunctionVersion"],
                    each.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
                )
                for each in self._call("ListAliases", name)["Aliases"]
            }
            assert aliases == one.aliases
            known = [str(each.number) for each in self._stand.catalog.versions(name)]
            assert known == sorted(one.versions, key=int)


def _digest(text: str) -> str:
    return code.code_sha256_base64(hashlib.sha256(_PACKAGES[text]).hexdigest())


def _text(shown: Mapping[str, Any]) -> str:
    return next(text for text in _PACKAGES if _digest(text) == shown["CodeSha256"])


@pytest.mark.timeout(0)
def test_whatever_is_done_the_api_answers_as_the_model_does(request: pytest.FixtureRequest) -> None:
    end = time.monotonic() + 60 * request.config.getoption("--model-minutes", default=0.0)
    while True:
        run_state_machine_as_test(
            Life,
            settings=hypothesis.settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )
        if time.monotonic() >= end:
            return
