"""The rows of docs/limits.md: what is limited, to what, what changes it, and which test holds it.

Figures come from `inglenook.model.limits`, from the service model and from the settings; `names`
says which, so that no figure is left out and none stands here as a number.
"""

import functools
from dataclasses import dataclass

import botocore.session

from inglenook import settings
from inglenook.model import limits as own
from inglenook.store import entries
from inglenook_gateway.api import http_server

SAME = "same"
VALIDATION = "`ValidationException`"
INVALID = "`InvalidParameterValueException`"
NONE = ""

CASES = "conformance/test_limits.py"
RESOURCES = "conformance/test_limits_of_resources.py"
SIX_MB = "conformance/test_invoke.py::test_six_megabytes_pass_both_ways_and_more_do_not"
CONFIGURED = f"{CASES}::test_a_configuration_goes_to_its_limit_and_no_further"
MAPPED = f"{RESOURCES}::test_an_event_source_mapping_goes_to_its_limits"


@dataclass(frozen=True, slots=True)
class Row:
    """One limit, or a few that belong together."""

    what: str
    aws: str
    here: str
    error: str
    names: tuple[str, ...]
    """Names in `inglenook.model.limits`, and `model:Shape`: their sources are the row's."""
    held_by: str | None = None
    """`folder/file.py::test` under tests/, for what is enforced."""
    source: str = ""
    """Where neither has it."""


@functools.cache
def _service() -> object:
    return botocore.session.get_session().get_service_model("lambda")


def most(shape: str) -> str:
    """Return the model's maximum for a shape."""
    return number(_service().shape_for(shape).metadata["max"])


def least(shape: str) -> str:
    """Return the model's minimum for a shape."""
    return number(_service().shape_for(shape).metadata["min"])


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def setting(group: str, field: str, value: str = "") -> str:
    """Return the variable that changes a limit. Fails for one that there is not."""
    getattr(getattr(settings.Settings(), group), field)
    return f"`INGLENOOK_{group.upper()}_{field.upper()}{value}`"


def tables() -> dict[str, list[Row]]:
    """Return the rows, by heading."""
    return {
        "Functions": _functions(),
        "Packages and storage": _packages(),
        "Invocations": _invocations(),
        "Environments": _environments(),
        "Concurrency and rates": _rates(),
        "Asynchronous invocations": _events(),
        "Versions, aliases, layers, policies, URLs": _resources(),
        "Event source mappings": _event_sources(),
        "Of this platform alone": _own(),
    }


def _functions() -> list[Row]:
    text = f"{most('Description')}, {most('Handler')}, {most('LogGroup')} characters"
    return [
        Row("Memory", f"{least('MemorySize')} to {number(own.MEMORY_MB_MAX)} MB; default "
            f"{own.MEMORY_MB_DEFAULT}", SAME, VALIDATION,
            ("MEMORY_MB_MAX", "MEMORY_MB_DEFAULT", "model:MemorySize"), CONFIGURED),
        Row("CPU", f"one vCPU at {number(own.MEMORY_MB_PER_VCPU)} MB",
            "a share of the machine's, where control groups can be used", NONE,
            ("MEMORY_MB_PER_VCPU",)),
        Row("Timeout", f"{least('Timeout')} to {own.TIMEOUT_S_MAX} s; default "
            f"{own.TIMEOUT_S_DEFAULT}", SAME, VALIDATION,
            ("TIMEOUT_S_MAX", "TIMEOUT_S_DEFAULT", "model:Timeout"), CONFIGURED),
        Row("`/tmp`", f"{own.EPHEMERAL_STORAGE_MB_MIN} to {number(own.EPHEMERAL_STORAGE_MB_MAX)} MB"
            f"; default {own.EPHEMERAL_STORAGE_MB_MIN}",
            "same; without a sandbox only for each file", VALIDATION
            + "; writes beyond it fail with `ENOSPC`",
            ("EPHEMERAL_STORAGE_MB_MIN", "EPHEMERAL_STORAGE_MB_MAX", "model:EphemeralStorageSize"),
            CONFIGURED),
        Row("Environment variables", f"{number(own.ENVIRONMENT_BYTES_MAX)} bytes of JSON together",
            SAME, INVALID, ("ENVIRONMENT_BYTES_MAX",), CONFIGURED),
        Row("Layers", f"{own.LAYERS_MAX}", SAME, INVALID, ("LAYERS_MAX",),
            f"{CASES}::test_a_function_has_five_layers_at_most"),
        Row("Name", f"{own.FUNCTION_NAME_LENGTH_MAX} characters", SAME, INVALID,
            ("FUNCTION_NAME_LENGTH_MAX",), f"{CASES}::test_a_name_has_64_characters_at_most"),
        Row("Description, handler, log group", text, SAME, VALIDATION,
            ("model:Description", "model:Handler", "model:LogGroup"), CONFIGURED),
        Row("Tags", f"{own.TAGS_MAX}", "same; keys beginning with `aws:` are not refused: the error"
            " is not known", INVALID, ("TAGS_MAX",),
            "conformance/test_tags.py::test_there_are_fifty_tags_at_most"),
        Row("Key, value of a tag", f"{most('TagKey')}, {most('TagValue')} characters", SAME,
            VALIDATION, ("model:TagKey", "model:TagValue"),
            f"{CASES}::test_a_tag_is_no_longer_than_it_may_be"),
        Row("Subnets, security groups", f"{most('SubnetIds')}, {most('SecurityGroupIds')}", SAME,
            VALIDATION, ("model:SubnetIds", "model:SecurityGroupIds"), CONFIGURED),
        Row("Network interfaces of a VPC", "500", "there are none", NONE, (),
            source="dg/gettingstarted-limits.html"),
        Row("Items on a page of a list", f"{own.PAGE_ITEMS_MAX}, whatever `MaxItems` asks for",
            SAME, f"{VALIDATION} for `MaxItems` beyond the model's", ("PAGE_ITEMS_MAX",),
            f"{RESOURCES}::test_a_page_has_fifty_items_at_most"),
    ]  # fmt: skip


