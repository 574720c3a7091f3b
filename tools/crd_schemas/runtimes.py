"""The custom resource Runtime, which has no twin in the Lambda API."""

from crd_schemas.definition import Definition
from crd_schemas.fields import choice, column, record, records, rule, table, text, whole
from crd_schemas.statuses import CONDITIONS

_QUANTITIES = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}

_TOLERATION = record(
    "One taint that is tolerated.",
    {
        "key": text("The taint's key; empty: all of them."),
        "operator": choice("How value is compared.", "Exists", "Equal"),
        "value": text("The taint's value."),
        "effect": choice("The effect.", "NoSchedule", "PreferNoSchedule", "NoExecute"),
        "tolerationSeconds": whole("For how long, with NoExecute."),
    },
)

_SPEC = record(
    "Which image runs the functions of this runtime, and how many pods wait for them.",
    {
        "description": text("What the runtime is.", maxLength=256),
        "image": text(
            "The image of the container that runs the function's code.", minLength=1, maxLength=1024
        ),
        "packageType": choice(
            "Zip: the image is what runs functions that are zips. Image: it is itself the code of "
            "functions; the platform makes such Runtimes by itself.",
            "Zip",
            "Image",
            default="Zip",
        ),
        "imagePullSecrets": records(
            "Secrets of this namespace that the image is pulled with.",
            record("One Secret.", {"name": text("Its name.", maxLength=253)}),
        ),
        "imagePullPolicy": choice(
            "When the image is pulled.", "IfNotPresent", "Always", "Never", default="IfNotPresent"
        ),
        "pool": record(
            "Pods that wait, started, for any function of this runtime. A function that has none "
            "of its own takes one of them and starts within milliseconds.",
            {
                "min": whole(
                    "How many wait at least, also when there is no demand.", minimum=0, default=2
                ),
                "max": whole(
                    "How many wait or are being made at most, after much demand. One is made for "
                    "who waits even if it is 0.",
                    minimum=0,
                    maximum=500,
                    default=10,
                ),
            },
            rules=(rule("self.min <= self.max", "min is more than max"),),
            default={"min": 2, "max": 10},
        ),
        "resources": record(
            "What a waiting pod's container asks for and may use. When it is taken, its memory and "
            "CPU are resized in place to those of the function.",
            {
                "requests": table("What it asks for.", each=_QUANTITIES),
                "limits": table("What it may use.", each=_QUANTITIES),
            },
        ),
        "nodeSelector": table("Labels of the nodes that the pods may run on."),
        "tolerations": records("Taints of nodes that the pods tolerate.", _TOLERATION),
        "affinity": {
            "type": "object",
            "description": "Where the pods should run, as a Pod's affinity says it.",
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "priorityClassName": text("The PriorityClass of the pods.", maxLength=253),
    },
    required=("image",),
)

_STATUS = record(
    "How many pods there are.",
    {
        "pooled": whole("Pods that wait, started."),
        "starting": whole("Pods that are being started to wait."),
        "wanted": whole("How many are to wait, by recent demand."),
        "specialised": whole("Pods that a function has taken."),
        "demand": table(
            "What each gateway says it needs of the pool.",
            each=record(
                "One gateway's demand for pods.",
                {
                    "pool": text("The pool that it is about."),
                    "waiting": whole("Invocations that wait for a pod."),
                    "leased": whole("Pods that were taken in the last minute."),
                    "at": {"type": "number", "description": "When it was said, as epoch seconds."},
                },
            ),
        ),
        "observedGeneration": whole("The metadata.generation that the operator has looked at."),
        "conditions": CONDITIONS,
    },
)


def runtime() -> Definition:
    """Return the definition of Runtime."""
    return Definition(
        kind="Runtime",
        plural="runtimes",
        description=(
            "What a function's runtime means here: an image, and a pool of pods that wait. "
            "Named as functions name it: python3.11, provided.al2023."
        ),
        spec=_SPEC,
        status=_STATUS,
        short_names=("fnrt",),
        columns=(
            column("Image", ".spec.image"),
            column("Min", ".spec.pool.min", "integer"),
            column("Max", ".spec.pool.max", "integer"),
            column("Pooled", ".status.pooled", "integer"),
            column("Specialised", ".status.specialised", "integer"),
        ),
    )
