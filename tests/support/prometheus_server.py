"""A real Prometheus, scraping one address."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ports

PROGRAM = shutil.which("prometheus")
SCRAPE_S = 1
_READY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """A running server."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Run an instant query; return the series with their values."""
        return self._get("query", query=expression)["result"]

    def labels(self, name: str, match: str) -> list[str]:
        """Return the values of a label among the series of a selector."""
        return self._get(f"label/{name}/values", **{"match[]": match})

    def wait_for_scrapes(self, count: int) -> None:
        """Wait until so many more scrapes have succeeded; the first takes some seconds."""
        wanted = self._scrapes() + count
        until = time.monotonic() + _READY_WITHIN_S
        while self._scrapes() < wanted:
            assert time.monotonic() < until, self._get("targets")
            time.sleep(0.1)

    def _scrapes(self) -> int:
        found = self.query("sum(sum_over_time(up[10m]))")
        return int(found[0]["value"][1]) if found else 0

    def _get(self, path: str, **parameters: str) -> Any:
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                body = json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        assert body["status"] == "success", body
        assert not body.get("warnings"), body
        return body["data"]


@contextlib.contextmanager
def scraping(folder: Path, target: str, path: str) -> Iterator[Prometheus]:
    """Run a server that scrapes `target` every second until the block ends."""
    assert PROGRAM is not None
    config = {
        "global": {"scrape_interval": f"{SCRAPE_S}s"},
        "scrape_configs": [
            {
                "job_name": "inglenook",
                "metrics_path": path,
                "static_configs": [{"targets": [target]}],
            }
        ],
    }
    # JSON is YAML.
    (folder / "prometheus.yml").write_text(json.dumps(config))
    [port] = ports.free()
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                PROGRAM, f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _until_ready(address, process, folder / "prometheus.log")
        yield Prometheus(address=address)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{address}/-/ready", timeout=1):
                return
        except (OSError, urllib.error.URLError) as error:
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(log.read_text()) from error
            time.sleep(0.05)
