"""Where conformance cases come from: that a source is a page or a member that there is."""

import functools
import re

import botocore.session
from botocore.model import ServiceModel, StructureShape

_PAGE = re.compile(r"dg/[a-z0-9-]+\.html")
_REFERENCE = re.compile(r"api/API_(?P<topic>\w+)\.html")
_MEMBER = re.compile(r"model:(?P<shape>\w+)(\.(?P<member>\w+))?")
# Pages of the reference that list operations or data types.
_OVERVIEWS = ("Operations", "Types")


def fault(source: str) -> str | None:
    """Say what is wrong with a source; None if nothing is.

    The pages of the developer guide are known by their form alone: botocore has no list of them.
    """
    if _PAGE.fullmatch(source):
        return None
    model = _model()
    if match := _REFERENCE.fullmatch(source):
        topic = match["topic"]
        known = topic in _OVERVIEWS or topic in {*model.operation_names, *model.shape_names}
        return None if known else f"the model has no operation or shape {topic}"
    if match := _MEMBER.fullmatch(source):
        return _fault_of_member(model, match["shape"], match["member"])
    return "it is neither dg/page.html nor api/API_Name.html nor model:Shape.Member"


def _fault_of_member(model: ServiceModel, shape: str, member: str | None) -> str | None:
    if shape not in model.shape_names:
        return f"the model has no shape {shape}"
    if member is None:
        return None
    found = model.shape_for(shape)
    has_it = isinstance(found, StructureShape) and member in found.members
    return None if has_it else f"the shape {shape} has no member {member}"


@functools.cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("lambda")
