"""Frameworks behind function URLs, unmodified."""

from typing import TYPE_CHECKING
from urllib import parse

import pytest
from platform_process import create, installed_package
from support import url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/urls-invocation.html")

APP = """
import fastapi
import mangum
from fastapi import responses

app = fastapi.FastAPI()

@app.get("/items/{item}")
def read(item: str, request: fastapi.Request, tag: list[str] = fastapi.Query(default=[])):
    return {
        "item": item,
        "tag": tag,
        "cookie": request.cookies.get("a"),
        "url": str(request.url_for("read", item="next")),
        "client": request.client.host,
    }

@app.post("/reversed")
def reverse(body: bytes = fastapi.Body()):
    response = responses.Response(body[::-1], status_code=202, media_type="image/png")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response

handler = mangum.Mangum(app, lifespan="off")
"""


def test_a_fastapi_application_behind_mangum_answers(client: "LambdaClient", name: str) -> None:
    code = installed_package("fastapi", "mangum", files={"app.py": APP})
    create(client, name, code, MemorySize=512, Timeout=30)
    url = url_calls.publish(client, name)
    read = url_calls.call(url, "/items/a%20b?tag=x&tag=y%2Fz", headers=[("Cookie", "a=1")])
    assert read.status == 200
    answer = read.json()
    assert (answer["item"], answer["tag"], answer["cookie"]) == ("a b", ["x", "y/z"], "1")
    # What an application says of itself leads back to it.
    assert answer["url"] == parse.urljoin(url, "/items/next")
    assert answer["client"]
    posted = url_calls.call(
        url, "/reversed", method="POST", body=b"\x00\xff1",
        headers=[("Content-Type", "application/octet-stream")],
    )  # fmt: skip
    assert (posted.status, posted.body) == (202, b"1\xff\x00")
    assert posted.header("content-type") == "image/png"
    assert [cookie.partition(";")[0] for cookie in posted.all("set-cookie")] == ["a=1", "b=2"]
    missing = url_calls.call(url, "/nothing")
    assert (missing.status, missing.json()) == (404, {"detail": "Not Found"})
