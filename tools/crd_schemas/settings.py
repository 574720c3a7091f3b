"""The members of a function's configuration that are records of their own."""

from crd_schemas.fields import ARN, Schema, choice, flag, record, records, table, text, texts, whole

from inglenook.model import limits

_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

PROPERTIES: dict[str, Schema] = {
    "ephemeralStorage": record(
        "The function's /tmp.",
        {
            "size": whole(
                "Its size in MB.",
                minimum=limits.EPHEMERAL_STORAGE_MB_MIN,
                maximum=limits.EPHEMERAL_STORAGE_MB_MAX,
                default=limits.EPHEMERAL_STORAGE_MB_MIN,
            )
        },
        default={},
    ),
    "architectures": texts(
        "The instruction set that the code is for.",
        each={"enum": ["x86_64", "arm64"]},
        minItems=1,
        maxItems=1,
        default=["x86_64"],
    ),
    "environment": record(
        "What the function finds in its process environment.",
        {
            "variables": table(
                "Names and values, 4 KB in all. Everybody who may read this resource can read "
                "them.",
                maxProperties=1024,
            )
        },
    ),
    "loggingConfig": record(
        "How the function logs.",
        {
            "logFormat": choice(
                "Text, or JSON: one object a line, with levels that can be filtered.",
                "Text",
                "JSON",
                default="Text",
            ),
            "logGroup": text(
                "The log group; /aws/lambda/ and the function's name if none is given.",
                minLength=1,
                maxLength=512,
            ),
            "applicationLogLevel": choice("The least level of the code's own records.", *_LEVELS),
            "systemLogLevel": choice(
                "The least level of the platform's records.", "DEBUG", "INFO", "WARN"
            ),
        },
        default={},
    ),
    "tracingConfig": record(
        "Whether invocations are traced.",
        {
            "mode": choice(
                "Active samples by itself; PassThrough follows the caller's decision.",
                "Active",
                "PassThrough",
                default="PassThrough",
            )
        },
        default={},
    ),
    "deadLetterConfig": record(
        "Where events go that were given up.",
        {"targetArn": text("The ARN of a queue or a topic.", pattern=ARN)},
    ),
    "kmsKeyArn": text("The key of the environment variables. Kept only.", pattern=ARN),
    "vpcConfig": record(
        "The network that the function asks for. Kept only.",
        {
            "subnetIds": texts("Subnets.", maxItems=16),
            "securityGroupIds": texts("Security groups.", maxItems=5),
            "ipv6AllowedForDualStack": flag("Whether IPv6 may go out of dual-stack subnets."),
        },
    ),
    "fileSystemConfigs": records(
        "File systems that the function asks for. Kept only.",
        record(
            "One file system.",
            {
                "arn": text("The ARN of its access point.", pattern=ARN),
                "localMountPath": text("Where it is to appear.", pattern="^/mnt/.+$"),
                "s3FilesConfig": record(
                    "How files of S3 are read.",
                    {"directS3Read": text("Whether they are read from S3 itself.")},
                ),
            },
            required=("arn", "localMountPath"),
        ),
        maxItems=1,
    ),
    "snapStart": record(
        "Whether snapshots make published versions start faster. Kept only.",
        {
            "applyOn": choice(
                "Of what snapshots are taken.", "PublishedVersions", "None", default="None"
            )
        },
        default={},
    ),
    "runtimeManagementConfig": record(
        "When a newer release of the runtime is taken. Kept only.",
        {
            "updateRuntimeOn": choice("When.", "Auto", "Manual", "FunctionUpdate", default="Auto"),
            "runtimeVersionArn": text("The release to stay at, with Manual.", maxLength=2048),
        },
        default={},
    ),
    "recursiveLoop": choice(
        "Whether a function that invokes itself without end is stopped. Kept only.",
        "Allow",
        "Terminate",
        default="Terminate",
    ),
    "codeSigningConfigId": text(
        "The CodeSigningConfig resource that says who may have signed the code, by its name.",
        pattern="^csc-[a-z0-9]{17}$",
    ),
}