def _packages() -> list[Row]:
    location = f"{own.CODE_LOCATION_VALID_S // 60} minutes"
    return [
        Row("Package in a request, zipped", f"{number(own.ZIPPED_BYTES_MAX)} bytes (50 MB)", SAME,
            "413 `RequestEntityTooLargeException`", ("ZIPPED_BYTES_MAX",),
            f"{CASES}::test_a_package_has_50_mb_zipped_at_most"),
        Row("Package unzipped, with layers",
            f"less than {number(own.UNZIPPED_BYTES_MAX)} bytes (250 MB)", SAME, INVALID,
            ("UNZIPPED_BYTES_MAX",),
            f"{CASES}::test_a_package_unpacks_to_less_than_250_mb"),
        Row("Files and folders in a package", "not stated", number(own.ARCHIVE_ENTRIES_MAX),
            INVALID, ("ARCHIVE_ENTRIES_MAX",),
            "unit/test_archive.py::test_too_many_entries_or_folders_are_refused"),
        Row("A request that is no invocation", f"{number(own.REQUEST_BYTES_MAX)} bytes", SAME,
            "413 `RequestEntityTooLargeException`", ("REQUEST_BYTES_MAX",),
            f"{CASES}::test_a_request_to_create_is_refused_before_its_package_is_measured"),
        Row("Storage for the zips of functions, versions and layers",
            f"{own.CODE_STORAGE_BYTES_MAX // 1024 // own.MIB} GB",
            "same; " + setting("gateway", "code_storage_bytes") + " changes it",
            "`CodeStorageExceededException`", ("CODE_STORAGE_BYTES_MAX",),
            f"{RESOURCES}::test_the_storage_of_an_account_is_full_to_the_byte"),
        Row("`Code.Location` is good for", location, SAME, "403", ("CODE_LOCATION_VALID_S",),
            "integration/test_operations_functions_shown.py::"
            "test_the_code_location_gives_the_very_zip_for_ten_minutes"),
        Row("Container image", "10 GB", "what the nodes have room for; on Kubernetes alone", NONE,
            (),
            source="dg/gettingstarted-limits.html"),
        Row("Package and test events in the console", "3 MB, 10", "there is no console", NONE, (),
            source="dg/gettingstarted-limits.html"),
    ]  # fmt: skip


