"""The custom resource Function."""

from crd_schemas import settings
from crd_schemas.code import code
from crd_schemas.definition import Definition
from crd_schemas.fields import (
    FUNCTION_NAME,
    IS_MADE,
    Schema,
    choice,
    column,
    immutable,
    record,
    rule,
    table,
    text,
    texts,
    whole,
)
from crd_schemas.statuses import status

from inglenook.model import limits

DEFAULT_ROLE = "arn:aws:iam::000000000000:role/inglenook"

_NAMES = (
    rule(
        "has(self.spec.functionName) || (self.metadata.name.size() < "
        f"{limits.FUNCTION_NAME_LENGTH_MAX} && !self.metadata.name.contains('.'))",
        "metadata.name has to have at most 63 letters, digits and hyphens",
    ),
    rule(
        "!has(self.spec.functionName) || self.spec.functionName == self.metadata.name || "
        f"{IS_MADE}",
        "metadata.name has to be functionName; functions whose names have capitals or underscores "
        "are made through the Lambda API",
    ),
)

_PROPERTIES: dict[str, Schema] = {
    "functionName": text(
        "The function's name, if it is not metadata.name: names of functions may have capitals and "
        "underscores, which names of resources may not. Cannot be changed.",
        maxLength=limits.FUNCTION_NAME_LENGTH_MAX,
        minLength=1,
        pattern=FUNCTION_NAME,
    ),
    "description": text("What the function is for.", maxLength=256),
    "runtime": text(
        "What runs the code: python3.11, provided.al2023 … A Runtime resource of this name says "
        "which image that is. Needed unless the code is an image.",
        minLength=1,
        maxLength=64,
    ),
    "handler": text(
        "What is called: for Python `file.function`, so `index.handler` is `handler` in index.py. "
        "Needed unless the code is an image.",
        maxLength=128,
        pattern=r"^[^\s]+$",
    ),
    "role": text(
        "The execution role, as an ARN. Known to the function's own code and to tools; it gives no "
        "rights in this cluster.",
        pattern=r"^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$",
        default=DEFAULT_ROLE,
    ),
    "code": code(
        "Where the code comes from: exactly one of the sources. A change is a new deployment.",
        allow_image=True,
    ),
    "packageType": choice(
        "Zip, or Image if the code is an image; it follows from the code and need not be given.",
        "Zip",
        "Image",
    ),
    "imageConfig": record(
        "What of a container image is run, instead of what the image says itself.",
        {
            "entryPoint": texts(
                "The program and its first arguments. Without it /lambda-entrypoint.sh of AWS's "
                "base images is run: the image's own ENTRYPOINT is not known here.",
                maxItems=1500,
            ),
            "command": texts(
                "Further arguments; for AWS's base images the handler. The image's own CMD is not "
                "known here.",
                maxItems=1500,
            ),
            "workingDirectory": text("Where it is run; the image's own if none is given."),
        },
    ),
    "memorySize": whole(
        "Memory in MB. CPU follows it: one vCPU for each 1,769 MB. Both become the limits of the "
        "pod that runs the function.",
        minimum=limits.MEMORY_MB_DEFAULT,
        maximum=limits.MEMORY_MB_MAX,
        default=limits.MEMORY_MB_DEFAULT,
    ),
    "timeout": whole(
        "How many seconds one invocation may take before it is ended.",
        minimum=1,
        maximum=limits.TIMEOUT_S_MAX,
        default=limits.TIMEOUT_S_DEFAULT,
    ),
    **settings.PROPERTIES,
    "layers": texts(
        "ARNs of layer versions, unpacked into /opt in this order; later ones go over earlier "
        "ones.",
        maxItems=limits.LAYERS_MAX,
        each={"minLength": 1, "maxLength": 2048},
    ),
    "tags": table("Names and values of your own.", maxProperties=limits.TAGS_MAX),
    "reservedConcurrentExecutions": whole(
        "How many invocations may run at once, all versions together. They are set aside for this "
        "function; 0 stops it. Without a value it shares what no function has reserved.",
        minimum=0,
    ),
    "runtimeClassName": text(
        "The sandboxed container runtime (a RuntimeClass of the cluster, such as gVisor or Kata) "
        "of the pods that run this function. Not of Lambda's.",
        minLength=1,
        maxLength=253,
    ),
    "environmentsPerPod": whole(
        "How many execution environments may share a pod, and with it /tmp and processes. 1 keeps "
        "them apart as Lambda does; more start faster and take less memory. Not of Lambda's.",
        minimum=1,
        maximum=100,
        default=1,
    ),
}

_STATUS: dict[str, Schema] = {
    "state": text("Pending, Active, Inactive or Failed: whether the function can be invoked."),
    "stateReason": text("Why it is in this state."),
    "stateReasonCode": text("Why it is in this state, in one word."),
    "lastUpdateStatus": text("How the last change went: Successful, Failed or InProgress."),
    "lastUpdateStatusReason": text("Why it went so."),
    "runtime": text("The runtime that $LATEST has."),
    "image": text("The container image that $LATEST has."),
    "memorySize": whole("The memory that $LATEST has, in MB."),
    "version": text("The version published last; $LATEST if none has been."),
    "codeSha256": text("The SHA-256 of the deployment package, as the Lambda API shows it."),
    "codeSize": whole("The size of the deployment package in bytes."),
    "lastModified": text("When the function was changed last."),
    "environments": whole("How many execution environments exist now, of all versions."),
    "code": record(
        "Which deployment package was made of spec.code.",
        {
            "source": text("A hash of the spec.code that it was made of."),
            "sha256": text("The SHA-256 of the package."),
        },
    ),
}


def function() -> Definition:
    """Return the definition of Function."""
    spec = record(
        "What runs, and how: the members of Lambda's CreateFunction, in camelCase.",
        _PROPERTIES,
        required=("code",),
        rules=(
            immutable("functionName"),
            rule(
                "has(self.code.imageUri) || (has(self.runtime) && has(self.handler))",
                "runtime and handler are needed unless the code is an image",
            ),
            rule(
                "!has(self.packageType) || (self.packageType == 'Image') == "
                "has(self.code.imageUri)",
                "packageType is Image if the code is an image, and Zip if it is not",
            ),
        ),
    )
    return Definition(
        kind="Function",
        plural="functions",
        description=(
            "A Lambda function: its code and configuration. What is applied here, and what the "
            "Lambda API is told, is the same function."
        ),
        spec=spec,
        status=status(_STATUS),
        short_names=("fn",),
        columns=(
            column("State", ".status.state"),
            column("Runtime", ".status.runtime"),
            column("Memory", ".status.memorySize", "integer"),
            column("Version", ".status.version"),
            column("Environments", ".status.environments", "integer"),
            column("Accepted", '.status.conditions[?(@.type=="Accepted")].status', priority=1),
            column("Function", ".status.document", priority=1),
        ),
        rules=_NAMES,
    )
