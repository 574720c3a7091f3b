"""What a wrapper is given to start: `python3.X /var/runtime/bootstrap.py`, as on Lambda.

It may be run as a program or imported, from its place in /var/runtime or where it really lies.
"""

import sys
from importlib import util
from pathlib import Path


def main() -> None:
    """Serve the function that the environment names. Does not return."""
    folder = Path(__file__).resolve().parent
    beside = folder / "inglenook_runtime"
    if beside.is_dir():
        folder = beside
    spec = util.spec_from_file_location("inglenook_loader", folder / "__main__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {folder}")
    loader = util.module_from_spec(spec)
    spec.loader.exec_module(loader)
    loader.load_package()
    from inglenook_runtime import wrapped  # noqa: PLC0415 - only importable from here on

    wrapped.serve(sys.argv)


if __name__ == "__main__":
    main()
