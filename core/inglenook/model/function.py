"""The resources behind the Lambda API: functions, versions and aliases.

These are the documents that the store keeps, in SQLite and, on a cluster, in custom resources. What
a caller configures stands in a *spec*; what the platform says of it, in a *status*. They are plain
values: nothing here does I/O, and a change is a new value (`msgspec.structs.replace`). The garbage
collector looks at none of the large ones, of which there are thousands: they cannot be in cycles.
"""

import enum

import msgspec

from inglenook.model import images, limits

LATEST = "$LATEST"


_VERSION_DIGITS_MAX = 10


def version_number(qualifier: str) -> int | None:
    """Return the number if a qualifier is a version's, None if it is an alias' or `$LATEST`.

    An alias' name is never all digits, so digits that are no number of ours name nothing.
    """
    if (
        len(qualifier) <= _VERSION_DIGITS_MAX
        and qualifier.isascii()
        and qualifier.isdigit()
        and qualifier[0] != "0"
    ):
        return int(qualifier)
    return None


class State(enum.Enum):
    """Whether a version can be invoked (API member `State`)."""

    PENDING = "Pending"
    ACTIVE = "Active"
    INACTIVE = "Inactive"
    FAILED = "Failed"


class UpdateStatus(enum.Enum):
    """How the last change of `$LATEST` went (API member `LastUpdateStatus`)."""

    SUCCESSFUL = "Successful"
    FAILED = "Failed"
    IN_PROGRESS = "InProgress"


