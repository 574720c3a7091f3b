"""Where objects come to lie that are made once the holes in memory have been filled."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import inglenook_runtime

PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from inglenook_runtime import holes

SIZE, HEAD = int(sys.argv[2]), sys.getsizeof(b"")
old = [bytes(SIZE - HEAD) for _ in range(160)]
del old[::4]
if sys.argv[3] == "fill":
    holes.fill()
new = [bytes(SIZE - HEAD) for _ in range(20)]
shared = {id(each) // 4096 for each in old}
print(json.dumps(sum(id(each) // 4096 in shared for each in new)))
"""


@pytest.mark.parametrize("size", [48, 64, 128, 256, 400])
def test_what_is_new_does_not_lie_between_what_was_there(size: int) -> None:
    # The page that the last of the old ones lies on has room for the first of the new.
    assert _amid_old(size, "fill") <= 1
    assert _amid_old(size, "leave") >= 10


def _amid_old(size: int, what: str) -> int:
    """Return how many of 20 new objects lie on pages that old ones lie on."""
    folder = Path(inglenook_runtime.__file__).parents[1]
    command = [sys.executable, "-I", "-c", PROGRAM, str(folder), str(size), what]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found = json.loads(done.stdout)
    assert isinstance(found, int)
    return found
