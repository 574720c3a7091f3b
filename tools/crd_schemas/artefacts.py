"""The custom resources of what functions use: layers, runtimes, code signing configs."""

from crd_schemas.code import code
from crd_schemas.definition import Definition
from crd_schemas.fields import (
    ARN,
    IS_MADE,
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

_LAYER_NAME = {"minLength": 1, "maxLength": 140, "pattern": "^[a-zA-Z0-9_-]+$"}


def layer() -> Definition:
    """Return the definition of Layer."""
    spec = record(
        "The layer; its contents are LayerVersions.",
        {"layerName": text("The layer's name. Cannot be changed.", **_LAYER_NAME)},
        required=("layerName",),
        rules=(immutable("layerName"),),
    )
    return Definition(
        kind="Layer",
        plural="layers",
        description=(
            "The name of a layer and the counter of its versions. Made with the first LayerVersion."
        ),
        spec=spec,
        status=status({"lastVersion": whole("The highest version number ever published.")}),
        columns=(
            column("Layer", ".spec.layerName"),
            column("Last version", ".status.lastVersion", "integer"),
        ),
    )


def layer_version() -> Definition:
    """Return the definition of LayerVersion."""
    spec = record(
        "What to publish. Nothing of it can be changed.",
        {
            "layerName": text("The layer's name.", **_LAYER_NAME),
            "description": text("What the layer has.", maxLength=256),
            "code": code(
                "Where the contents come from: exactly one of the sources.", allow_image=False
            ),
            "compatibleRuntimes": texts("Runtimes that it is for. Not enforced.", maxItems=15),
            "compatibleArchitectures": texts(
                "Instruction sets that it is for. Not enforced.",
                each={"enum": ["x86_64", "arm64"]},
                maxItems=2,
            ),
            "licenseInfo": text("An SPDX identifier, a URL or a licence's text.", maxLength=512),
        },
        required=("layerName", "code"),
        rules=(rule("self == oldSelf", "a layer version is immutable: publish another one"),),
    )
    shown = {
        "version": whole("The version's number."),
        "codeSha256": text("The SHA-256 of the zip, as the Lambda API shows it."),
        "codeSize": whole("The size of the zip in bytes."),
        "created": text("When it was published."),
    }
    return Definition(
        kind="LayerVersion",
        plural="layerversions",
        description=(
            "A package that is unpacked into /opt of the functions that use it. The resource is "
            "named by the layer and the version's number, `deps.1`; the number has to be the "
            "next."
        ),
        spec=spec,
        status=status(shown),
        short_names=("fnlv",),
        columns=(
            column("Layer", ".spec.layerName"),
            column("Version", ".status.version", "integer"),
            column("Size", ".status.codeSize", "integer"),
            column("Description", ".spec.description", priority=1),
        ),
        rules=(
            rule(
                f"{IS_MADE} || (self.metadata.name.startsWith(self.spec.layerName + '.') && "
                "self.metadata.name.matches('^[^.]+[.][1-9][0-9]{0,9}$'))",
                "metadata.name has to be the layer's name, a dot and the next version's number",
            ),
        ),
    )


def code_signing_config() -> Definition:
    """Return the definition of CodeSigningConfig."""
    spec = record(
        "Who may have signed the code of functions. Kept and shown; signatures are not checked.",
        {
            "description": text("What the config is for.", maxLength=256),
            "allowedPublishers": record(
                "Who may have signed.",
                {
                    "signingProfileVersionArns": texts(
                        "ARNs of versions of signing profiles.",
                        each={"pattern": ARN},
                        minItems=1,
                        maxItems=20,
                    )
                },
                required=("signingProfileVersionArns",),
            ),
            "codeSigningPolicies": record(
                "What happens to other code.",
                {
                    "untrustedArtifactOnDeployment": choice(
                        "Warn lets it in, Enforce does not.", "Warn", "Enforce", default="Warn"
                    )
                },
                default={},
            ),
            "tags": table("Names and values of your own.", maxProperties=limits.TAGS_MAX),
        },
        required=("allowedPublishers",),
    )
    return Definition(
        kind="CodeSigningConfig",
        plural="codesigningconfigs",
        description=(
            "Which publishers the code of functions may be signed by. Made through the Lambda "
            "API, which gives it its name."
        ),
        spec=spec,
        status=status({"lastModified": text("When it was changed last.")}),
        columns=(
            column("Policy", ".spec.codeSigningPolicies.untrustedArtifactOnDeployment"),
            column("Description", ".spec.description"),
        ),
    )
