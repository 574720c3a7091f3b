"""What one drive of a load generator brought, and what several of them are together. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from measuring.histogram import Histogram


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What one drive brought."""

    requests: int
    """Answered well."""
    seconds: float
    errors: int
    times: Histogram
    cpu_s: float = 0.0
    """That the server's own process took, without those of functions."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def figures(self) -> dict[str, object]:
        """Return what is shown of it."""
        found: dict[str, object] = {"rate": self.rate, **self.times.figures()}
        found["errors"] = self.errors
        if self.cpu_s and self.requests:
            found["cpu_us_per_call"] = self.cpu_s / self.requests * 1e6
        return found


def merged(several: Iterable[Sample]) -> Sample:
    """Return what several drives of the same thing are together."""
    all_of_them = list(several)
    return Sample(
        requests=sum(each.requests for each in all_of_them),
        seconds=sum(each.seconds for each in all_of_them),
        errors=sum(each.errors for each in all_of_them),
        times=Histogram.merged(each.times for each in all_of_them),
        cpu_s=sum(each.cpu_s for each in all_of_them),
    )


def interleaved(
    drives: Mapping[str, Callable[[], Sample]], rounds: int
) -> tuple[dict[str, Sample], dict[str, list[float]]]:
    """Drive one after the other, and all of that again; return each one's whole, and its rates.

    A machine that is slower for a while is so for all of them.
    """
    found: dict[str, list[Sample]] = {name: [] for name in drives}
    for _ in range(rounds):
        for name, drive in drives.items():
            found[name].append(drive())
    return (
        {name: merged(each) for name, each in found.items()},
        {name: [round(one.rate, 1) for one in each] for name, each in found.items()},
    )


def with_cpu(one: Sample, cpu_s: float) -> Sample:
    """Return the sample with what its server took."""
    return replace(one, cpu_s=cpu_s)
