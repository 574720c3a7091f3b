"""A pod's packages, without a pod: files in a folder."""

import hashlib
from pathlib import Path

from support import pod_stand

from inglenook.wire import connection, messages
from inglenook_agent.pod import packages


async def test_a_rehearsal_leaves_nothing_and_the_first_package_is_put_in_place(
    tmp_path: Path,
) -> None:
    folder, task = tmp_path / "packages", tmp_path / "task"
    kept = packages.Packages(folder, task=task, opt=tmp_path / "opt", mark=tmp_path / "used")
    assert not await kept.open()
    await kept.rehearse()
    assert not list(folder.iterdir())
    assert not list(task.iterdir())
    assert not (tmp_path / "used").exists()

    package = pod_stand.zipped({"app.py": "x = 1"})
    name = hashlib.sha256(package).hexdigest()
    sender, _ = connection.memory_pair()
    half = len(package) // 2
    for offset, piece in ((0, package[:half]), (half, package[half:])):
        header = messages.Package(sha256=name, offset=offset, total=len(package))
        await kept.store(sender, header, piece)
    assert (await kept.folder(name) / "app.py").read_text() == "x = 1"
    assert (tmp_path / "used").exists()
