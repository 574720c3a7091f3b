import pytest
from support import shape_values

from inglenook import errors
from inglenook_gateway.api import routes

ROUTER = routes.Router(shape_values.service())


@pytest.mark.parametrize(
    ("method", "path", "operation", "labels"),
    [
        ("GET", "/2015-03-31/functions", "ListFunctions", []),
        ("GET", "/2015-03-31/functions/", "ListFunctions", []),
        ("POST", "/2015-03-31/functions/", "CreateFunction", []),
        ("GET", "/2015-03-31/functions/f", "GetFunction", ["f"]),
        ("GET", "/2015-03-31/functions/f/", "GetFunction", ["f"]),
        ("GET", "/2015-03-31/functions/1:function:f", "GetFunction", ["1:function:f"]),
        ("GET", "/2015-03-31/functions/1%3Afunction%3af", "GetFunction", ["1:function:f"]),
        ("GET", "/2015-03-31/functions/a%2Fb", "GetFunction", ["a/b"]),
        ("GET", "/2015-03-31/functions/a+b%2B", "GetFunction", ["a+b+"]),
        ("GET", "/2015-03-31/functions/versions/versions", "ListVersionsByFunction", ["versions"]),
        ("GET", "/2015-03-31/functions/f/aliases/%C3%BC", "GetAlias", ["f", "ü"]),
    ],
)
def test_a_path_leads_to_its_operation(
    method: str, path: str, operation: str, labels: list[str]
) -> None:
    match = ROUTER.match(method, path, [])
    assert (match.operation, match.labels) == (operation, labels)


def test_a_constant_in_the_query_tells_operations_apart() -> None:
    path = "/2018-10-31/layers"
    assert ROUTER.match("GET", path, []).operation == "ListLayers"
    assert ROUTER.match("GET", path, [("find", "x")]).operation == "ListLayers"
    found = ROUTER.match("GET", path, [("Arn", "x"), ("find", "LayerVersion")])
    assert found.operation == "GetLayerVersionByArn"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/2015-03-31"),
        ("GET", "/2015-03-31/functions//"),
        ("GET", "/2015-03-31/functions//versions"),
        ("GET", "//2015-03-31/functions"),
        ("GET", "/2015-03-31/functions/f/nonsense"),
        ("PATCH", "/2015-03-31/functions"),
        ("HEAD", "/2015-03-31/functions/f"),
        ("OPTIONS", "/2015-03-31/functions/f"),
    ],
)
def test_an_unknown_path_or_method_is_refused(method: str, path: str) -> None:
    with pytest.raises(errors.UnknownRouteError) as refused:
        ROUTER.match(method, path, [])
    # No full stop, as AWS has it.
    told = "Unable to determine service/operation name to be authorized"
    assert refused.value.message == told


@pytest.mark.parametrize("label", ["%", "%2", "%zz", "a%C3", "%ff", "\udcff"])
def test_a_label_that_does_not_decode_is_refused(label: str) -> None:
    with pytest.raises(errors.SerializationError):
        ROUTER.match("GET", f"/2015-03-31/functions/{label}", [])


def test_a_query_is_split_in_order() -> None:
    pairs = routes.split_query("a=1&b=x+y%2B&&a=2&c&d==")
    assert pairs == [("a", "1"), ("b", "x y+"), ("a", "2"), ("c", ""), ("d", "=")]


@pytest.mark.parametrize("query", ["a=%", "%zz=1", "a=%ff"])
def test_a_query_that_does_not_decode_is_refused(query: str) -> None:
    with pytest.raises(errors.SerializationError):
        routes.split_query(query)