def _invocations() -> list[Row]:
    too_large = "413 `RequestTooLargeException`"
    response = "`Function.ResponseSizeTooLarge`, in the answer's payload"
    return [
        Row("Synchronous payload, and the event of a function URL",
            f"{number(own.PAYLOAD_BYTES_MAX)} bytes (6 MB)", SAME, too_large,
            ("PAYLOAD_BYTES_MAX",), SIX_MB),
        Row("Synchronous answer", f"{number(own.RESPONSE_BYTES_MAX)} bytes (6 MB)", SAME, response,
            ("RESPONSE_BYTES_MAX",), SIX_MB),
        Row("Payload of an `Event`", f"{number(own.EVENT_PAYLOAD_BYTES_MAX)} bytes (1 MB)", SAME,
            too_large, ("EVENT_PAYLOAD_BYTES_MAX",),
            "conformance/test_event_acceptance.py::test_an_event_may_have_a_mebibyte"),
        Row("Payload of `InvokeAsync`", f"{number(own.INVOKE_ASYNC_PAYLOAD_BYTES_MAX)} bytes",
            SAME, too_large, ("INVOKE_ASYNC_PAYLOAD_BYTES_MAX",),
            "conformance/test_event_acceptance.py::"
            "test_the_deprecated_operation_has_a_limit_of_its_own"),
        Row("Streamed answer", f"{own.STREAM_BYTES_MAX // own.MIB} MB", SAME, response,
            ("STREAM_BYTES_MAX",),
            "integration/test_agent_streaming.py::test_the_limit_of_a_stream_truncates_it"),
        Row("Speed of a streamed answer", f"{own.STREAM_BYTES_PER_S // own.MIB} MB/s past its "
            f"first {own.STREAM_BURST_BYTES // own.MIB} MB",
            "same; " + setting("agent", "stream_bytes_per_s") + " changes it, 0 takes it away",
            NONE, ("STREAM_BURST_BYTES", "STREAM_BYTES_PER_S"),
            "integration/test_agent_streaming.py::test_after_its_burst_a_stream_goes_at_its_pace"),
        Row("Client context", f"{number(own.CLIENT_CONTEXT_BYTES_MAX)} bytes of base64", SAME,
            "`InvalidRequestContentException`", ("CLIENT_CONTEXT_BYTES_MAX",),
            f"{CASES}::test_a_client_context_has_3583_bytes_at_most"),
        Row("`LogResult`", f"the last {number(own.LOG_TAIL_BYTES)} bytes", SAME, "cut",
            ("LOG_TAIL_BYTES",), f"{CASES}::test_a_log_result_is_the_last_4_kb"),
        Row("One log event", f"{number(own.LOG_EVENT_BYTES_MAX)} bytes", SAME, "cut into several",
            ("LOG_EVENT_BYTES_MAX",), "unit/test_agent_splitter.py::"
            "test_what_is_longer_than_an_event_is_cut_between_characters"),
        Row("Invocations traced in `Active` mode without a decision of the caller's",
            f"the first in each second and {own.TRACED_SHARE:.0%} of the others, of each function",
            SAME, NONE, ("TRACED_SHARE",), "unit/test_sampling.py::"
            "test_of_the_others_in_a_second_one_in_twenty_is_kept"),
    ]  # fmt: skip


def _environments() -> list[Row]:
    sandboxed = "same, in the sandbox; without it "
    return [
        Row("File descriptors", number(own.DESCRIPTORS_MAX), SAME, "`EMFILE` in the function",
            ("DESCRIPTORS_MAX",), "conformance/test_descriptors.py::"
            "test_the_platform_takes_what_it_may_have_and_functions_get_lambdas_limit"),
        Row("Processes and threads", number(own.PROCESSES_MAX),
            sandboxed + "where control groups can be used", "`EAGAIN` in the function",
            ("PROCESSES_MAX",),
            "conformance/test_sandbox.py::test_processes_and_threads_are_1024_together"),
        Row("Init", f"{number(own.INIT_TIMEOUT_S)} s, then again within the first invocation",
            "same; " + setting("agent", "init_timeout_s") + " changes it",
            "`Sandbox.Timedout`, after the function's own timeout", ("INIT_TIMEOUT_S",),
            "integration/test_agent_python.py::"
            "test_an_init_that_takes_too_long_runs_again_within_the_functions_time"),
        Row("Init of provisioned environments",
            f"{own.PROVISIONED_INIT_TIMEOUT_S / 60:.0f} minutes", SAME,
            "`FUNCTION_ERROR_INIT_FAILURE`", ("PROVISIONED_INIT_TIMEOUT_S",),
            f"{RESOURCES}::test_provisioned_environments_have_more_time_for_their_init"),
        Row("Extensions, and their time to shut down", "10; 2 s", "extensions are not built yet",
            NONE, (), source="dg/lambda-extensions.html"),
    ]  # fmt: skip


