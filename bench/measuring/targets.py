"""What the platform is meant to reach, and whether figures reach it. Pure; nothing fails by it."""

from collections.abc import Mapping
from dataclasses import dataclass

ONE_MACHINE, CLUSTER = "one-machine", "cluster"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A bound for one figure of one scenario."""

    where: str
    scenario: str
    what: str
    """What was measured; or how its name begins, as it ends with the sizes."""
    figure: str
    at_most: float | None = None
    at_least: float | None = None

    def is_reached(self, value: float) -> bool:
        """Tell whether the value is within the bound."""
        if self.at_most is not None:
            return value <= self.at_most
        return self.at_least is not None and value >= self.at_least

    def words(self) -> str:
        """Return the bound as it is read."""
        if self.at_most is not None:
            return f"≤ {self.at_most:,g}"
        return f"≥ {self.at_least:,g}"


def _one(scenario: str, what: str, figure: str, **bound: float) -> Target:
    return Target(where=ONE_MACHINE, scenario=scenario, what=what, figure=figure, **bound)


def _cluster(scenario: str, what: str, figure: str, **bound: float) -> Target:
    return Target(where=CLUSTER, scenario=scenario, what=what, figure=figure, **bound)


ALL = (
    _one("warm", "platform", "rate", at_least=4000),
    _one("warm", "ratio", "of_bare", at_least=0.45),
    _one("one", "platform", "p50_ms", at_most=0.5),
    _one("open", "platform", "p50_ms", at_most=1.5),
    _one("open", "platform", "p99_ms", at_most=6),
    _one("first", "platform", "p50_ms", at_most=15),
    _one("first", "platform", "p99_ms", at_most=60),
    _one("further", "platform", "p50_ms", at_most=5),
    _one("payloads", "1 MB", "mb_per_s", at_least=150),
    _one("payloads", "6 MB", "mb_per_s", at_least=150),
    _one("stream", "platform", "p50_ms", at_most=3),
    _one("at-once", "platform", "failed", at_most=0),
    _one("at-once", "platform", "p99_ms", at_most=5000),
    _one("environment", "idle environment", "private_mib", at_most=4),
    _one("many", "flatness", "last_to_first", at_most=1.2),
    _one("many", "platform, when they have gone", "kib_per_function", at_most=20),
    _one("idle", "platform", "cpu_percent", at_most=1),
    _cluster("first", "first call", "p50_ms", at_most=20),
    _cluster("first", "first call", "p99_ms", at_most=80),
    _cluster("further", "another environment in a pod", "p50_ms", at_most=8),
    _cluster("empty-pool", "", "p99_ms", at_most=3000),
    _cluster("flat", "flatness", "last_to_first", at_most=1.2),
    _cluster("warm", "warm, 64 connections", "rate", at_least=3000),
    _cluster("warm", "overhead", "p50_ms", at_most=3),
    _cluster("at-once", "300 first calls", "failed", at_most=0),
    _cluster("many", "20 first calls", "failed", at_most=0),
    _cluster("idle", "all of the platform", "resident_mib", at_most=400),
    _cluster("idle", "all of the platform", "cpu_percent", at_most=2),
)


def of(where: str, scenario: str, what: str, figure: str) -> Target | None:
    """Return the target of a figure, if it has one."""
    for each in ALL:
        is_of_figure = (each.where, each.scenario, each.figure) == (where, scenario, figure)
        if is_of_figure and what.startswith(each.what):
            return each
    return None


def verdicts(
    where: str, scenario: str, figures: Mapping[str, Mapping[str, object]]
) -> list[tuple[str, str, float, Target]]:
    """Return every figure that has a target: what, figure, value, target."""
    return [
        (what, figure, float(value), target)
        for what, values in figures.items()
        for figure, value in values.items()
        if isinstance(value, int | float)
        and (target := of(where, scenario, what, figure)) is not None
    ]
