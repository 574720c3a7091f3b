"""Every example can be deployed both ways: from its folder, and by its manifest."""

from pathlib import Path

import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_every_folder_has_a_manifest_of_its_name_with_a_function_of_its_name() -> None:
    folders = [each for each in EXAMPLES.iterdir() if (each / "README.md").exists()]
    assert folders
    for folder in folders:
        text = (EXAMPLES / f"{folder.name}.yaml").read_text()
        named = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(text) if one}
        assert ("Function", folder.name) in named


def test_the_custom_runtime_in_the_manifest_is_that_of_the_folder() -> None:
    [manifest] = [
        one for one in yaml.safe_load_all((EXAMPLES / "bootstrap-sh.yaml").read_text()) if one
    ]
    inline = manifest["spec"]["code"]["inline"]["bootstrap"]
    # The folder's has more to say, and checks that the machine has curl.
    script = (EXAMPLES / "bootstrap-sh" / "bootstrap").read_text()
    said = {line.strip() for line in script.replace("\\\n", "").splitlines()}
    for line in inline.splitlines():
        assert " ".join(line.split()) in {" ".join(each.split()) for each in said}, line
