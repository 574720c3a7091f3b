"""The custom resources that say how functions may be invoked, and what happens then."""

from crd_schemas.definition import Definition
from crd_schemas.fields import (
    ARN,
    IS_MADE,
    QUALIFIER,
    Schema,
    choice,
    column,
    flag,
    immutable,
    record,
    rule,
    text,
    texts,
    whole,
)
from crd_schemas.releases import function_name
from crd_schemas.statuses import status

from inglenook.model import limits

_SAME_QUALIFIER = immutable("qualifier")


def _named(bare: str = "") -> Schema:
    """Return the rule of a resource's name; the qualifier `bare` is not part of it."""
    unless = f" && self.spec.qualifier != '{bare}'" if bare else ""
    return rule(
        f"{IS_MADE} || self.metadata.name == self.spec.functionName + "
        f"(has(self.spec.qualifier){unless} ? '.' + self.spec.qualifier : '')",
        "metadata.name has to be the function's name, and with a qualifier a dot and the qualifier",
    )


def _qualifier(description: str, **extra: object) -> Schema:
    return text(description, minLength=1, maxLength=128, pattern=QUALIFIER, **extra)


def function_url() -> Definition:
    """Return the definition of FunctionURL."""
    word = {"minLength": 1, "maxLength": 253}
    cors = record(
        "Which pages of other origins may call, in a browser.",
        {
            "allowCredentials": flag("Whether cookies and credentials may be sent."),
            "allowHeaders": texts("Headers that may be sent.", each=word, maxItems=100),
            "allowMethods": texts("Methods that may be used; * is all.", each=word, maxItems=6),
            "allowOrigins": texts("Origins that may call; * is all.", each=word, maxItems=100),
            "exposeHeaders": texts("Headers that pages may read.", each=word, maxItems=100),
            "maxAge": whole(
                "For how many seconds browsers may remember this.", minimum=0, maximum=86_400
            ),
        },
    )
    spec = record(
        "Who may call, and how answers are sent.",
        {
            "functionName": function_name(),
            "qualifier": _qualifier("The alias that is called; $LATEST if none is given."),
            "authType": choice(
                "NONE lets everybody call whom a FunctionPolicy allows; AWS_IAM wants signed "
                "requests.",
                "NONE",
                "AWS_IAM",
            ),
            "cors": cors,
            "invokeMode": choice(
                "BUFFERED sends the answer when it is whole, RESPONSE_STREAM as it is made.",
                "BUFFERED",
                "RESPONSE_STREAM",
                default="BUFFERED",
            ),
        },
        required=("functionName", "authType"),
        rules=(immutable("functionName"), _SAME_QUALIFIER),
    )
    shown = {
        "urlId": text("The first label of the URL's host name."),
        "url": text("Where the function is called."),
    }
    return Definition(
        kind="FunctionURL",
        plural="functionurls",
        description=(
            "An HTTP endpoint of a function's own. The resource is named by the function, "
            "`hello`, or by the function and an alias, `hello.live`."
        ),
        spec=spec,
        status=status(shown),
        short_names=("fnurl",),
        columns=(
            column("Function", ".spec.functionName"),
            column("Qualifier", ".spec.qualifier"),
            column("Auth", ".spec.authType"),
            column("URL", ".status.url"),
        ),
        rules=(_named(),),
    )


