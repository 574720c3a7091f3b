#!/usr/bin/env python3
"""Package a function: `package.py FOLDER` writes FOLDER/build/function.zip and prints its path.

What `requirements.txt` names is installed beside the code, by the Python that runs this, as AWS's
documentation of deployment packages has it.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

NOT_CODE = {"README.md", "event.json", "requirements.txt"}


def package(folder: Path) -> Path:
    build = folder / "build"
    shutil.rmtree(build, ignore_errors=True)
    content = build / "content"
    content.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    if requirements.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(content)]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
    for path in folder.iterdir():
        if path.is_file() and path.name not in NOT_CODE:
            shutil.copy2(path, content)
    target = build / "function.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(content.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(content))
    return target


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    print(package(Path(sys.argv[1])))
