"""Which cluster this process is to use, and what it proves itself with there.

In a pod that is its service account, elsewhere a kubeconfig's current context: certificates, or a
token, as text or in a file. Plug-ins that make credentials are for people, and not run. Reading is
done once; a token that stands in a file is read anew by who sends it, as it is replaced there.
"""

import base64
import binascii
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inglenook import settings

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_USUAL = Path(".kube/config")
_PATHS = ":"


class NoClusterError(Exception):
    """Neither a pod's service account nor a kubeconfig says which cluster to use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An API server, and how to be somebody there."""

    server: str
    """The beginning of all URLs, without a slash at its end."""
    tls: ssl.SSLContext | None = None
    tls_name: str | None = None
    """Whose certificate the server has, if not that of its address."""
    token: str | None = None
    token_file: Path | None = None
    """Where the token is, and in a while its successor."""


def find(place: settings.Kubernetes, *, service_account: Path = SERVICE_ACCOUNT) -> Access:
    """Return this process' access. Blocks. Raises NoClusterError."""
    token, authority = service_account / "token", service_account / "ca.crt"
    try:
        if place.service_host and token.exists():
            host = f"[{place.service_host}]" if ":" in place.service_host else place.service_host
            return Access(
                server=f"https://{host}:{place.service_port}",
                tls=_tls(authority=authority),
                token_file=token,
            )
        return _from_files(place.kubeconfig)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise NoClusterError(f"The cluster's description cannot be used: {exc!r}") from exc


def _from_files(given: str) -> Access:
    paths = [Path(each) for each in given.split(_PATHS) if each] or [Path.home() / _USUAL]
    files = [(path.parent, _read(path)) for path in paths if path.exists()]
    current = next((text for _, file in files if (text := file.get("current-context"))), None)
    if current is None:
        shown = ", ".join(map(str, paths))
        raise NoClusterError(f"This is no pod, and no current context stands in {shown}.")
    _, context = _named(files, "contexts", "context", current)
    beside, cluster = _named(files, "clusters", "cluster", context["cluster"])
    folder, user = _named(files, "users", "user", context["user"])
    if "exec" in user or "auth-provider" in user:
        raise NoClusterError(f"{context['user']} needs a plug-in, which is not run here.")
    server = str(cluster["server"]).rstrip("/")
    token_file = user.get("tokenFile")
    return Access(
        server=server,
        tls=_tls_of(beside, cluster, folder, user) if server.startswith("https:") else None,
        tls_name=cluster.get("tls-server-name"),
        token=None if token_file else user.get("token"),
        token_file=folder / token_file if token_file else None,
    )


def _read(path: Path) -> dict[str, Any]:
    # Here, because no pod needs it.
    import yaml  # noqa: PLC0415

    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as exc:
        raise ValueError(f"{path} is not YAML") from exc
    return dict(content or {})


def _named(
    files: Iterable[tuple[Path, Mapping[str, Any]]], plural: str, kind: str, name: str
) -> tuple[Path, Mapping[str, Any]]:
    """Return what the first file has of that name, and the folder that its paths start from."""
    for folder, file in files:
        for one in file.get(plural) or ():
            if one["name"] == name:
                return folder, one[kind] or {}
    raise NoClusterError(f"There is no {kind} {name} in the kubeconfig.")


def _tls_of(
    beside: Path, cluster: Mapping[str, Any], folder: Path, user: Mapping[str, Any]
) -> ssl.SSLContext:
    context = _tls(
        authority=_path(beside, cluster.get("certificate-authority")),
        data=_data(cluster.get("certificate-authority-data")),
    )
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    pair = [_material(folder, user, f"client-{each}") for each in ("certificate", "key")]
    certificate, key = pair
    if certificate is not None and key is not None:
        # OpenSSL takes these from files alone.
        with tempfile.TemporaryDirectory() as made:
            for name, content in (("crt", certificate), ("key", key)):
                (Path(made) / name).touch(mode=0o600)
                (Path(made) / name).write_bytes(content)
            context.load_cert_chain(Path(made) / "crt", Path(made) / "key")
    return context


def _tls(*, authority: Path | None = None, data: bytes | None = None) -> ssl.SSLContext:
    text = None if data is None else data.decode()
    context = ssl.create_default_context(cafile=None if text else authority, cadata=text)
    # Authorities of clusters seldom have all that RFC 5280 asks for, which Python 3.13 insists on.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _material(folder: Path, user: Mapping[str, Any], member: str) -> bytes | None:
    data, path = _data(user.get(f"{member}-data")), _path(folder, user.get(member))
    return path.read_bytes() if data is None and path is not None else data


def _path(folder: Path, given: str | None) -> Path | None:
    return None if not given else folder / given


def _data(given: str | None) -> bytes | None:
    if not given:
        return None
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error as exc:
        raise ValueError("a certificate or a key is not base64") from exc
