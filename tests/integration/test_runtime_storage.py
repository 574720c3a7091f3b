"""A child has its own /tmp of all that the spawner holds, and what it costs does not grow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import inglenook_runtime

PROGRAM = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from inglenook_runtime import sandbox, storage

def mounts():
    return len(open("/proc/self/mountinfo").readlines())

try:
    sandbox._enter(None)
    without = storage.lay(is_apart=sys.argv[2] == "apart")
    for number in range(5):
        storage.make(number)
except OSError as error:
    print(json.dumps(str(error)))
    sys.exit()

def child(number, says):
    reader, writer = os.pipe()
    if not os.fork():
        storage.take(number, without)
        with open(f"{storage.OWN}/said", "a") as file:
            file.write(says)
        told = {
            "own": sorted(os.listdir(storage.OWN)), "others": os.listdir(storage.FOLDER),
            "said": open(f"{storage.OWN}/said").read(), "mounts": mounts(),
        }
        os.write(writer, json.dumps(told).encode())
        os._exit(0)
    os.close(writer)
    told = json.loads(os.fdopen(reader).read())
    os.wait()
    return told

found = {"spawner": mounts(), "first": child(1, "first")}
for number in range(5, 25):
    storage.make(number)
found |= {"again": child(1, " again"), "other": child(20, "other")}
found["kept"] = open(f"{storage.FOLDER}/1/said").read()
print(json.dumps(found))
"""


@pytest.mark.parametrize("how", ["apart", "together"])
def test_a_child_has_its_own_storage_and_no_other(how: str) -> None:
    folder = Path(inglenook_runtime.__file__).parents[1]
    command = [sys.executable, "-I", "-c", PROGRAM, str(folder), how]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found = json.loads(done.stdout)
    if isinstance(found, str):
        pytest.skip(f"no sandbox here: {found}")
    mounts = found["first"]["mounts"]
    assert found["first"] == {"own": ["said"], "others": [], "said": "first", "mounts": mounts}
    assert found["again"] == found["first"] | {"said": "first again"}
    assert found["other"] == found["first"] | {"said": "other"}
    assert found["kept"] == "first again"
    assert mounts < found["spawner"]
