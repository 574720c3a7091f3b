"""What each part of the platform has to do at a load, and at which load it bends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from inglenook.routing import rendezvous
from modelling import fleet
from modelling.parameters import Costs, Platform

BENT = 0.7
"""A part that is busy for more of its time has queues that grow fast with what is left."""
_PER_DECADE = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Bend:
    """Where a part bends first."""

    part: str
    per_s: float


class Model:
    """A platform at any load."""

    def __init__(self, platform: Platform, costs: Costs) -> None:
        """Work out what does not depend on the load: who owns which part of it."""
        self._platform, self._costs = platform, costs
        parts = fleet.weights(platform.functions, platform.zipf)
        self._groups = fleet.grouped(parts)
        members = [f"gateway-{number}" for number in range(platform.gateways)]
        owners = rendezvous.Owners(members)
        shares = dict.fromkeys(members, 0.0)
        for rank, part in enumerate(parts):
            for piece in range(platform.hot_split):
                owner = owners.of(f"function-{rank}/{piece}")
                if owner is not None:
                    shares[owner] += part / platform.hot_split
        self.hottest_share = max(shares.values())

    def fleet(self, per_s: float) -> fleet.Fleet:
        """Return all environments and starts at this load."""
        given = self._platform
        return fleet.of_all(
            per_s,
            self._groups,
            duration_s=given.duration_s,
            idle_s=given.idle_timeout_s,
            per_pod=given.environments_per_pod,
        )

    def use(self, per_s: float) -> dict[str, float]:
        """Return what part of what each can do is asked of it, at this load."""
        given, costs = self._platform, self._costs
        found = self.fleet(per_s)
        own_writes = costs.own_writes / 2 if given.writes_merged else costs.own_writes
        writes = found.pod_starts_per_s * (costs.pod_writes + own_writes)
        watching = writes * costs.event_cpu_s
        owned = per_s * self.hottest_share
        # Entry is spread evenly; what enters at its owner is not passed on.
        entered = per_s / given.gateways * (1 - self.hottest_share)
        return {
            "hottest owner gateway": owned * costs.owner_cpu_s
            + entered * costs.entry_cpu_s
            + watching,
            "pods on the nodes": found.pods / (given.nodes * given.pods_per_node),
            "pods started by nodes": found.pod_starts_per_s
            / (given.nodes * costs.pod_starts_per_node_s),
            "API server's writes": writes / costs.api_writes_per_s,
            "operator's leader": writes * costs.operator_event_cpu_s,
            "NATS publishes": per_s
            * given.asynchronous
            * costs.publishes_per_event
            / costs.nats_publishes_per_s,
        }

    def curve(self, least: float, most: float) -> list[tuple[float, dict[str, float]]]:
        """Return the use at loads from `least` to `most`, evenly spread over the decades."""
        return [(load, self.use(load)) for load in _loads(least, most)]


def _loads(least: float, most: float) -> list[float]:
    found, load = [], least
    while load <= most * 1.0001:
        found.append(load)
        load *= 10 ** (1 / _PER_DECADE)
    return found


def bends(curve: Sequence[tuple[float, dict[str, float]]]) -> list[Bend]:
    """Return where each part bends, the first to do so first; parts that never do are left out.

    Between two loads of the curve it is taken to go straight.
    """
    found = []
    for part in curve[0][1] if curve else ():
        before: tuple[float, float] | None = None
        for load, use in curve:
            now = use[part]
            if now >= BENT:
                at = load
                if before is not None and now > before[1]:
                    at = before[0] + (load - before[0]) * (BENT - before[1]) / (now - before[1])
                found.append(Bend(part=part, per_s=at))
                break
            before = load, now
    return sorted(found, key=lambda each: each.per_s)
