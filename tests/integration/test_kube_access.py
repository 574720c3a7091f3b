"""Which cluster a process finds, and what it proves itself with there."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from inglenook import errors, settings
from inglenook_cluster.kube import access, client
from inglenook_cluster.kube.requests import Requests

NOWHERE = Path("/nowhere")


def kubeconfig(path: Path, user: dict[str, Any], server: str = "http://api:1/", **more: Any) -> str:
    """Write a kubeconfig; return its path."""
    path.write_text(
        json.dumps(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": server, **more}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return str(path)


def found(given: str) -> access.Access:
    return access.find(settings.Kubernetes(kubeconfig=given), service_account=NOWHERE)


def test_a_pod_is_its_service_account(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    authority = ssl.get_default_verify_paths().cafile
    assert authority is not None
    (tmp_path / "ca.crt").symlink_to(authority)
    place = settings.Kubernetes(service_host="fd00::1", service_port="6443")
    one = access.find(place, service_account=tmp_path)
    assert (one.server, one.token_file) == ("https://[fd00::1]:6443", tmp_path / "token")
    assert one.tls is not None
    assert one.tls.verify_mode is ssl.CERT_REQUIRED


def test_a_kubeconfig_names_a_server_and_a_token(tmp_path: Path) -> None:
    one = found(kubeconfig(tmp_path / "config", {"token": "t"}))
    assert (one.server, one.token, one.tls) == ("http://api:1", "t", None)


def test_a_file_goes_by_the_folder_of_the_kubeconfig_that_names_it(tmp_path: Path) -> None:
    one = found(kubeconfig(tmp_path / "config", {"tokenFile": "t", "token": "old"}))
    assert (one.token, one.token_file) == (None, tmp_path / "t")


def test_of_several_kubeconfigs_the_first_that_says_something_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(json.dumps({"users": [{"name": "u", "user": {"token": "mine"}}]}))
    one = found(f"{first}:{kubeconfig(second, {'token': 'yours'})}:{NOWHERE}")
    assert (one.server, one.token) == ("http://api:1", "mine")


def test_a_server_may_be_trusted_blindly(tmp_path: Path) -> None:
    server = {"server": "https://api:1", "insecure-skip-tls-verify": True}
    one = found(kubeconfig(tmp_path / "config", {}, **server, **{"tls-server-name": "other"}))
    assert one.tls is not None
    assert (one.tls.verify_mode, one.tls_name) == (ssl.CERT_NONE, "other")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "no current context"),
        ("current-context: here", "no context here"),
        (": : :", "not YAML"),
        ("[1]", "cannot be used"),
    ],
)
def test_what_names_no_cluster_is_said_to_be_so(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(access.NoClusterError, match=why):
        found(str(tmp_path / "config"))


def test_a_plug_in_is_not_run(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path / "config", {"exec": {"command": "touch"}})
    with pytest.raises(access.NoClusterError, match="plug-in"):
        found(given)


def test_bad_certificates_are_told(tmp_path: Path) -> None:
    given = kubeconfig(
        tmp_path / "config", {}, server="https://a", **{"certificate-authority-data": "?"}
    )
    with pytest.raises(access.NoClusterError, match="base64"):
        found(given)


async def test_a_token_that_is_refused_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "token"
    await asyncio.to_thread(path.write_text, "old\n")

    async def answer(request: web.Request) -> web.Response:
        is_known = request.headers["Authorization"] == "Bearer new"
        return web.Response(body=b"{}", status=200 if is_known else 401)

    application = web.Application()
    application.router.add_get("/version", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with client.Client(access.Access(server=server, token_file=path)) as opened:
            sender = Requests(opened)
            with pytest.raises(errors.ServiceError, match="401"):
                await sender.send("GET", "/version")
            await asyncio.to_thread(path.write_text, "new\n")
            assert await sender.send("GET", "/version") == b"{}"
    finally:
        await runner.cleanup()
