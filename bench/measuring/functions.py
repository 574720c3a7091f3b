"""The functions that are measured, and how they are packed."""

import io
import json
import zipfile

HANDLER = "def handler(event, context):\n    return event\n"
"""Answers its event."""
TELLING_HANDLER = """import os, time

def handler(event, context):
    time.sleep(event.get("seconds", 0))
    return {"pod": os.uname().nodename, "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]}
"""
"""Tells where it ran, after so many seconds."""
EVENT = json.dumps({"key1": "value1", "key2": "value2", "key3": "value3"})
ROLE = "arn:aws:iam::000000000000:role/bench"


def package(source: str, name: str = "app.py") -> bytes:
    """Zip one executable file."""
    buffer = io.BytesIO()
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o100755 << 16
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, source)
    return buffer.getvalue()
