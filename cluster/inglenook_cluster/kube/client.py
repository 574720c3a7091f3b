"""The client of the Kubernetes API, as every process of the platform makes it.

In a pod it is the pod's service account's, elsewhere that of the file that KUBECONFIG names. Who
opens it closes it, after everything that uses it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes.aio import client, config
from kubernetes.aio.client import ApiClient

_USER_AGENT = "inglenook"


class NoClusterError(Exception):
    """Neither a pod's service account nor a kubeconfig says which cluster to use."""


async def open_client() -> ApiClient:
    """Return a client for this process' cluster. Raises NoClusterError."""
    settings = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException:
        try:
            await config.load_kube_config(client_configuration=settings)
        except config.ConfigException as exc:
            raise NoClusterError(str(exc)) from exc
    opened = ApiClient(settings)
    opened.user_agent = _USER_AGENT
    return opened


@asynccontextmanager
async def opened() -> AsyncIterator[ApiClient]:
    """Open a client, and close it in the end. Raises NoClusterError."""
    api = await open_client()
    try:
        yield api
    finally:
        await api.close()
