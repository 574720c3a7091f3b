"""What an agent is told of the version that it is to run."""

from inglenook.model import function
from inglenook.wire import messages
from inglenook_gateway.dispatch import pods


def specialise(
    version: messages.VersionId,
    spec: function.Spec,
    *,
    region: str,
    account: str,
    environments_max: int | None,
) -> messages.Specialise:
    """Return the message that makes an agent run a version."""
    return messages.Specialise(
        id=version,
        runtime=spec.runtime or "",
        handler=spec.handler or "",
        code_sha256=spec.code.sha256 if spec.image is None else "",
        image=None if spec.image is None else _image(spec.image),
        memory_mb=spec.memory_mb,
        timeout_s=spec.timeout_s,
        ephemeral_storage_mb=spec.ephemeral_storage_mb,
        log_group=spec.logging.log_group,
        log_format=spec.logging.format,
        application_level=spec.logging.application_level or "INFO",
        system_level=spec.logging.system_level or "INFO",
        variables=spec.environment or {},
        layers=[messages.Layer(arn=one.arn, sha256=one.code.sha256) for one in spec.layers],
        # The image's program is its pod's alone.
        environments_max=environments_max if spec.image is None else 1,
        region=region,
        account=account,
    )


def _image(image: function.Image) -> messages.Image:
    return messages.Image(
        uri=image.uri,
        entry_point=list(image.entry_point or ()),
        command=list(image.command or ()),
        working_directory=image.working_directory,
    )


def wanted(specialised: messages.Specialise, spec: function.Spec) -> pods.Wanted:
    """Return what kind of pod that takes."""
    return pods.Wanted(
        version=specialised.id,
        runtime=spec.runtime_name,
        runtime_class=spec.placement.runtime_class,
        memory_mb=spec.memory_mb,
        environments_max=specialised.environments_max,
    )
