"""Where symbolic links lead, decided without a file system."""

from collections.abc import Mapping

# As many as Linux follows (path_resolution(7)).
_FOLLOWED_MAX = 40


def stays_inside(path: str, targets: Mapping[str, str]) -> bool:
    """Say whether following the link at `path` never leaves the root that paths are relative to.

    `targets` are the targets of all links by their paths, since one link may lead through another.
    An absolute target leaves; so does one that cannot be followed to its end.
    """
    here: list[str] = []
    ahead = path.split("/")[::-1]
    followed = 0
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                return False
            here.pop()
            continue
        here.append(part)
        target = targets.get("/".join(here))
        if target is None:
            continue
        followed += 1
        if followed > _FOLLOWED_MAX or target.startswith("/"):
            return False
        here.pop()
        ahead.extend(target.split("/")[::-1])
    return True
