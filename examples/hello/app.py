"""The smallest function that shows something: a greeting, a log line, a warm counter."""

import os

invocations = 0


def handler(event, context):
    global invocations  # noqa: PLW0603 - survives between invocations of one environment
    invocations += 1
    name = event.get("name", "world")
    print(f"greeting {name}, invocation {invocations} of this environment")
    return {
        "message": f"Hello, {name}!",
        "function": f"{context.function_name}:{context.function_version}",
        "memory_mb": int(context.memory_limit_in_mb),
        "remaining_ms": context.get_remaining_time_in_millis(),
        "region": os.environ["AWS_REGION"],
    }
