import sys
import unicodedata
from typing import Any

import pytest
from support import shape_values

from inglenook import errors
from inglenook_gateway.api import parsing, patterns, routes, validation

VALIDATOR = validation.Validator()
NAME_PATTERN = shape_values.service().shape_for("FunctionName").metadata["pattern"]
ROLE = "arn:aws:iam::123456789012:role/r"


def refusal(operation: str, **params: Any) -> errors.ApiError:
    with pytest.raises(errors.ApiError) as caught:
        VALIDATOR.check(shape_values.service().operation_model(operation), params)
    return caught.value


def told(operation: str, **params: Any) -> str:
    error = refusal(operation, **params)
    assert type(error) is errors.ValidationError
    return error.message


def at(value: str, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def test_one_violation_is_told_in_the_singular() -> None:
    assert told("CreateFunction", FunctionName="a b", Role=ROLE, Code={}) == (
        "1 validation error detected: "
        + at(
            "a b", "functionName", f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
        )
    )


def test_missing_members_are_told_together_in_the_plural() -> None:
    assert told("CreateFunction", FunctionName="f") == (
        "2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member "
        "must not be null; Value null at 'code' failed to satisfy constraint: Member must not be "
        "null"
    )


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            {"Timeout": 0},
            at("0", "timeout", "Member must have value greater than or equal to 1"),
        ),
        (
            {"MemorySize": 40_000},
            at("40000", "memorySize", "Member must have value less than or equal to 32768"),
        ),
        (
            {"EphemeralStorage": {"Size": 1}},
            at("1", "ephemeralStorage.size", "Member must have value greater than or equal to 512"),
        ),
        (
            {"EphemeralStorage": {}},
            "Value null at 'ephemeralStorage.size' failed to satisfy constraint: ",
        ),
        (
            {"TracingConfig": {"Mode": "X"}},
            at(
                "X",
                "tracingConfig.mode",
                "Member must satisfy enum value set: [Active, PassThrough]",
            ),
        ),
        (
            {"Environment": {"Variables": {"1x": "secret"}}},
            (
                "Value at 'environment.variables' failed to satisfy constraint: Map keys must "
                "satisfy constraint: [Member must satisfy regular expression pattern: "
                "[a-zA-Z]([a-zA-Z0-9_])+]"
            ),
        ),
        (
            {"FileSystemConfigs": [{"Arn": "", "LocalMountPath": "/mnt/x"}]},
            "Value '' at 'fileSystemConfigs.1.member.arn' failed to satisfy constraint: ",
        ),
        ({"KMSKeyArn": "x"}, "Value 'x' at 'kMSKeyArn' failed to satisfy constraint: "),
    ],
)
def test_a_violation_is_told_as_aws_words_it(members: dict[str, Any], text: str) -> None:
    message = told("UpdateFunctionConfiguration", FunctionName="f", **members)
    assert message.startswith(f"1 validation error detected: {text}")


def test_elements_of_a_list_are_judged_together() -> None:
    params = {"FunctionName": "f", "Architectures": ["x", "arm64"]}
    assert told("UpdateFunctionCode", **params) == (
        "2 validation errors detected: "
        + at("[x, arm64]", "architectures", "Member must have length less than or equal to 1")
        + "; "
        + at(
            "[x, arm64]",
            "architectures",
            "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], "
            "Member must not be null]",
        )
    )


def test_keys_and_values_of_a_map_are_judged_together() -> None:
    weights = {"AdditionalVersionWeights": {"x": 1.5, "2": 2.0}}
    params = {"FunctionName": "f", "Name": "a", "RoutingConfig": weights}
    path = "routingConfig.additionalVersionWeights"
    assert told("UpdateAlias", **params) == (
        "2 validation errors detected: "
        + at(
            "{x=1.5, 2=2.0}",
            path,
            "Map keys must satisfy constraint: [Member must have length less than or equal to "
            "1024, Member must have length greater than or equal to 1, Member must satisfy regular "
            "expression pattern: [0-9]+, Member must not be null]",
        )
        + "; "
        + at(
            "{x=1.5, 2=2.0}",
            path,
            "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
            "Member must have value greater than or equal to 0.0, Member must not be null]",
        )
    )