def _rates() -> list[Row]:
    throttled = "429 `TooManyRequestsException`, `"
    option = "not limited, because one machine's clients have no others to be kept from; "
    return [
        Row("Concurrent executions of the account", number(own.CONCURRENT_EXECUTIONS_DEFAULT),
            "same; " + setting("gateway", "account_concurrency") + " changes it",
            throttled + "ConcurrentInvocationLimitExceeded`", ("CONCURRENT_EXECUTIONS_DEFAULT",),
            "conformance/test_concurrency_limits.py::"
            "test_what_is_provisioned_is_set_aside_from_the_account"),
        Row("What reservations must leave of it", str(own.UNRESERVED_CONCURRENCY_MIN), SAME,
            INVALID, ("UNRESERVED_CONCURRENCY_MIN",), "conformance/test_concurrency_limits.py::"
            "test_no_more_is_reserved_than_leaves_a_part_for_the_others"),
        Row("New environments of one function", f"{number(own.SCALING_ENVIRONMENTS)} every "
            f"{number(own.SCALING_INTERVAL_S)} s", SAME,
            throttled + "ConcurrentInvocationLimitExceeded`",
            ("SCALING_ENVIRONMENTS", "SCALING_INTERVAL_S"),
            "integration/test_dispatch_rates.py::"
            "test_a_thousand_first_calls_at_once_all_run_and_then_starts_are_throttled"),
        Row("Synchronous requests", f"{own.REQUESTS_PER_S_PER_ENVIRONMENT} a second for each unit "
            "of concurrency",
            "not limited, because an environment here serves far more; "
            + setting("gateway", "request_rate_limit", "=true") + " limits them",
            throttled + "ReservedFunctionInvocationRateLimitExceeded` or"
            " `FunctionInvocationRateLimitExceeded`", ("REQUESTS_PER_S_PER_ENVIRONMENT",),
            "conformance/test_concurrency_limits.py::"
            "test_with_the_rate_limit_a_reservation_of_one_has_ten_requests_a_second"),
        Row("`GetFunction`, `GetPolicy`, all other operations but invocations together",
            f"{own.API_GET_FUNCTION_PER_S}, {own.API_GET_POLICY_PER_S}, {own.API_OTHERS_PER_S} a "
            "second", option + setting("gateway", "api_rate_limit", "=true") + " limits them",
            throttled + "CallerRateLimitExceeded`",
            ("API_GET_FUNCTION_PER_S", "API_GET_POLICY_PER_S", "API_OTHERS_PER_S"),
            f"{RESOURCES}::test_with_the_option_calls_of_the_api_are_limited_as_aws_does"),
        Row("Allocation of provisioned environments", "6,000 a minute",
            "not limited: as fast as the machine starts them, "
            + setting("gateway", "starts_in_flight") + " at a time", NONE, (),
            source="dg/provisioned-concurrency.html"),
    ]  # fmt: skip


