r"""The model's regular expressions, which are Java's, as Python reads them.

The dialects differ in four things that the model uses: `\d` and `\s` mean ASCII in Java, `.` stops
at any line terminator, `\p{..}` names Unicode categories, and a pattern must match all of a value.
Compiled on first use and kept, because the model has dozens and a process needs few.
"""

import re

_ANY = "[^\\n\\r\\u0085\\u2028\\u2029]"
_CATEGORIES = {
    # Python's \w is exactly L, N and the underscore; every pattern of the model that names L also
    # names N and the underscore (a test holds it to that).
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": "\\x20\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
}
_PIECE = re.compile(r"\\p\{\w+\}|\\.|\[\^?\]?|\]|\.|[^\\\[\].]+", re.DOTALL)


def translate(pattern: str) -> re.Pattern[str]:
    """Compile a Java pattern for `fullmatch`. Raises `ValueError` for a category unknown here."""
    pieces = []
    in_class = False
    for piece in _PIECE.findall(pattern):
        if piece.startswith(r"\p"):
            if piece not in _CATEGORIES:
                raise ValueError(f"no such category here: {piece}")
            pieces.append(_CATEGORIES[piece])
            continue
        if piece.startswith("["):
            in_class = True
        elif piece == "]":
            in_class = False
        pieces.append(_ANY if piece == "." and not in_class else piece)
    flags = re.NOFLAG if r"\p{" in pattern else re.ASCII
    return re.compile("".join(pieces), flags)


class Patterns:
    """Compiled patterns, by the model's text of them."""

    def __init__(self) -> None:
        self._compiled: dict[str, re.Pattern[str]] = {}

    def is_match(self, pattern: str, value: str) -> bool:
        """Tell whether all of `value` matches."""
        compiled = self._compiled.get(pattern)
        if compiled is None:
            compiled = self._compiled[pattern] = translate(pattern)
        return compiled.fullmatch(value) is not None
