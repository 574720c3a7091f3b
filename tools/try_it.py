"""`./dev try`: one function's way through the platform, shown as a person would go it.

Run by .venv's Python. Starts `inglenook up` in a process of its own, on a free port and with a data
folder that is thrown away, and drives it with boto3 alone, as any AWS program would.
"""

import base64
import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
HELLO = ROOT / "examples" / "hello"
NAME = "hello"
STOP_TIMEOUT_S = 30


@contextlib.contextmanager
def platform(data: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run `inglenook up`, yield it and what it says of itself, and see that it ends well."""
    command = [str(BIN / "inglenook"), "up", "--port", "0", "--data", str(data), "--json"]
    # In a session of its own: Ctrl-C is ours to answer, with an orderly stop.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit(f"the platform did not start (exit code {process.wait()})")
            yield process, json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if code != 0:
            raise SystemExit(f"the platform ended with exit code {code}")


def zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob("*.py")):
            archive.write(path, path.name)
    return buffer.getvalue()


def deploy_and_invoke() -> tuple[str, str]:
    """Create the function, wait until it is active, invoke it; return the answer and the log."""
    client = boto3.client("lambda")
    client.create_function(
        FunctionName=NAME,
        Runtime=f"python{sys.version_info[0]}.{sys.version_info[1]}",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="app.handler",
        Code={"ZipFile": zipped(HELLO)},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=NAME, WaiterConfig={"Delay": 1})
    answer = client.invoke(
        FunctionName=NAME, Payload=(HELLO / "event.json").read_bytes(), LogType="Tail"
    )
    payload = answer["Payload"].read().decode()
    log = base64.b64decode(answer["LogResult"]).decode()
    if "FunctionError" in answer:
        raise SystemExit(f"the function failed: {payload}\n{log}")
    missing = [
        word for word in ("START RequestId", "END RequestId", "REPORT RequestId") if word not in log
    ]
    if missing:
        raise SystemExit(f"the log lacks {missing}:\n{log}")
    return payload, log


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def what_next(up: dict[str, Any]) -> str:
    exports = "".join(f"export {key}={value}\n" for key, value in up["environment"].items())
    aws = BIN / "aws" if (BIN / "aws").exists() else Path(shutil.which("aws") or "aws")
    aws_name = os.path.relpath(aws, ROOT) if aws.is_relative_to(ROOT) else "aws"
    note = "" if aws.exists() else "   # once the aws CLI is installed"
    inglenook = os.path.relpath(BIN / "inglenook", ROOT)
    python = os.path.relpath(BIN / "python", ROOT)
    one_liner = (
        f"import boto3; print(boto3.client('lambda').invoke(FunctionName='{NAME}')"
        "['Payload'].read().decode())"
    )
    return (
        "In another terminal, in this folder, first say where Lambda is:\n\n"
        f"{indented(exports)}\n"
        "then use it, by the aws CLI, by boto3, or by our own command:\n\n"
        + indented(
            f"{aws_name} lambda invoke --function-name {NAME} "
            f"--payload fileb://examples/hello/event.json /dev/stdout{note}\n"
            f"{aws_name} lambda get-function-configuration --function-name {NAME}{note}\n"
            f'{python} -c "{one_liner}"\n'
            f'{inglenook} invoke {NAME} --payload \'{{"name": "you"}}\' --tail\n'
            f"{inglenook} logs {NAME} -f\n"
            f"{inglenook} ls\n"
        )
    )


def main() -> None:
    arguments = sys.argv[1:]
    if set(arguments) - {"--exit"}:
        raise SystemExit("usage: ./dev try [--exit]")
    stays = "--exit" not in arguments and sys.stdin is not None and sys.stdin.isatty()
    with (
        tempfile.TemporaryDirectory(prefix="inglenook-try-") as folder,
        platform(Path(folder) / "data") as (process, up),
    ):
        os.environ.pop("AWS_PROFILE", None)  # the credentials are those that `up` names
        os.environ.update(up["environment"])
        show(f"The Lambda API is at {up['endpoint']}. Deploying examples/hello with boto3 ...\n")
        payload, log = deploy_and_invoke()
        show(f"\nIts answer:\n\n{indented(payload)}\nIts log:\n\n{indented(log)}\n")
        show(what_next(up))
        if stays:
            show("\nCtrl-C stops the platform and throws the function away.\n")
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
    show("\nStopped; nothing is left behind.\n")


if __name__ == "__main__":
    main()
