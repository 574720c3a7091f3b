"""Histograms of times: every measurement counts, whatever their number. Pure.

A bucket is at most 1/64 as wide as the times in it, so that a quantile is right to 1.6 %, from a
microsecond to hours. Histograms of the same thing, from several rounds or connections, merge
without loss; of percentiles that cannot be said.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

_SUB_BITS = 6
SHOWN = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}


def bucket(us: int) -> int:
    """Return the lower bound of the bucket that a time belongs to, in µs."""
    spare = max(0, us.bit_length() - _SUB_BITS - 1)
    return (us >> spare) << spare


def _middle(bound: int) -> float:
    spare = max(0, bound.bit_length() - _SUB_BITS - 1)
    return bound + ((1 << spare) - 1) / 2


class Histogram:
    """How many times fell into each bucket, by its lower bound in µs."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts or {})

    @classmethod
    def of_ms(cls, taken: Iterable[float]) -> "Histogram":
        """Count times in ms."""
        return cls(Counter(bucket(round(each * 1000)) for each in taken))

    @classmethod
    def merged(cls, several: Iterable["Histogram"]) -> "Histogram":
        """Return the histogram of all that is in several."""
        found: Counter[int] = Counter()
        for each in several:
            found.update(each.counts)
        return cls(found)

    @classmethod
    def decoded(cls, stored: Mapping[str, int]) -> "Histogram":
        """Read what `encoded` gave."""
        return cls({int(bound): count for bound, count in stored.items()})

    def encoded(self) -> dict[str, int]:
        """Return the counts by lower bound in µs, as JSON has them."""
        return {str(bound): self.counts[bound] for bound in sorted(self.counts)}

    def add_us(self, us: int, count: int) -> None:
        """Count a time so many times."""
        self.counts[bucket(us)] += count

    @property
    def n(self) -> int:
        """How many times are in it."""
        return self.counts.total()

    def quantile_ms(self, q: float) -> float:
        """Return the time that a part `q` of all do not exceed. Of nothing: ValueError."""
        if not self.n:
            raise ValueError("a quantile of nothing")
        wanted = min(self.n - 1, int(q * self.n))
        for bound in sorted(self.counts):
            wanted -= self.counts[bound]
            if wanted < 0:
                return _middle(bound) / 1000
        raise AssertionError("the counts are their own total")

    def figures(self) -> dict[str, float]:
        """Return the count, the usual quantiles and the longest; of nothing, only the count."""
        if not self.n:
            return {"n": 0}
        found: dict[str, float] = {"n": self.n}
        found |= {name: self.quantile_ms(q) for name, q in SHOWN.items()}
        found["max_ms"] = _middle(max(self.counts)) / 1000
        return found