def _events() -> list[Row]:
    delays = " and ".join(number(each / 60) for each in own.EVENT_RETRY_DELAYS_S)
    return [
        Row("Retries", f"{least('MaximumRetryAttempts')} to {own.EVENT_RETRIES_MAX}; default "
            f"{own.EVENT_RETRIES_MAX}", SAME, VALIDATION,
            ("EVENT_RETRIES_MAX", "model:MaximumRetryAttempts"),
            f"{RESOURCES}::test_events_are_kept_and_tried_within_limits"),
        Row("Age of an event", f"{least('MaximumEventAgeInSeconds')} to "
            f"{number(own.EVENT_AGE_S_MAX)} s; default {number(own.EVENT_AGE_S_MAX)}", SAME,
            VALIDATION, ("EVENT_AGE_S_MAX", "model:MaximumEventAgeInSeconds"),
            f"{RESOURCES}::test_events_are_kept_and_tried_within_limits"),
        Row("Wait after errors of the function", f"{delays} minutes",
            "same; " + setting("worker", "time_scale") + " shortens it, for tests", NONE,
            ("EVENT_RETRY_DELAYS_S",), "unit/test_event_retrying.py::"
            "test_a_failed_event_is_run_again_after_one_and_two_minutes_as_often_as_configured"),
        Row("Wait after throttles", f"{number(own.EVENT_BACKOFF_S_MIN)} s to "
            f"{number(own.EVENT_BACKOFF_S_MAX / 60)} minutes", SAME, NONE,
            ("EVENT_BACKOFF_S_MIN", "EVENT_BACKOFF_S_MAX"), "unit/test_event_retrying.py::"
            "test_an_event_that_could_not_be_run_is_tried_ever_more_rarely_and_counts_no_attempt"),
        Row("`ErrorMessage` of a dead letter", f"{number(own.DEAD_LETTER_ERROR_BYTES_MAX)} bytes",
            SAME, "cut", ("DEAD_LETTER_ERROR_BYTES_MAX",), "unit/test_event_records.py::"
            "test_the_error_message_is_cut_at_a_kilobyte_between_characters"),
        Row("Events that wait", "not stated",
            f"{number(settings.Worker().queue_events)} and "
            f"{settings.Worker().queue_bytes // own.MIB // 1024} GB; "
            + setting("worker", "queue_events") + " and " + setting("worker", "queue_bytes")
            + " change them", "429 `TooManyRequestsException`", (),
            "conformance/test_event_durability.py::"
            "test_a_full_queue_refuses_events_and_nothing_else", source="ours"),
    ]  # fmt: skip


def _resources() -> list[Row]:
    aliases = f"{RESOURCES}::test_an_alias_goes_to_its_limits"
    cors = f"{RESOURCES}::test_cors_goes_to_its_limits"
    return [
        Row("Versions, aliases of a function", "as many as storage allows", SAME, NONE, (),
            source="dg/gettingstarted-limits.html"),
        Row("Name of an alias", f"{most('Alias')} characters", SAME, VALIDATION,
            ("model:Alias",), aliases),
        Row("Additional versions of an alias", str(own.ALIAS_ADDITIONAL_VERSIONS_MAX), SAME,
            INVALID, ("ALIAS_ADDITIONAL_VERSIONS_MAX",),
            f"{RESOURCES}::test_a_weight_is_one_at_most_and_one_version_has_it"),
        Row("Their weight", f"{least('Weight')} to {most('Weight')}", SAME, VALIDATION,
            ("model:Weight",), f"{RESOURCES}::test_a_weight_is_one_at_most_and_one_version_has_it"),
        Row("Policy of a function, an alias, a version or a layer version",
            f"{number(own.POLICY_BYTES_MAX)} bytes (20 KB)", SAME,
            "`PolicyLengthExceededException`", ("POLICY_BYTES_MAX",),
            f"{RESOURCES}::test_a_policy_has_20_kb_to_the_byte"),
        Row("Runtimes, architectures of a layer",
            f"{most('CompatibleRuntimes')}, {most('CompatibleArchitectures')}", SAME, VALIDATION,
            ("model:CompatibleRuntimes", "model:CompatibleArchitectures"),
            f"{RESOURCES}::test_a_layer_goes_to_its_limits"),
        Row("Licence of a layer", f"{most('LicenseInfo')} characters", SAME, VALIDATION,
            ("model:LicenseInfo",), f"{RESOURCES}::test_a_layer_goes_to_its_limits"),
        Row("CORS of a URL: origins, methods, headers of each kind",
            f"{most('AllowOriginsList')}, {most('AllowMethodsList')}, {most('HeadersList')}", SAME,
            VALIDATION, ("model:AllowOriginsList", "model:AllowMethodsList", "model:HeadersList"),
            cors),
        Row("CORS of a URL: length of a header, age", f"{most('Header')} characters, "
            f"{most('MaxAge')} s", SAME, VALIDATION, ("model:Header", "model:MaxAge"), cors),
    ]  # fmt: skip


