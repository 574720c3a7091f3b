"""Start the spawner: `python -I -S .../inglenook_runtime FD`.

With `--connect PATH` in the place of `FD` the agent is in another container and listens on that
Unix socket. With `probe` it only says, in a line of JSON, which walls it finds.

The interpreter puts this folder on `sys.path`, where `context` or `logs` would hide the function's
own modules of those names. So the package is loaded by hand, under its name, and neither this
folder nor its parent (site-packages, in a wheel) stays on the path.
"""

import sys
from importlib import util
from pathlib import Path


def load_package() -> None:
    folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != folder]
    if __package__:
        return
    spec = util.spec_from_file_location(
        "inglenook_runtime", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {folder}")
    package = util.module_from_spec(spec)
    sys.modules["inglenook_runtime"] = package
    spec.loader.exec_module(package)


def main() -> None:
    what, *more = sys.argv[1:] or [""]
    if not (what == "--connect" if more else what.isdigit() or what == "probe") or len(more) > 1:
        raise SystemExit("usage: python -I -S .../inglenook_runtime FD | --connect PATH | probe")
    load_package()
    from inglenook_runtime import app  # noqa: PLC0415 - only importable from here on

    if more:
        app.run_beside(more[0])
    elif what == "probe":
        app.probe()
    else:
        app.run(int(what))


if __name__ == "__main__":
    main()
