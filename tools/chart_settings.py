"""The platform's settings as values of the chart: names, variables, types, what they are for.

`Settings.gateway.drain_timeout_s`, `INGLENOOK_GATEWAY_DRAIN_TIMEOUT_S` and `gateway.drainTimeout`
are one and the same. What the chart itself knows (addresses, names, ports) is no value of it.
"""

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from inglenook import settings

OF_THE_CHART = {
    "cluster": frozenset(
        {
            *("namespace", "pod_name", "pod_ip", "gateways_service", "secret_file", "nats_url"),
            *("nats_replicas", "http_port", "peers_port", "status_port", "agent_port"),
        }
    ),
    "operator": frozenset({"agent_image", "agent_image_pull_policy", "api_url", "secret_name"}),
    "agent": frozenset(
        {
            *("sandbox", "runtime", "environments_max", "linger_s", "status_port"),
            *("code_folder", "packages_folder", "spawner_socket"),
            *("task_folder", "opt_folder", "tmp_folder", "image", "init_source", "init_file"),
        }
    ),
}
"""Group to the settings that templates/_settings.tpl and _pods.tpl give by themselves, and those
of an agent that follow from how the operator makes its pod."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting, as a value of the chart."""

    group: str
    name: str
    variable: str
    kind: type
    default: object
    text: str


def all_of_them() -> Iterator[Setting]:
    """Yield the settings that can be given as values, group by group."""
    for group in dataclasses.fields(settings.Settings):
        kind = group.type
        assert isinstance(kind, type)
        texts = _texts(kind)
        for field in dataclasses.fields(kind):
            if field.name in OF_THE_CHART.get(group.name, ()):
                continue
            assert isinstance(field.type, type)
            yield Setting(
                group=group.name,
                name=camel_case(field.name),
                variable=f"INGLENOOK_{group.name}_{field.name}".upper(),
                kind=field.type,
                default=getattr(field.default, "value", field.default),
                text=texts.get(field.name, ""),
            )


def camel_case(field: str) -> str:
    """Return the value's name: without the unit of seconds, in camelCase."""
    first, *others = re.sub(r"(?<!_per)_s$", "", field).split("_")
    return first + "".join(each.capitalize() for each in others)


def _texts(kind: type) -> dict[str, str]:
    """Return the sentences under the fields."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for one, other in itertools.pairwise(body.body):
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
            continue
        if isinstance(other, ast.Expr) and isinstance(other.value, ast.Constant):
            found[one.target.id] = " ".join(str(other.value.value).split())
    return found
