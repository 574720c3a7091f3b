"""Every metric of the platform: the only place where their names and labels stand.

Those of Lambda are CloudWatch's of the namespace `AWS/Lambda`, in Prometheus' spelling: snake case,
base units (seconds, bytes), `_total` for what only grows. CloudWatch's dimensions are their labels:
`function_name`; `resource`, the function as it was asked for (`orders`, `orders:live`, `orders:3`);
`executed_version`, what ran. A series exists for each combination of these that is used, so there
are as many as functions, versions and aliases; nothing that a caller chooses is ever a label. Sum
over the labels for CloudWatch's other dimensions, and over the gateways: one counts what it owns.

Sources: dg/monitoring-metrics-types.html, dg/monitoring-metrics-view.html,
dg/urls-monitoring.html.
"""

from inglenook.telemetry.metric import AGES, Metric, counter, gauge, histogram, summary

_FUNCTION = ("function_name",)
_RESOURCE = ("function_name", "resource", "executed_version")

# Invocations

INVOCATIONS = counter(
    "inglenook_lambda_invocations",
    "Times that function code ran, well or with a function error.",
    _RESOURCE,
    "Invocations",
)
"""Counted when the function has ended. Not those that were throttled, and not those that the
platform could not run; so it is the number of billed requests."""
ERRORS = counter(
    "inglenook_lambda_errors",
    "Invocations that ended with a function error: its exceptions, time-outs, a lost runtime.",
    _RESOURCE,
    "Errors",
)
"""A part of `INVOCATIONS`. The error rate is one by the other."""
THROTTLES = counter(
    "inglenook_lambda_throttles",
    "Invocation requests that a limit refused, by TooManyRequestsException's Reason.",
    ("function_name", "resource", "reason"),
    "Throttles",
)
"""Neither an invocation nor an error. An attempt of an asynchronous invocation counts, too, and is
tried again. No version ran, so there is none among the labels."""
DURATION = histogram(
    "inglenook_lambda_duration_seconds",
    "How long function code worked on an event, without the cold start.",
    _RESOURCE,
    "Duration",
)
BILLED_DURATION = counter(
    "inglenook_lambda_billed_duration_seconds",
    "Billed duration: each invocation's, rounded up to 1 ms, with the init.",
    _RESOURCE,
)
MAX_MEMORY = gauge(
    "inglenook_lambda_max_memory_used_bytes",
    "The most memory that an environment of the current code and configuration has used.",
    _RESOURCE,
)
"""What `Max Memory Used` of the REPORT lines says at most."""
PROVISIONED_INVOCATIONS = counter(
    "inglenook_lambda_provisioned_concurrency_invocations",
    "Invocations that ran in a provisioned environment.",
    _RESOURCE,
    "ProvisionedConcurrencyInvocations",
)
PROVISIONED_SPILLOVER = counter(
    "inglenook_lambda_provisioned_concurrency_spillover_invocations",
    "Invocations of a version with provisioned concurrency that ran in another environment.",
    _RESOURCE,
    "ProvisionedConcurrencySpilloverInvocations",
)
PLATFORM_FAILURES = counter(
    "inglenook_platform_failures",
    "Admitted invocations that the platform could not bring to an end: the caller's 5xx.",
    _FUNCTION,
)

# Concurrency, at the moment of the scrape

CONCURRENT_EXECUTIONS = gauge(
    "inglenook_lambda_concurrent_executions",
    "Invocations under way, from their admission to their end.",
    _FUNCTION,
    "ConcurrentExecutions",
)
"""What the limits count. CloudWatch shows the most of each minute: take `max_over_time`."""
UNRESERVED_EXECUTIONS = gauge(
    "inglenook_lambda_unreserved_concurrent_executions",
    "Invocations under way of functions without reserved concurrency.",
    (),
    "UnreservedConcurrentExecutions",
)
CONCURRENCY_LIMIT = gauge(
    "inglenook_concurrency_limit",
    "The account's limit of concurrent executions.",
)
PROVISIONED_EXECUTIONS = gauge(
    "inglenook_lambda_provisioned_concurrent_executions",
    "Provisioned environments that work on an event.",
    ("function_name", "executed_version"),
    "ProvisionedConcurrentExecutions",
)
PROVISIONED_UTILIZATION = gauge(
    "inglenook_lambda_provisioned_concurrency_utilization",
    "Provisioned environments that work on an event, of all that are wanted: 0 to 1.",
    ("function_name", "executed_version"),
    "ProvisionedConcurrencyUtilization",
)
ENVIRONMENTS = gauge(
    "inglenook_environments",
    "Execution environments, by what they do: idle, busy, starting.",
    ("function_name", "executed_version", "state"),
)
GIVEN_UP = counter(
    "inglenook_environments_given_up",
    "Idle environments that were stopped early, to make room on full nodes.",
    _FUNCTION,
)
WAITING = gauge(
    "inglenook_invocations_waiting",
    "Admitted invocations without an environment yet.",
    ("function_name", "executed_version"),
)

# Cold starts

