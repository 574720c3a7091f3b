"""From a request's method and target to the operation of the API that it means.

The router is a trie over path segments, built from the HTTP bindings of the service model. A static
segment wins over a label; where the model tells two operations apart by a constant in the query
(`?List=ALL`), so does the router. A trailing slash makes no difference. Labels come out
percent-decoded, so that one may hold a slash (`%2F`), as ARNs do.

Raises `UnknownRouteError` both for an unknown path and for a method that a path does not have: AWS
authorizes an operation before anything else, and says the same of both.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib import parse

from inglenook import errors

if TYPE_CHECKING:
    from botocore import model

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL = re.compile(r"\{([A-Za-z0-9_]+)\}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The operation that a request means, and what its path says."""

    operation: str
    label_names: tuple[str, ...]
    """As the model's `locationName`s, in the order of the path."""
    labels: list[str]
    """Decoded, in the same order."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Route:
    operation: str
    label_names: tuple[str, ...]
    constants: tuple[tuple[str, str], ...]


@dataclasses.dataclass(slots=True)
class _Node:
    static: dict[str, "_Node"] = dataclasses.field(default_factory=dict)
    label: "_Node | None" = None
    routes: dict[str, list[_Route]] = dataclasses.field(default_factory=dict)
    """By method; those with the most query constants first."""


class Router:
    """All operations of a service model, by method and path."""

    def __init__(self, service: "model.ServiceModel") -> None:
        self._root = _Node()
        for name in service.operation_names:
            http = service.operation_model(name).http
            self._add(name, http["method"], http["requestUri"])

    def _add(self, operation: str, method: str, uri: str) -> None:
        path, _, query = uri.partition("?")
        node = self._root
        label_names = []
        for segment in _segments(path):
            label = _LABEL.fullmatch(segment)
            if label is not None:
                label_names.append(label[1])
                node.label = node.label or _Node()
                node = node.label
            elif "{" in segment:
                # Greedy and partial labels: no operation of Lambda has one.
                raise ValueError(f"{operation}: cannot route the segment {segment!r}")
            else:
                node = node.static.setdefault(segment, _Node())
        routes = node.routes.setdefault(method, [])
        constants = tuple(parse.parse_qsl(query, keep_blank_values=True))
        routes.append(
            _Route(operation=operation, label_names=tuple(label_names), constants=constants)
        )
        routes.sort(key=lambda route: -len(route.constants))

    def match(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> Match:
        """Find the operation. `path` is as sent, still percent-encoded; `query` is decoded.

        Raises `UnknownRouteError`, or `SerializationError` for a label that does not decode.
        """
        for node, raw_labels in _walk(self._root, _segments(path), 0, ()):
            for route in node.routes.get(method, ()):
                if all(constant in query for constant in route.constants):
                    return Match(
                        operation=route.operation,
                        label_names=route.label_names,
                        labels=[decode_label(raw) for raw in raw_labels],
                    )
        raise errors.UnknownRouteError


def _segments(path: str) -> list[str]:
    return path.removesuffix("/").split("/")[1:]


def _walk(
    node: _Node, segments: list[str], at: int, labels: tuple[str, ...]
) -> "list[tuple[_Node, tuple[str, ...]]]":
    """Return the nodes that the path leads to, best first."""
    if at == len(segments):
        return [(node, labels)]
    segment = segments[at]
    found = []
    static = node.static.get(segment)
    if static is not None:
        found += _walk(static, segments, at + 1, labels)
    if node.label is not None and segment:
        found += _walk(node.label, segments, at + 1, (*labels, segment))
    return found


def decode_label(raw: str) -> str:
    """Percent-decode one path segment. `+` is itself, as everywhere but in a query."""
    if "%" not in raw and raw.isascii():
        return raw
    return decode(raw, "path")


def decode(raw: str, part: str) -> str:
    """Percent-decode strictly; raises `SerializationError` naming the `part` of the request."""
    if _BAD_ESCAPE.search(raw) is not None:
        raise errors.SerializationError(f"The request {part} has a malformed percent-encoding")
    try:
        # Bytes beyond ASCII that were not escaped arrive from the HTTP parser as surrogates.
        return parse.unquote_to_bytes(raw.encode("utf-8", "surrogateescape")).decode()
    except UnicodeError as exc:
        raise errors.SerializationError(f"The request {part} is not valid UTF-8") from exc


def split_query(raw: str) -> list[tuple[str, str]]:
    """Decode a query string into its pairs, in order; repeated names stay repeated."""
    if not raw:
        return []
    pairs = []
    for item in raw.split("&"):
        if item:
            name, _, value = item.replace("+", " ").partition("=")
            pairs.append((decode(name, "query"), decode(value, "query")))
    return pairs