def test_null_elements_are_violations() -> None:
    assert "Member must not be null]" in told(
        "UpdateFunctionConfiguration", FunctionName="f", Layers=["a", None]
    )
    message = told("UpdateFunctionConfiguration", FunctionName="f", FileSystemConfigs=[None])
    assert message == (
        "1 validation error detected: Value null at 'fileSystemConfigs.1.member' failed to satisfy "
        "constraint: Member must not be null"
    )


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionConfiguration"])
def test_an_unknown_runtime_is_an_invalid_parameter(operation: str) -> None:
    error = refusal(operation, FunctionName="f", Role=ROLE, Code={}, Runtime="cobol")
    assert type(error) is errors.InvalidParameterValueError
    assert error.message.startswith(
        "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
        "set: [nodejs, "
    )


def test_an_ordinary_violation_comes_before_an_unknown_runtime() -> None:
    assert "1 validation error detected: Value null at 'role'" in told(
        "CreateFunction", FunctionName="f", Code={}, Runtime="cobol"
    )


def test_an_over_long_name_at_invoke_is_an_invalid_parameter() -> None:
    error = refusal("Invoke", FunctionName="f" * 300)
    assert type(error) is errors.InvalidParameterValueError
    assert error.message.startswith("1 validation error detected: Value 'fff")
    assert "'functionName' failed to satisfy constraint: Member must have length" in error.message
    assert type(refusal("Invoke", FunctionName="f/")) is errors.ValidationError


@pytest.mark.parametrize(
    "name",
    [
        "f",
        "f:1",
        "f:$LATEST",
        "f:live",
        "123456789012:f",
        "123456789012:function:f",
        "function:f",
        "us-east-1:123456789012:function:f:3",
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:$LATEST",
    ],
)
def test_a_function_may_be_named_in_every_form(name: str) -> None:
    operation = shape_values.service().operation_model("GetFunction")
    VALIDATOR.check(operation, {"FunctionName": name})


@pytest.mark.parametrize("name", ["f\n", "f ", "f/g", "ü", "f:", "f:a:b", "f\x00", "٣"])
def test_a_pattern_must_match_all_of_a_name_and_in_ascii(name: str) -> None:
    assert "regular expression" in told(
        "CreateAlias", FunctionName=name, Name="a", FunctionVersion="1"
    )


@pytest.mark.parametrize(("name", "params"), shape_values.examples())
def test_the_examples_of_aws_are_valid(name: str, params: dict[str, Any]) -> None:
    operation = shape_values.service().operation_model(name)
    request = shape_values.request(operation, params)
    match = routes.Router(shape_values.service()).match(
        request.method, request.url.split("3001", 1)[1].partition("?")[0], []
    )
    labels = dict(zip(match.label_names, match.labels, strict=True))
    query = routes.split_query(request.url.partition("?")[2])
    body = request.body or b""
    found = parsing.parse(operation, labels, query, request.headers, body)
    if len(found.get("UUID", "x" * 36)) < 36:
        # Some examples are older than the constraint on the ids of mappings.
        found["UUID"] = "0" * 36
    VALIDATOR.check(operation, found)


def all_patterns() -> set[str]:
    service = shape_values.service()
    shapes = [service.shape_for(name) for name in service.shape_names]
    return {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}


@pytest.mark.parametrize("pattern", sorted(all_patterns()))
def test_every_pattern_of_the_model_compiles(pattern: str) -> None:
    patterns.translate(pattern)
    if r"\p{" in pattern:
        assert all(part in pattern for part in (r"\p{L}", r"\p{N}", "_"))


def test_the_categories_of_a_pattern_hold_for_every_character() -> None:
    compiled = patterns.translate(r"[\p{L}\p{Z}\p{N}_]")
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        wanted = unicodedata.category(character)[0] in "LZN" or character == "_"
        assert (compiled.fullmatch(character) is not None) == wanted, hex(code)


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="no such category"):
        patterns.translate(r"\p{IsHangul}")


def test_a_dot_stops_at_the_line_ends_of_java() -> None:
    compiled = patterns.translate(r".*[.]")
    assert compiled.fullmatch("a b.")
    for end in "\n\r\u0085\u2028\u2029":
        assert not compiled.fullmatch(f"a{end}.")


def test_everything_generated_is_judged_without_failing() -> None:
    for name in shape_values.operations():
        operation = shape_values.service().operation_model(name)
        if operation.input_shape is not None:
            params = shape_values.full(operation.input_shape)
            try:
                VALIDATOR.check(operation, params)
            except (errors.ValidationError, errors.InvalidParameterValueError):
                continue
