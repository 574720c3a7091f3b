"""Volumes for the claims of NATS on the local cluster, which provisions none.

Its nodes share this machine's files: a folder here is what storage on a network is elsewhere, there
for whichever node runs the server. Gone when the cluster goes. Standard library only.
"""

import json
import os
import shutil
from pathlib import Path

from cluster import Cluster

_NATS_UID = 65533
_SERVERS = 3


def make(on: Cluster, namespace: str) -> None:
    """Have an empty volume for each server of NATS that has none."""
    listed = json.loads(on.kubectl("get", "persistentvolumes", "--output=json"))["items"]
    phases = {each["metadata"]["name"]: each["status"]["phase"] for each in listed}
    for index in range(_SERVERS):
        name = _name(namespace, index)
        if phases.get(name) in ("Released", "Failed"):
            # Its claim has gone, and no other may have it.
            _ = on.run("kubectl", "delete", "persistentvolume", name)
        elif name in phases:
            continue
        _make(on, namespace, index)


def remove(on: Cluster, namespace: str) -> None:
    """Take the volumes away, and what is in them."""
    for index in range(_SERVERS):
        name = _name(namespace, index)
        _ = on.run("kubectl", "delete", "persistentvolume", name, "--ignore-not-found")
        shutil.rmtree(_folder(on) / name, ignore_errors=True)


def _make(on: Cluster, namespace: str, index: int) -> None:
    name = _name(namespace, index)
    folder = _folder(on) / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chown(folder, _NATS_UID, _NATS_UID)
    claim = {"namespace": namespace, "name": f"data-inglenook-nats-{index}"}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "hostPath": {"path": str(folder)},
            "claimRef": claim,
        },
    }
    _ = on.run("kubectl", "apply", "--filename=-", text=json.dumps(volume))


def _name(namespace: str, index: int) -> str:
    return f"{namespace}-nats-{index}"


def _folder(on: Cluster) -> Path:
    return Path(on.kubeconfig).parent / "volumes"
