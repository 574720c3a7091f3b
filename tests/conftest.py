"""Options of the whole suite."""

import hypothesis
import pytest

# How long an example takes says something about the machine, never about what is tested.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "what tests/conformance is pointed at")
    group.addoption(
        "--endpoint",
        help="run tests/conformance against this Lambda endpoint, or AWS's own with `aws`, instead "
        "of a platform of its own; credentials and region are found as boto3 finds them",
    )
    group.addoption(
        "--role",
        default="arn:aws:iam::000000000000:role/lambda",
        help="the execution role that functions are created with",
    )
    group.addoption(
        "--runtime",
        help="the runtime of functions in Python (default: that of the Python that runs the tests)",
    )
    models = parser.getgroup("models", "tests that compare with a model")
    models.addoption(
        "--model-minutes",
        type=float,
        default=0.0,
        help="for how long to compare the operations with their model (default: one short run)",
    )
