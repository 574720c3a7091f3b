"""Functions whose code is a container image: what their requests may say, and how they are shown.

Pure. A function is of one package type for all its life: zips and images are told apart by the
document's `image`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function, images

_IMAGE = "Image"
_ZIP_MEMBERS = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")
_NOT_FOR_IMAGES = ("Handler", "Runtime", "Layers")


def package_type(spec: function.Spec) -> str:
    """Return the API member `PackageType`."""
    return "Zip" if spec.image is None else _IMAGE


def asked(params: Mapping[str, Any], *, are_run: bool) -> function.Image | None:
    """Return the image that a CreateFunction asks for; None: it asks for a zip.

    Raises InvalidParameterValueError for members that do not go together, and, unless images
    `are_run` here, for every image.
    """
    code = params.get("Code") or {}
    if params.get("PackageType") != _IMAGE:
        if code.get("ImageUri"):
            raise errors.InvalidParameterValueError(
                "Please don't provide ImageUri when creating a function with packageType Zip."
            )
        _check_no_config(params)
        return None
    if not are_run:
        raise errors.InvalidParameterValueError(
            "PackageType Image needs Inglenook on Kubernetes: this one runs functions on one "
            "machine, from zips alone."
        )
    _check_members(params)
    if not code.get("ImageUri"):
        raise errors.InvalidParameterValueError(
            "Please provide ImageUri when creating a function with packageType Image."
        )
    _check_no_zip(code)
    image = function.Image(uri=_checked(code["ImageUri"]))
    return configured(image, params)


def replaced(spec: function.Spec, params: Mapping[str, Any]) -> function.Image | None:
    """Return the image that an UpdateFunctionCode gives a function; None: it is of zips.

    Raises InvalidParameterValueError for code of the other package type.
    """
    uri = params.get("ImageUri")
    if spec.image is None:
        if uri:
            raise errors.InvalidParameterValueError(
                "Please don't provide ImageUri when updating a function with packageType Zip."
            )
        return None
    if not uri:
        raise errors.InvalidParameterValueError(
            "Please provide ImageUri when updating a function with packageType Image."
        )
    _check_no_zip(params)
    return msgspec.structs.replace(spec.image, uri=_checked(uri))


def reconfigured(spec: function.Spec, params: Mapping[str, Any]) -> function.Spec:
    """Return `spec` with the `ImageConfig` that an UpdateFunctionConfiguration gives, if any.

    Raises InvalidParameterValueError for members that the package type does not go with.
    """
    if spec.image is None:
        _check_no_config(params)
        return spec
    _check_members(params)
    return msgspec.structs.replace(spec, image=configured(spec.image, params))


def configured(image: function.Image, params: Mapping[str, Any]) -> function.Image:
    """Return an image with the `ImageConfig` of a request, which stands for all of the old one."""
    config = params.get("ImageConfig")
    if config is None:
        return image
    return msgspec.structs.replace(
        image,
        entry_point=tuple(config.get("EntryPoint") or ()) or None,
        command=tuple(config.get("Command") or ()) or None,
        working_directory=config.get("WorkingDirectory") or None,
    )


def code(image: function.Image) -> function.Code:
    """Return what stands for an image where a zip has its digest and its size."""
    return function.Code(sha256=images.sha256(image.uri), size_bytes=0)


def shown(spec: function.Spec) -> dict[str, Any]:
    """Return the members of a configuration that are about what the code is."""
    if spec.image is None:
        return {"Runtime": spec.runtime, "Handler": spec.handler, "PackageType": package_type(spec)}
    members: dict[str, Any] = {"PackageType": package_type(spec)}
    if spec.image.has_config:
        given = {
            "EntryPoint": spec.image.entry_point,
            "Command": spec.image.command,
            "WorkingDirectory": spec.image.working_directory,
        }
        config = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if value is not None
        }
        members["ImageConfigResponse"] = {"ImageConfig": config}
    return members


def location(image: function.Image) -> dict[str, Any]:
    """Return GetFunction's `Code`. A tag is not resolved: nobody here asks the registry."""
    return {"RepositoryType": "ECR", "ImageUri": image.uri, "ResolvedImageUri": image.uri}


def _check_members(params: Mapping[str, Any]) -> None:
    if any(params.get(member) for member in _NOT_FOR_IMAGES):
        raise errors.InvalidParameterValueError(
            "Please don't provide Handler or Runtime or Layer when the intended function "
            "PackageType is Image."
        )


def _check_no_config(params: Mapping[str, Any]) -> None:
    if any((params.get("ImageConfig") or {}).values()):
        raise errors.InvalidParameterValueError(
            "Please don't provide ImageConfig when the intended function PackageType is Zip."
        )


def _check_no_zip(code: Mapping[str, Any]) -> None:
    if any(code.get(member) for member in _ZIP_MEMBERS):
        raise errors.InvalidParameterValueError(
            "Please do not provide other FunctionCode parameters when providing an ImageUri."
        )


def _checked(uri: str) -> str:
    if not images.is_reference(uri):
        raise errors.InvalidParameterValueError(
            f"Source image {uri} is not valid. Provide a valid source image."
        )
    return uri