class Code(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A deployment package: a zip, by its content; or what stands for an image (`Image`)."""

    sha256: str
    """64 hex digits: the zip's, which is its name in the code store, or `images.sha256`."""
    size_bytes: int
    """Of the zip; 0 for an image, which the platform never has itself."""
    unzipped_bytes: int = 0
    """Of all that it contains; 0 where it was not measured."""


class Image(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A container image as a function's code (`Code.ImageUri`, `ImageConfig`)."""

    uri: str
    """As it was given; the nodes pull it by this."""
    entry_point: tuple[str, ...] | None = None
    """Instead of the image's own ENTRYPOINT. None, here and below: not given."""
    command: tuple[str, ...] | None = None
    """Instead of the image's own CMD."""
    working_directory: str | None = None

    @property
    def has_config(self) -> bool:
        return (self.entry_point, self.command, self.working_directory) != (None, None, None)


class Logging(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where and how a function logs (API member `LoggingConfig`)."""

    format: str = "Text"
    log_group: str
    application_level: str | None = None
    system_level: str | None = None


class Layer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A layer version that a function uses, as it was when the function was told to use it.

    It stays usable when the layer version is deleted, as on Lambda.
    """

    arn: str
    """With its version number."""
    code: Code


class SnapStart(enum.Enum):
    """When snapshots are taken (API member `SnapStart.ApplyOn`). Stored only."""

    NONE = "None"
    PUBLISHED_VERSIONS = "PublishedVersions"


class Vpc(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The network that a function asks for (API member `VpcConfig`). Stored only."""

    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    ipv6_allowed_for_dual_stack: bool = False


class FileSystem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A file system that a function asks for (`FileSystemConfigs`). Stored only."""

    arn: str
    local_mount_path: str
    direct_s3_read: str | None = None
    """API member `S3FilesConfig.DirectS3Read`."""


class RuntimeManagement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When a version takes a newer runtime (API member `UpdateRuntimeOn`). Stored only."""

    update_on: str = "Auto"
    runtime_version_arn: str | None = None


class Placement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What kind of pod runs it, on a cluster. Not of Lambda's: set in the custom resource alone."""

    runtime_class: str | None = None
    """A sandboxed container runtime (`runtimeClassName`): gVisor, Kata."""
    environments_per_pod: int = 1
    """How many environments may share a pod, and with it its /tmp and its processes."""


class Spec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What runs: all of a function that publishing a version freezes."""

    code: Code
    runtime: str | None
    """None, as the handler, for an image: it brings its own."""
    handler: str | None
    role: str
    logging: Logging
    image: Image | None = None
    """None: the code is a zip."""
    description: str = ""
    timeout_s: int = limits.TIMEOUT_S_DEFAULT
    memory_mb: int = limits.MEMORY_MB_DEFAULT
    ephemeral_storage_mb: int = limits.EPHEMERAL_STORAGE_MB_MIN
    architecture: str = "x86_64"
    environment: dict[str, str] | None = None
    """None when never given; given empty is `{}`, and the API shows the difference."""
    tracing: str = "PassThrough"
    layers: tuple[Layer, ...] = ()
    """In the order in which they are unpacked; later ones go over earlier ones."""
    dead_letter_target: str | None = None
    """ARN of the queue or topic for events that were given up."""
    kms_key_arn: str | None = None
    """Stored only."""
    code_kms_key_arn: str | None = None
    """The key of the package that `code` is (API member `SourceKMSKeyArn`). Stored only."""
    vpc: Vpc | None = None
    file_systems: tuple[FileSystem, ...] = ()
    snap_start: SnapStart = SnapStart.NONE
    placement: Placement = Placement()

    @property
    def runtime_name(self) -> str:
        """The name of the runtime that runs it; each image has one of its own."""
        return (self.runtime or "") if self.image is None else images.runtime_name(self.image.uri)


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What the platform says of `$LATEST` or of a published version."""

    revision_id: str
    last_modified: str
    """As the API prints it: `2026-11-21T13:46:00.000+0000`."""
    generation: int = 1
    """Grows with every change of what runs; environments of an older generation are retired."""
    state: State = State.PENDING
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update: UpdateStatus | None = None
    last_update_reason: str | None = None
    last_update_reason_code: str | None = None


class Serving(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What runs for `$LATEST`."""

    spec: Spec
    generation: int


class Function(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A function: its `$LATEST`, and what all its versions share."""

    name: str
    uid: str
    """Distinguishes a function from a deleted one of the same name."""
    spec: Spec
    status: Status
    before_update: Serving | None = None
    """What ran before the update that is under way or has failed, and runs on; see `serving`."""
    tags: dict[str, str] = {}
    last_version: int = 0
    """The highest version number ever published; numbers are not used twice."""
    last_published_generation: int | None = None
    """The generation of `$LATEST` that `last_version` froze, so that publishing again with nothing
    changed answers the same version."""
    reserved_concurrency: int | None = None
    runtime_management: RuntimeManagement = RuntimeManagement()
    recursive_loop: str = "Terminate"
    """Whether recursion is stopped (`Terminate`) or allowed (`Allow`). Stored only."""
    code_signing_config: str | None = None
    """The id of the code signing config."""
    deleting: bool = False
    """Set first when a function is deleted, so that a start finishes what a crash cut off."""

    @property
    def serving(self) -> Serving:
        """What `$LATEST` runs: `spec` only once an update of it has succeeded."""
        if self.before_update is not None:
            return self.before_update
        return Serving(spec=self.spec, generation=self.status.generation)


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A published, immutable version of a function."""

    function_name: str
    function_uid: str
    number: int
    spec: Spec
    status: Status
    """Its generation is that of the `$LATEST` which was frozen; it never changes again."""
    runtime_management: RuntimeManagement = RuntimeManagement()

    def is_of(self, owner: Function) -> bool:
        """Whether this is a version of `owner`, and published.

        A version's document is written before the function's counter: one beyond the counter was
        left by a publication that did not end, and does not exist for anybody.
        """
        return self.function_uid == owner.uid and self.number <= owner.last_version


class Alias(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A name for one version of a function, or for two with weights."""

    function_name: str
    function_uid: str
    name: str
    function_version: str
    description: str = ""
    additional_version_weights: dict[str, float] = {}
    """At most one entry: version number to its share of the invocations, 0.0 to 1.0."""
    revision_id: str