def provisioned_concurrency() -> Definition:
    """Return the definition of ProvisionedConcurrency."""
    spec = record(
        "How many environments are kept ready, and for what.",
        {
            "functionName": function_name(),
            "qualifier": _qualifier("The version's number or the alias' name. Not $LATEST."),
            "provisionedConcurrentExecutions": whole("How many environments.", minimum=1),
        },
        required=("functionName", "qualifier", "provisionedConcurrentExecutions"),
        rules=(
            immutable("functionName"),
            _SAME_QUALIFIER,
            rule("self.qualifier != '$LATEST'", "only versions and aliases can have it"),
        ),
    )
    shown = {
        "requested": whole("How many environments were asked for."),
        "allocated": whole("How many exist."),
        "available": whole("How many are initialised and can take an invocation."),
        "state": text("IN_PROGRESS, READY or FAILED."),
        "stateReason": text("Why it is in this state."),
    }
    return Definition(
        kind="ProvisionedConcurrency",
        plural="provisionedconcurrencies",
        description=(
            "Environments that are kept initialised for a version or an alias. The resource is "
            "named by the function and the qualifier: `hello.live`."
        ),
        spec=spec,
        status=status(shown),
        short_names=("fnpc",),
        columns=(
            column("Function", ".spec.functionName"),
            column("Qualifier", ".spec.qualifier"),
            column("Requested", ".status.requested", "integer"),
            column("Available", ".status.available", "integer"),
            column("State", ".status.state"),
        ),
        rules=(_named(),),
    )


def event_invoke_config() -> Definition:
    """Return the definition of EventInvokeConfig."""
    spec = record(
        "How asynchronous invocations are retried, and where their records go.",
        {
            "functionName": function_name(),
            "qualifier": _qualifier(
                "$LATEST, a version's number or an alias' name.", default="$LATEST"
            ),
            "maximumRetryAttempts": whole(
                "How often an event is tried again when the function fails.",
                minimum=0,
                maximum=limits.EVENT_RETRIES_MAX,
            ),
            "maximumEventAgeInSeconds": whole(
                "How old an event may get before it is given up.",
                minimum=60,
                maximum=limits.EVENT_AGE_S_MAX,
            ),
            "destinationConfig": record(
                "Where a record of each event goes.",
                {
                    "onSuccess": _destination("Of events that succeeded."),
                    "onFailure": _destination("Of events that were given up."),
                },
            ),
        },
        required=("functionName",),
        rules=(immutable("functionName"), _SAME_QUALIFIER),
    )
    return Definition(
        kind="EventInvokeConfig",
        plural="eventinvokeconfigs",
        description=(
            "How a function's asynchronous invocations are retried. The resource is named by "
            "the function, `hello`, or with a qualifier other than $LATEST `hello.live`."
        ),
        spec=spec,
        status=status({}),
        short_names=("fneic",),
        columns=(
            column("Function", ".spec.functionName"),
            column("Qualifier", ".spec.qualifier"),
            column("Retries", ".spec.maximumRetryAttempts", "integer"),
            column("Max age", ".spec.maximumEventAgeInSeconds", "integer"),
        ),
        rules=(_named("$LATEST"),),
    )


def _destination(description: str) -> Schema:
    target = text("The ARN of a queue, a topic, a function or a bucket.", pattern=ARN)
    return record(description, {"destination": target})


def function_policy() -> Definition:
    """Return the definition of FunctionPolicy."""
    statements = {
        "type": "array",
        "description": "The statements, with the elements of IAM's grammar: Sid, Effect, "
        "Principal, Action, Resource, Condition …",
        "minItems": 1,
        "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    spec = record(
        "Who may do what with the function.",
        {
            "functionName": function_name(),
            "qualifier": _qualifier("The version or alias that this is on; without: all of it."),
            "policy": record(
                "A policy document, written as in IAM.",
                {
                    "Version": text("The version of the policy language: 2012-10-17."),
                    "Id": text("A name for the policy."),
                    "Statement": statements,
                },
                required=("Statement",),
            ),
        },
        required=("functionName", "policy"),
        rules=(immutable("functionName"), _SAME_QUALIFIER),
    )
    return Definition(
        kind="FunctionPolicy",
        plural="functionpolicies",
        description=(
            "The resource-based policy of a function, a version or an alias. The resource is "
            "named by the function, `hello`, or with a qualifier `hello.live`."
        ),
        spec=spec,
        status=status({"statements": whole("How many statements the policy has.")}),
        columns=(
            column("Function", ".spec.functionName"),
            column("Qualifier", ".spec.qualifier"),
            column("Statements", ".status.statements", "integer"),
        ),
        rules=(_named(),),
    )
