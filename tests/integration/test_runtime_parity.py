"""A function cannot tell our client from AWS's: the same handlers under both, compared."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from integration import runtime_driver, runtime_reference

REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
CLIENT_CONTEXT = json.dumps(
    {
        "client": {"installation_id": "i", "app_title": "t", "app_version_code": "7"},
        "custom": {"k": "v"},
        "env": {"locale": "de"},
        "w3c": {"traceparent": "00-1", "tracestate": 5, "other": "x"},
    }
)


@dataclass(frozen=True)
class Case:
    """One function and one event."""

    name: str
    source: str
    event: bytes = b'{"key": "value"}'
    handler: str = "app.handler"
    file: str = "app.py"
    variables: dict[str, str] = field(default_factory=dict)
    client_context: str | None = None
    cognito_identity: str | None = None


DUMP = "def handler(event, context):\n    return "
CASES = [
    Case("an answer", DUMP + "{'got': event, 'list': [1, 2.5, None, True], 'nested': {'a': []}}"),
    Case("no answer", "def handler(event, context):\n    pass\n"),
    Case("text", DUMP + "'text'"),
    Case("unicode, escaped", DUMP + "event", event='{"é": "日本\u2028😀\\u0000"}'.encode()),
    Case(
        "unicode, as it is",
        DUMP + "event",
        event='{"é": "日本\u2028😀\\u0000"}'.encode(),
        variables={"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"},
    ),
    Case("white space around the event", DUMP + "event", event=b' \n {"a": 1} \n'),
    Case("a byte order mark", DUMP + "event", event=b"\xef\xbb\xbf[1]"),
    Case("an empty event", DUMP + "event", event=b""),
    Case("an event cut off", DUMP + "event", event=b'"abc'),
    Case("an event that is not UTF-8", DUMP + "event", event=b'"\xff"'),
    Case("NaN in the event", DUMP + "event", event=b"NaN"),
    Case("numbers", DUMP + "event", event=b"[1e400, -0.0, 123456789012345678901234567890, 1E5]"),
    Case("NaN and infinity", DUMP + "[float('nan'), float('inf'), -float('inf')]"),
    Case(
        "decimals",
        "from decimal import Decimal as D\n"
        + DUMP
        + "{'d': [D('1.50'), D('NaN'), D('1E+3'), 'é']}",
    ),
    Case(
        "named tuples, bytes and enums",
        "import collections, enum\nP = collections.namedtuple('P', 'x y')\n"
        "class E(enum.IntEnum):\n    A = 1\n"
        "class S(str, enum.Enum):\n    A = 'a'\n" + DUMP + "[P(1, b'b'), (1,), E.A, S.A,"
        " {b'k': P((), {}), 1: 1, None: 2, 1.5: S.A}, collections.OrderedDict(a=1)]",
    ),
    Case("bytes are passed on", DUMP + "b'raw bytes'"),
    Case("a set", DUMP + "{1}"),
    Case("a generator", DUMP + "(x for x in [])"),
    Case("a strange key", DUMP + "{(1, 2): 1}"),
    Case("a circle", "x = {}\nx['x'] = [x]\n" + DUMP + "x"),
    Case("an error", "def handler(event, context):\n    raise ValueError('bad: é\\n line')\n"),
    Case(
        "a nested error",
        "class Wrong(Exception):\n    pass\n\ndef deep(n):\n    if n:\n        return deep(n - 1)\n"
        "    {}['k']\n\ndef handler(event, context):\n    try:\n        deep(3)\n"
        "    except KeyError as error:\n        raise Wrong() from error\n",
    ),
    Case("a module that is absent", "import nowhere\n" + DUMP + "1"),
    Case("a handler's module that is absent", DUMP + "1", handler="other.handler"),
    Case("a syntax error", "def handler(event, context)\n    return 1\n"),
    Case("a handler that is absent", DUMP + "1", handler="app.absent"),
    Case("a malformed name", DUMP + "1", handler="handler"),
    Case("a built-in module", DUMP + "1", handler="sys.exit"),
    Case("an error at import", "def f():\n    return 1 / 0\n\nf()\n"),
    Case("a slash in the name", DUMP + "__name__", handler="pkg/mod.handler", file="pkg/mod.py"),
    Case("a dot in the name", DUMP + "__name__", handler="pkg.mod.handler", file="pkg/mod.py"),
    Case("exit in the handler", "import sys\ndef handler(event, context):\n    sys.exit(3)\n"),
    Case("exit with a text", "def handler(event, context):\n    exit('enough')\n"),
    Case("exit at import", "import atexit, sys\natexit.register(print, 'bye')\nsys.exit(4)\n"),
    Case(
        "os._exit",
        "import os\ndef handler(event, context):\n    print(1, end='')\n    os._exit(5)\n",
    ),
    Case(
        "printing",
        "import os, sys, subprocess\ndef handler(event, context):\n    print('one', 2, end='')\n"
        "    os.write(1, b'raw ')\n    subprocess.run(['echo', 'sub'])\n"
        "    sys.stdout.buffer.write(b'bytes\\n')\n    sys.stdout.buffer.flush()\n"
        "    print('to stderr', file=sys.stderr)\n    sys.stdout.writelines(['é', '\\n'])\n",
    ),
    Case(
        "logging",
        "import logging\nlogging.warning('at import')\ndef handler(event, context):\n"
        "    logging.info('unseen')\n    log = logging.getLogger('mine')\n"
        "    log.setLevel('INFO')\n"
        "    log.info('seen %s', 'é')\n    log.error('two\\nlines')\n    context.log('as it is')\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError:\n        log.exception('oh')\n",
    ),
    Case(
        "logging at a level",
        "import logging\ndef handler(event, context):\n    logging.debug('seen')\n",
        variables={"AWS_LAMBDA_LOG_LEVEL": "debug"},
    ),
    Case(
        "logging as JSON",
        "import logging\ndef handler(event, context):\n    log = logging.getLogger('mine')\n"
        "    log.warning({'a': {1}}, extra={'more': 'é', 'level': 'x'})\n"
        "    log.warning('%s é', 'text')\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError:\n        log.exception('oh')\n"
        "    raise KeyError('k')\n",
        variables={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"},
    ),
    Case(
        "an init error as JSON",
        "1 / 0",
        variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"},
    ),
    Case(
        "the context",
        "import os\ndef handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n    assert 0 < left <= 3000\n"
        "    print(repr(context))\n"
        "    return [sorted(k for k in vars(context) if k[0] != '_'), repr(context.identity),\n"
        "        context.invoked_function_arn, context.client_context, context.w3c(),\n"
        "        os.environ['_X_AMZN_TRACE_ID'], context.tenant_id]\n",
    ),
    Case(
        "client context and identity",
        "def handler(event, context):\n    c = context.client_context\n    print(c)\n"
        "    return [c.custom, c.env, c.client.installation_id, c.client.app_package_name,\n"
        "        context.identity.cognito_identity_id, context.w3c(), repr(context)]\n",
        client_context=CLIENT_CONTEXT,
        cognito_identity='{"cognitoIdentityId": "a", "cognitoIdentityPoolId": "b"}',
    ),
    Case("a client context that is no JSON", DUMP + "1", client_context="{"),
]


@pytest.fixture(scope="module")
def spawner() -> Iterator[runtime_driver.Spawner]:
    with runtime_driver.spawner() as running:
        yield running


def _ours(
    spawner: runtime_driver.Spawner, folder: Path, case: Case, variables: dict[str, str]
) -> runtime_reference.Seen:
    child = spawner.fork()
    seen = runtime_reference.Seen()
    kind, payload = child.set_up(
        task_dir=str(folder), sandbox=False, handler=case.handler, variables=variables
    )
    if kind == "R":
        kind, payload = child.invoke(
            case.event,
            id=REQUEST_ID,
            client_context=case.client_context,
            cognito_identity=case.cognito_identity,
        )
    if kind in ("F", "I"):
        told_type, _ = runtime_driver.failure(payload)
        payload = payload[1 + payload[0] :]
        assert told_type == json.loads(payload)["errorType"]
    if kind in ("I", ""):
        seen.status = child.ended()[0]
    output = child.printed()
    seen.kind = kind
    seen.payload = runtime_reference.normalised(payload.decode(), folder)
    seen.printed = runtime_reference.normalised(output.plain.decode(), folder)
    seen.records = [runtime_reference.normalised(text, folder) for text in output.records]
    return seen


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_answers_logs_and_exits_equal_those_of_awslambdaric(
    case: Case, spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    file = tmp_path / case.file
    file.parent.mkdir(exist_ok=True)
    file.write_text(case.source)
    variables = {**runtime_driver.VARIABLES, **case.variables}
    del variables["PYTHONPATH"]
    extra = {
        name: value
        for name, value in (
            ("Lambda-Runtime-Client-Context", case.client_context),
            ("Lambda-Runtime-Cognito-Identity", case.cognito_identity),
        )
        if value is not None
    }
    reference = runtime_reference.run(
        tmp_path,
        handler=case.handler,
        event=case.event,
        request_id=REQUEST_ID,
        variables=variables,
        extra=extra,
    )
    ours = _ours(spawner, tmp_path, case, variables)
    assert ours == reference


def test_a_coroutine_is_refused_in_the_same_words(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    # The warning about it comes from the garbage collector, with the client's own line in it.
    (tmp_path / "app.py").write_text("async def handler(event, context):\n    return 1\n")
    child = spawner.fork()
    child.set_up(task_dir=str(tmp_path))
    kind, payload = child.invoke()
    assert (kind, runtime_driver.failure(payload)[1]["errorMessage"]) == (
        "F",
        "Unable to marshal response: Object of type coroutine is not JSON serializable",
    )
    assert re.search("coroutine 'handler' was never awaited", child.printed().plain.decode())
