"""The kinds of custom resources that declare something, and what else the operator watches."""

import enum
from typing import Any

from inglenook.store import documents
from inglenook_cluster.resources import definitions


class Kind(enum.Enum):
    """A kind of custom resource, by its plural."""

    FUNCTION = "functions"
    VERSION = "versions"
    ALIAS = "aliases"
    FUNCTION_URL = "functionurls"
    PROVISIONED = "provisionedconcurrencies"
    EVENT_INVOKE = "eventinvokeconfigs"
    POLICY = "functionpolicies"
    LAYER_VERSION = "layerversions"
    CODE_SIGNING = "codesigningconfigs"
    EVENT_SOURCE = "eventsourcemappings"

    @property
    def documents(self) -> documents.Kind[Any]:
        """The kind of the store's documents that such resources keep."""
        return _DOCUMENTS[self.value]


_DOCUMENTS = {one.plural: one.kind for one in definitions.ALL}

RUNTIMES = "runtimes"
PODS = "pods"
LAYERS = "layers"
WATCHED = (*(kind.value for kind in Kind), RUNTIMES, LAYERS)
"""The plurals of all custom resources that the operator looks at."""
