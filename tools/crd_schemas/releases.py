"""The custom resources Version and Alias."""

from crd_schemas.definition import Definition
from crd_schemas.fields import (
    FUNCTION_NAME,
    IS_MADE,
    Schema,
    column,
    immutable,
    record,
    rule,
    table,
    text,
    whole,
)
from crd_schemas.statuses import status

from inglenook.model import limits


def function_name() -> Schema:
    """Return the schema of the name of the function that a resource belongs to."""
    return text(
        "The function that this belongs to, by its name. Cannot be changed.",
        minLength=1,
        maxLength=limits.FUNCTION_NAME_LENGTH_MAX,
        pattern=FUNCTION_NAME,
    )


def version() -> Definition:
    """Return the definition of Version."""
    spec = record(
        "What to publish. Nothing of it can be changed.",
        {
            "functionName": function_name(),
            "description": text(
                "What is said of this version; the function's own description if nothing is.",
                maxLength=256,
            ),
            "codeSha256": text(
                "The SHA-256 that the code must have, as the Lambda API shows it: publish this "
                "code or nothing.",
                maxLength=64,
            ),
        },
        required=("functionName",),
        rules=(rule("self == oldSelf", "a version is immutable: publish another one"),),
    )
    shown = {
        "version": text("The version's number."),
        "state": text("Pending, Active, Inactive or Failed: whether it can be invoked."),
        "stateReason": text("Why it is in this state."),
        "runtime": text("Its runtime."),
        "image": text("Its container image."),
        "memorySize": whole("Its memory in MB."),
        "codeSha256": text("The SHA-256 of its deployment package."),
        "lastModified": text("When it was published."),
    }
    return Definition(
        kind="Version",
        plural="versions",
        description=(
            "A published version of a function: its code and configuration, frozen. The "
            "resource is named by the function and the version's number, `hello.3`; the number "
            "has to be the next."
        ),
        spec=spec,
        status=status(shown),
        short_names=("fnv",),
        columns=(
            column("Function", ".spec.functionName"),
            column("Version", ".status.version"),
            column("State", ".status.state"),
            column("Runtime", ".status.runtime"),
            column("Memory", ".status.memorySize", "integer"),
            column("Description", ".spec.description", priority=1),
        ),
        rules=(
            rule(
                f"{IS_MADE} || (self.metadata.name.startsWith(self.spec.functionName + '.') && "
                "self.metadata.name.matches('^[^.]+[.][1-9][0-9]{0,9}$'))",
                "metadata.name has to be the function's name, a dot and the next version's number",
            ),
        ),
    )


def alias() -> Definition:
    """Return the definition of Alias."""
    weights = record(
        "A second version that takes a share of the invocations.",
        {
            "additionalVersionWeights": table(
                'The second version\'s number, and its share from 0.0 to 1.0: `"2": 0.1`.',
                each={"type": "number", "minimum": 0, "maximum": 1},
                maxProperties=limits.ALIAS_ADDITIONAL_VERSIONS_MAX,
            )
        },
    )
    spec = record(
        "Which version the alias means.",
        {
            "functionName": function_name(),
            "name": text(
                "The alias' name, at least one character of which is no digit. Cannot be changed.",
                minLength=1,
                maxLength=128,
                pattern="^[a-zA-Z0-9_-]+$",
            ),
            "functionVersion": text(
                "The version's number, or $LATEST.", pattern=r"^(\$LATEST|[0-9]+)$", maxLength=1024
            ),
            "description": text("What the alias is for.", maxLength=256),
            "routingConfig": weights,
        },
        required=("functionName", "name", "functionVersion"),
        rules=(
            immutable("functionName"),
            immutable("name"),
            rule("!self.name.matches('^[0-9]+$')", "an alias' name is not all digits"),
            rule(
                "!has(self.routingConfig) || !has(self.routingConfig.additionalVersionWeights) || "
                "self.routingConfig.additionalVersionWeights.all(v, v != self.functionVersion)",
                "the second version has to be another one than functionVersion",
            ),
        ),
    )
    shown = {
        "functionVersion": text("The version that the alias means."),
        "weights": text("The second version and its share, if there is one."),
    }
    return Definition(
        kind="Alias",
        plural="aliases",
        description=(
            "A name for a version of a function, or for two that share the invocations by "
            "weight. The resource is named by the function and the alias: `hello.live`."
        ),
        spec=spec,
        status=status(shown),
        short_names=("fna",),
        columns=(
            column("Function", ".spec.functionName"),
            column("Alias", ".spec.name"),
            column("Version", ".status.functionVersion"),
            column("Weights", ".status.weights"),
            column("Accepted", '.status.conditions[?(@.type=="Accepted")].status', priority=1),
        ),
        rules=(
            rule(
                f"self.metadata.name == self.spec.functionName + '.' + self.spec.name || {IS_MADE}",
                "metadata.name has to be the function's name, a dot and the alias' name",
            ),
        ),
    )
