"""`inglenook invoke`: run a function once and show what it answers."""

import base64
import sys
from pathlib import Path

import msgspec

from inglenook_local.cli import client
from inglenook_local.cli.exits import CommandError, Exit


def read_payload(given: str | None) -> bytes:
    """Return the event: JSON as given, the content of `@FILE`, or standard input for `-`."""
    if given is None:
        return b""
    if given == "-":
        return sys.stdin.buffer.read()
    if given.startswith("@"):
        try:
            return Path(given[1:]).read_bytes()
        except OSError as error:
            raise CommandError(Exit.USAGE, f"cannot read the payload: {error}") from error
    return given.encode()


def run(
    endpoint: str, name: str, payload: str | None, qualifier: str | None, *, tail: bool, json: bool
) -> None:
    """Invoke, print, and end with FUNCTION_ERROR if the function failed."""
    event = read_payload(payload)
    headers = {"X-Amz-Log-Type": "Tail"} if tail or json else {}
    query = {"Qualifier": qualifier} if qualifier else None
    with client.Client(endpoint, client.INVOKE_TIMEOUT_S) as api:
        path = client.function_path(name, "/invocations")
        response = api.request("POST", path, query, event, headers)
    client.refuse(response)
    error = response.headers.get("x-amz-function-error")
    log = base64.b64decode(response.headers.get("x-amz-log-result", ""))
    if json:
        answer = {
            "statusCode": response.status,
            "functionError": error,
            "executedVersion": response.headers.get("x-amz-executed-version"),
            "requestId": response.headers.get("x-amzn-requestid"),
            "payload": client.parse_json(response.body),
            "log": log.decode("utf-8", "replace"),
        }
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    else:
        sys.stdout.buffer.write(response.body + b"\n")
        sys.stdout.buffer.flush()
        sys.stderr.write(log.decode("utf-8", "replace"))
    if error:
        raise CommandError(Exit.FUNCTION_ERROR)
