"""The last table of docs/limits.md: what differs on Kubernetes."""

import limits_table

from inglenook.model import limits
from inglenook_operator.resources import sizes

_TMP_MB = limits_table.number(limits.EPHEMERAL_STORAGE_MB_MAX)
_MB_PER_CPU = limits_table.number(limits.MEMORY_MB_PER_VCPU)

ROWS = {
    "Reserved and provisioned concurrency, new environments of one function": "exact over all"
    " gateways: one of them owns the function. A gateway that is cut off from the others, but not"
    " from the pods, may exceed them for a moment"
    " ([ADR 14](adr/0014-ownership-by-rendezvous.md))",
    "Concurrent executions of the account": "exact over all gateways, which have shares of what"
    " is not reserved; while they change, an invocation may be refused before all is in use"
    " ([ADR 19](adr/0019-shares-of-the-account-limit.md))",
    "Memory, CPU": "of the pod, resized in place when a function takes it: a limit of memory for"
    f" all environments of the pod and {sizes.SPAWNER_MB} MB for what starts them; a share of the"
    f" node's CPU in proportion to memory, or a limit of one CPU for each {_MB_PER_CPU} MB"
    " (`operator.cpuLimits`). Until then, and while the node has no room, those of the Runtime",
    "`/tmp`": "a volume on the node's disk. No single file is larger than the size asked for"
    " (`EFBIG`). When all together are, which is looked at twice a second while something runs, no"
    " write fails: what runs ends with `Runtime.OutOfStorage`, and the pod with it. Environments"
    f" that share a pod share the sum. The kubelet evicts a pod that holds {_TMP_MB} MB",
    "Processes and threads": "the cluster's own limit for pods",
    "Environments": "as many as the nodes have room for; a pod each, unless `environmentsPerPod`"
    " says otherwise",
    "Package in a manifest": "an object of Kubernetes has at most 1.5 MB; larger code comes as a"
    " zip by URL, from S3, or through the Lambda API",
    "Name of a function in a manifest": "63 lower-case letters, digits and hyphens; others are made"
    " through the Lambda API",
}


def text() -> str:
    """Return the section."""
    rows = "".join(f"| {what} | {how} |\n" for what, how in ROWS.items())
    head = "\n## On Kubernetes\n\nAll of the above holds, with these differences.\n\n"
    return f"{head}| limit | on a cluster |\n|---|---|\n{rows}"
