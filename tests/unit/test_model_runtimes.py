import re

import pytest

from inglenook import errors
from inglenook.model import runtimes
from inglenook_gateway.api import service_model


def test_every_identifier_is_one_of_the_service_model() -> None:
    modelled = service_model.load().shape_for("Runtime").enum
    assert set(runtimes.IDENTIFIERS) <= set(modelled)
    assert set(runtimes.IDENTIFIERS) >= runtimes.DEPRECATED


def test_a_deprecated_runtime_is_taken_unless_strict() -> None:
    runtimes.check("python3.7")
    with pytest.raises(errors.InvalidParameterValueError, match=r"parameter of python3\.7 is no"):
        runtimes.check("python3.7", strict=True)
    runtimes.check("python3.13", strict=True)


def test_an_unknown_runtime_is_refused_with_the_set_of_the_known() -> None:
    with pytest.raises(errors.InvalidParameterValueError) as caught:
        runtimes.check("cobol85")
    assert caught.value.message.startswith(
        "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
        "set: [nodejs, "
    )


@pytest.mark.parametrize("runtime", runtimes.IDENTIFIERS)
def test_every_runtime_has_a_family_and_a_version_arn(runtime: str) -> None:
    assert runtime.startswith(runtimes.family(runtime).value)
    shape = service_model.load().shape_for("RuntimeVersionArn")
    assert re.fullmatch(shape.metadata["pattern"], runtimes.version_arn(runtime, "us-east-1"))


def test_pythons_have_versions_and_others_have_none() -> None:
    assert runtimes.python_version("python3.12") == (3, 12)
    assert runtimes.python_version("provided.al2023") is None
    assert runtimes.needs_handler("python3.12")
    assert not runtimes.needs_handler("provided.al2023")