COLD_START_PHASE = histogram(
    "inglenook_cold_start_phase_seconds",
    "What a cold start takes, by phase: lease, specialise, start, init; and wait, the whole.",
    ("phase",),
)
"""`lease`: until a pod is had. `specialise`: until code and configuration are in it. `start`: an
environment, from asking for it until its init has ended. `init`: of that, the function's own init,
as the agent measures it. `wait`: what an invocation waited that found no environment idle, whether
for a new one or for one that became free."""
STARTS = counter(
    "inglenook_environment_starts",
    "Environments that were started, by initialisation type (on-demand, provisioned-concurrency) "
    "and result (ok, init-error, failed).",
    ("function_name", "type", "result"),
)
INIT_DURATION = summary(
    "inglenook_init_duration_seconds",
    "How long the init of a function's environments took.",
    _FUNCTION,
)
"""`Init Duration` of the REPORT lines."""

# Asynchronous invocations

EVENTS_RECEIVED = counter(
    "inglenook_lambda_async_events_received",
    "Events that were put into the queue durably.",
    ("function_name", "resource"),
    "AsyncEventsReceived",
)
EVENTS_DROPPED = counter(
    "inglenook_lambda_async_events_dropped",
    "Events given up without a successful run, by condition: RetriesExhausted, EventAgeExceeded...",
    ("function_name", "resource", "condition"),
    "AsyncEventsDropped",
)
"""Whether or not a destination or a dead-letter queue gets them."""
EVENT_AGE = histogram(
    "inglenook_lambda_async_event_age_seconds",
    "Time from an event's acceptance to an attempt to run it; retries are older.",
    ("function_name", "resource"),
    "AsyncEventAge",
    bounds=AGES,
)
DEAD_LETTER_ERRORS = counter(
    "inglenook_lambda_dead_letter_errors",
    "Failed attempts to send an event to a dead-letter queue.",
    _FUNCTION,
    "DeadLetterErrors",
)
DELIVERY_FAILURES = counter(
    "inglenook_lambda_destination_delivery_failures",
    "Failed attempts to send a record to a destination.",
    _FUNCTION,
    "DestinationDeliveryFailures",
)
QUEUE_UNDER_WAY = gauge(
    "inglenook_queue_items_under_way",
    "Items of the queue in this worker's hands: events that run, records on their way.",
)
QUEUE_ITEMS = gauge(
    "inglenook_queue_items",
    "Items in the queue, under way or not.",
)

# Function URLs

URL_REQUESTS = counter(
    "inglenook_lambda_url_requests",
    "Requests to a function URL.",
    ("function_name", "resource"),
    "UrlRequestCount",
)
URL_4XX = counter(
    "inglenook_lambda_url_4xx",
    "Requests to a function URL that were answered with a 4xx status.",
    ("function_name", "resource"),
    "Url4xxCount",
)
URL_5XX = counter(
    "inglenook_lambda_url_5xx",
    "Requests to a function URL that were answered with a 5xx status.",
    ("function_name", "resource"),
    "Url5xxCount",
)
URL_LATENCY = histogram(
    "inglenook_lambda_url_request_latency_seconds",
    "Time from a function URL's request to its answer.",
    ("function_name", "resource"),
    "UrlRequestLatency",
)

# Gateways among themselves, and what they say of themselves

FORWARDED = counter(
    "inglenook_gateway_forwarded",
    "Invocations sent to the function's owner, by result (answered, failed, moved, lost).",
    ("result",),
)
PEERS = gauge("inglenook_gateway_peers", "Gateways that are ready, this one among them.")
SPANS_DROPPED = counter(
    "inglenook_spans_dropped",
    "Spans that never reached the collector, by reason (full, failed).",
    ("reason",),
)

INFO = gauge(
    "inglenook_info",
    "1, labelled with what the process is: gateway, operator, worker, agent, or local for all.",
    ("part",),
)
"""To be joined to what the process itself takes, `process_cpu_seconds_total` and the like."""

# Agents

AGENT_ENVIRONMENTS = gauge("inglenook_agent_environments", "Environments of this agent.")
AGENT_INVOCATIONS = counter(
    "inglenook_agent_invocations",
    "Invocations that this agent has run, by result (ok, error).",
    ("result",),
)
AGENT_INIT = histogram(
    "inglenook_agent_init_duration_seconds",
    "How long inits took in this agent's environments, by result (ok, error).",
    ("result",),
)
AGENT_BILLED = counter(
    "inglenook_agent_billed_duration_seconds", "Billed duration of this agent's invocations."
)
AGENT_MAX_MEMORY = gauge(
    "inglenook_agent_max_memory_used_bytes",
    "The most memory that an environment of this agent has used.",
)

# The operator

OPERATOR_LEADS = gauge("inglenook_operator_leads", "1 while this replica leads, 0 while it waits.")
OPERATOR_RECONCILED = counter(
    "inglenook_operator_reconciled",
    "Turns of reconciliation, by the kind of resource and result (ok, error).",
    ("kind", "result"),
)
OPERATOR_WATCH_MISSED = counter(
    "inglenook_operator_watch_missed",
    "Changes that the watches had not told when everything was listed.",
)
POOL_PODS = gauge(
    "inglenook_pool_pods",
    "Pods of a pool, by what they are for (pooled, retiring, specialised).",
    ("pool", "state"),
)

ALL = tuple(each for each in dict(vars()).values() if isinstance(each, Metric))
"""All of them, in the order above."""
