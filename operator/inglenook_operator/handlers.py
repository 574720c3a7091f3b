"""What Kopf does for the operator: it watches, and hands every event to the index.

Kopf keeps nothing on our objects: no annotations, no finalizers, no Events. It lists and watches
each kind, reconnects, and notices streams that have gone silent; reconciliation is level-triggered,
from the index, in `control`.
"""

import logging
from typing import Any

import kopf

from inglenook_cluster import labels
from inglenook_operator.cluster import index
from inglenook_operator.reconcile import names

_GROUP, _VERSION = "inglenook.dev", "v1"
_SERVER_TIMEOUT_S = 300
_CLIENT_TIMEOUT_S = 330
_CONNECT_TIMEOUT_S = 5
_SILENCE_S = 75.0
"""Bookmarks come every minute."""


def settings() -> kopf.OperatorSettings:
    """Return how Kopf is to go about it."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    # Namespaces and kinds are given; to look for new ones would need rights over the cluster.
    made.scanning.disabled = True
    made.watching.server_timeout = _SERVER_TIMEOUT_S
    made.watching.client_timeout = _CLIENT_TIMEOUT_S
    made.watching.connect_timeout = _CONNECT_TIMEOUT_S
    made.watching.inactivity_timeout = _SILENCE_S
    made.watching.label_selectors["pods"] = labels.SELECTOR
    made.process.ultimate_exiting_timeout = None
    return made


def quieten() -> None:
    """Let Kopf tell what somebody has to act on, and not every event that it has handed over."""
    for name in ("kopf.objects", "kopf.activities", "kopf._core", "inglenook.upkeep.recovery"):
        # Recovery tells of what it asks to be deleted; here the store tells of what it deletes.
        logging.getLogger(name).setLevel(logging.WARNING)


def registry(into: index.Index) -> kopf.OperatorRegistry:
    """Return the handlers of all that is watched."""
    made = kopf.OperatorRegistry()

    @kopf.on.login(registry=made)
    def login(**known: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**known) or kopf.login_with_kubeconfig(**known)

    for plural in names.WATCHED:
        _watch(made, into, plural, _GROUP, _VERSION, plural)
    _watch(made, into, names.PODS, "", "v1", names.PODS)
    return made


def _watch(made: kopf.OperatorRegistry, into: index.Index, plural: str, *selector: str) -> None:
    @kopf.on.event(*selector, registry=made, id=f"watch-{plural}")
    async def seen(event: Any, **_: Any) -> None:
        body = event["object"]
        if event["type"] == "DELETED":
            into.remove(plural, body)
        else:
            into.put(plural, body)
