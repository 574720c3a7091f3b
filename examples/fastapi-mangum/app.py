"""A FastAPI application behind Mangum: the handler is the published package's, unchanged."""

from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()


@app.get("/hello/{name}")
def hello(name: str, excited: bool = False) -> dict[str, str]:
    return {"message": f"Hello, {name}{'!' if excited else '.'}"}


handler = Mangum(app, lifespan="off")