def _event_sources() -> list[Row]:
    return [
        Row("Batch", f"{least('BatchSize')} to {most('BatchSize')}; default "
            f"{own.EVENT_SOURCE_BATCH_DEFAULT}, SQS {own.SQS_BATCH_DEFAULT}", SAME, VALIDATION,
            ("EVENT_SOURCE_BATCH_DEFAULT", "SQS_BATCH_DEFAULT", "model:BatchSize"), MAPPED),
        Row("Batch of SQS without a window, of a FIFO queue",
            f"{own.SQS_BATCH_WITHOUT_WINDOW_MAX}, {own.SQS_FIFO_BATCH_MAX}", SAME, INVALID,
            ("SQS_BATCH_WITHOUT_WINDOW_MAX", "SQS_FIFO_BATCH_MAX"), MAPPED),
        Row("Batching window, tumbling window", f"{most('MaximumBatchingWindowInSeconds')}, "
            f"{most('TumblingWindowInSeconds')} s", SAME, VALIDATION,
            ("model:MaximumBatchingWindowInSeconds", "model:TumblingWindowInSeconds"), MAPPED),
        Row("Batches of a shard at once", most("ParallelizationFactor"), SAME, VALIDATION,
            ("model:ParallelizationFactor",), MAPPED),
        Row("Concurrency of an SQS mapping", f"{least('MaximumConcurrency')} to "
            f"{most('MaximumConcurrency')}", SAME, VALIDATION, ("model:MaximumConcurrency",),
            MAPPED),
        Row("Age of a record", f"{own.RECORD_AGE_S_MIN} to {most('MaximumRecordAgeInSeconds')} s,"
            " or -1", SAME, f"{INVALID} below, {VALIDATION} above",
            ("RECORD_AGE_S_MIN", "model:MaximumRecordAgeInSeconds"), MAPPED),
        Row("Filters of a mapping", f"{own.EVENT_FILTERS_MAX}, or up to 10 on request",
            str(own.EVENT_FILTERS_MAX), INVALID, ("EVENT_FILTERS_MAX",),
            "conformance/test_event_source_rules.py::test_there_are_five_filters_at_most"),
        Row("Pollers, SQS", f"{own.SQS_POLLERS_MIN} at least", SAME, INVALID,
            ("SQS_POLLERS_MIN",), "conformance/test_event_source_settings.py::"
            "test_pollers_that_are_not_given_are_as_many_as_by_default"),
        Row("Pollers, Kafka", f"{own.KAFKA_POLLERS_MIN} to {number(own.KAFKA_POLLERS_MAX)}; "
            f"`MaximumPollers` is {own.POLLERS_MAX_DEFAULT} by default", SAME, INVALID,
            ("KAFKA_POLLERS_MIN", "KAFKA_POLLERS_MAX", "POLLERS_MAX_DEFAULT"), MAPPED),
        Row("Mappings on a page of a list", str(own.EVENT_SOURCE_PAGE_ITEMS_MAX), SAME, NONE,
            ("EVENT_SOURCE_PAGE_ITEMS_MAX",),
            f"{RESOURCES}::test_a_page_has_a_hundred_mappings_at_most"),
    ]  # fmt: skip


def _own() -> list[Row]:
    gateway = settings.Gateway()
    return [
        Row("Name, path of a file in a package", NONE, f"{entries.NAME_BYTES_MAX}, "
            f"{number(entries.PATH_BYTES_MAX)} bytes", INVALID, (),
            "unit/test_archive.py::test_names_that_lead_outside_or_are_none_are_refused",
            source="ours"),
        Row("Request line, one header", NONE, f"{number(http_server.HEADER_BYTES_MAX)} bytes",
            "400 `SerializationException`", (), f"{CASES}::test_a_header_has_16_kb_at_most",
            source="ours"),
        Row("Head of a request on an open connection", NONE,
            f"{number(gateway.connection_idle_timeout_s)} s; "
            + setting("gateway", "connection_idle_timeout_s") + " changes it",
            NONE, (), source="ours"),
        Row("Wait of an admitted invocation for an environment", NONE,
            f"{number(gateway.queue_timeout_s)} s; " + setting("gateway", "queue_timeout_s")
            + " changes it", "500 `ServiceException`", (),
            "integration/test_dispatch.py::"
            "test_who_waits_too_long_fails_with_500_and_holds_nothing", source="ours"),
        Row("An environment without work", NONE,
            f"ended after {number(gateway.environment_idle_timeout_s)} s; "
            + setting("gateway", "environment_idle_timeout_s") + " changes it", NONE, (),
            source="ours"),
    ]  # fmt: skip
