"""Results as the tables of docs/performance.md, between markers in the page. Pure.

A page's generated part begins with `<!-- figures: NAME -->` and ends with `<!-- end -->`; the rest
of it is its author's.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from measuring import targets

Kept = Mapping[str, Mapping[str, Any]]
"""What `results.keep` has written: by scenario."""

_NAMES = {
    "rate": ("", " /s"),
    "p50_ms": ("p50 ", " ms"),
    "p99_ms": ("p99 ", " ms"),
    "p999_ms": ("p99.9 ", " ms"),
    "max_ms": ("longest ", " ms"),
    "failed": ("failed ", ""),
    "errors": ("errors ", ""),
    "n": ("n = ", ""),
    "of_bare": ("", " of the bare server's rate"),
    "cpu_us_per_call": ("", " µs of the platform's CPU a call"),
    "mb_per_s": ("", " MB/s each way"),
    "peak_mib": ("peak of the platform's memory ", " MiB"),
    "resident_before_mib": ("before ", " MiB"),
    "private_mib": ("", " MiB private"),
    "resident_mib": ("", " MiB resident"),
    "working_set_mib": ("working set ", " MiB"),
    "cpu_percent": ("", " % of a core"),
    "own_cpu_percent": ("its own process ", " %"),
    "cpu_millicores": ("", " millicores"),
    "kib_per_function": ("", " KiB a function"),
    "last_to_first": ("last tenth to first ", ""),
    "first_tenth_p50_ms": ("first tenth ", " ms"),
    "last_tenth_p50_ms": ("last tenth ", " ms"),
    "most_answered_per_s": ("at most ", " answered/s"),
}
_UNTOLD = {"p90_ms", "seconds", "own_cpu_percent"}


def number(value: float) -> str:
    """Return three digits of a number, and all of a large or whole one."""
    if isinstance(value, int) or value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - _magnitude(value))
    return f"{value:,.{digits}f}"


def _magnitude(value: float) -> int:
    return int(f"{abs(value):e}".split("e")[1]) if value else 0


def figure(name: str, value: float) -> str:
    """Return a figure in words."""
    before, after = _NAMES.get(name, (f"{name.replace('_', ' ')} ", ""))
    return f"{before}{number(value)}{after}"


def row(where: str, scenario: str, what: str, values: Mapping[str, object]) -> str:
    """Return one line of a table: what, its figures, and its targets with what came of them."""
    untold = _UNTOLD | {"n" if "rate" in values else "", "max_ms" if "p999_ms" in values else ""}
    told = [
        figure(name, value)
        for name, value in values.items()
        if isinstance(value, int | float) and name not in untold
    ]
    found = targets.verdicts(where, scenario, {what: values})
    judged = [
        f"{figure(name, value).replace(number(value), target.words(), 1)}: "
        f"{'reached' if target.is_reached(value) else '**missed**'}"
        for _, name, value, target in found
    ]
    return f"| `{scenario}` | {what} | {', '.join(told)} | {'; '.join(judged)} |"


def table(where: str, kept: Kept, order: Iterable[str]) -> str:
    """Return the table of all scenarios that there are, in this order."""
    lines = ["| scenario | what | figures | target |", "|---|---|---|---|"]
    for scenario in order:
        for what, values in kept.get(scenario, {}).get("figures", {}).items():
            if values:
                lines.append(row(where, scenario, what, values))
    return "\n".join(lines)


def conditions(kept: Kept) -> str:
    """Return the conditions, scenarios with the same in one line."""
    machines: dict[str, list[str]] = {}
    for scenario, each in kept.items():
        machines.setdefault(_machine(each["machine"]), []).append(f"`{scenario}`")
    lines = [
        f"- {'all' if len(machines) == 1 else ', '.join(names)}: {told}"
        for told, names in machines.items()
    ]
    shared = "; ".join(_shared(scenario, each["conditions"]) for scenario, each in kept.items())
    lines.append(f"- load average before and after, cores' time busy and stolen: {shared}")
    sizes = {_sizes(each["sizes"]) for each in kept.values()}
    lines += [f"- sizes: {told}" for told in sorted(sizes)]
    cluster = {told for each in kept.values() if (told := _cluster(each["conditions"]))}
    return "\n".join([*lines, *(f"- {told}" for told in sorted(cluster))])


def _machine(facts: Mapping[str, Any]) -> str:
    told = [f"commit {facts['commit']}"]
    if "at" in facts:
        told.append(str(facts["at"])[:10])
    told.append(f"{facts['cores']} virtual cores{_of(facts.get('cpu'))}")
    told += [f"{facts['memory_gib']} GiB", f"Linux {facts['kernel']}", f"Python {facts['python']}"]
    if "generators" in facts:
        told.append(str(facts["generators"]))
    return ", ".join(told)


def _of(cpu: object) -> str:
    return f" ({cpu})" if cpu else ""


def _shared(scenario: str, found: Mapping[str, Any]) -> str:
    if "busy_percent" not in found:
        return f"`{scenario}` {found['load_before']}"
    loads = f"{found['load_before']} → {found['load_after']}"
    return f"`{scenario}` {loads}, {found['busy_percent']:g} % and {found['steal_percent']:g} %"


def _sizes(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {v:g}" for k, v in found.items() if isinstance(v, int | float))


def _cluster(found: Mapping[str, Any]) -> str:
    if "kubernetes" not in found:
        return ""
    replicas = ", ".join(f"{name} {count}" for name, count in found["replicas"].items())
    nodes = ", ".join(found["nodes"])
    pool = f"{found['pool']['min']} to {found['pool']['max']}"
    return f"Kubernetes {found['kubernetes']}, nodes of {nodes}; replicas: {replicas}; pool {pool}"


def comparison(kept: Kept, against: str) -> str:
    """Return this commit's figures beside another's, where both were measured in turns."""
    lines = ["| scenario | figure | this | other | this / other |", "|---|---|---|---|---|"]
    for scenario, each in kept.items():
        this, other = each["figures"].get("platform", {}), each["figures"].get(against, {})
        for name in ("rate", "p50_ms", "p99_ms"):
            if name in this and other.get(name):
                ratio = this[name] / other[name]
                lines.append(
                    f"| {scenario} | {name} | {number(this[name])} | {number(other[name])} "
                    f"| {ratio:.2f} |"
                )
    return "\n".join(lines)


def filled(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return the page with its generated parts written anew. One that it lacks: ValueError."""
    for name, part in parts.items():
        pattern = re.compile(
            rf"(<!-- figures: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL
        )
        if pattern.search(page) is None:
            raise ValueError(f"the page has no place for the figures of {name}")
        text = part()
        page = pattern.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)  # type: ignore[misc] # bound early
    return page


def bends(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return at what load the parts bend of each variant of a platform, the first first."""
    lines = ["| platform | bends first | then |", "|---|---|---|"]
    for variant, parts in found.items():
        told = [f"{part} at {_rounded(per_s)}/s" for part, per_s in parts.items()]
        lines.append(f"| {variant} | {told[0] if told else 'not at all'} | {', '.join(told[1:])} |")
    return "\n".join(lines)


def _rounded(per_s: float) -> str:
    # A model is not right to more than two digits.
    return f"{float(f'{per_s:.1e}'):,.0f}"


def points(
    series: Sequence[Mapping[str, float]], over: str, of: str
) -> tuple[list[float], list[float]]:
    """Return a curve's two axes."""
    found = [(each[over], each[of]) for each in series if of in each]
    return [x for x, _ in found], [y for _, y in found]
