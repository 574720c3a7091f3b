"""What is known of a container image from its name alone."""

import hashlib

import pytest

from inglenook.model import images
from inglenook_cluster import labels

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "uri",
    [
        "inglenook/example-image:dev",
        "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:latest",
        "localhost:5000/team/app",
        f"registry.example/app@sha256:{DIGEST}",
        f"registry.example/app:1.2@sha256:{DIGEST}",
        "[fd00::1]:5000/app:x",
        "a__b/c--d",
    ],
)
def test_what_can_name_an_image_does(uri: str) -> None:
    assert images.is_reference(uri)


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "",
            "App:1 ",
            "https://registry.example/app",
            "app:",
            "app@sha256:12",
            "../app",
            "a/../b",
        ),
        *("Team/App:latest", "app:1\n", "app;rm", "app:" + "x" * 129),
    ],
)
def test_what_cannot_name_an_image_does_not(uri: str) -> None:
    assert not images.is_reference(uri)


def test_an_image_stands_for_its_digest_if_it_has_one() -> None:
    assert images.sha256(f"app@sha256:{DIGEST}") == DIGEST
    assert images.sha256("app:1") == hashlib.sha256(b"app:1").hexdigest()


def test_each_image_has_a_runtime_of_its_own_that_can_be_a_label() -> None:
    names = {images.runtime_name(uri) for uri in ("app:1", "app:2", f"app@sha256:{DIGEST}")}
    assert len(names) == 3
    assert images.runtime_name("app:1") in names
    for name in names:
        assert labels.value(name) == name
        assert labels.parts(labels.pool(name, "gvisor")) == (name, "gvisor")
