"""From a handler's name to the function."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from inglenook_runtime import faults

Handler = Callable[[Any, Any], Any]


def find(name: str) -> Handler:
    """Import the module and return its handler.

    `package/module.handler` and `package.module.handler` are the same. Raises `FaultError` for what
    AWS has an error type for; whatever else the module raises passes as it is.
    """
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        raise faults.FaultError(
            faults.MALFORMED_HANDLER_NAME,
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
        )
    if module_name.partition(".")[0] in sys.builtin_module_names:
        raise faults.FaultError(
            faults.BUILT_IN_MODULE_CONFLICT,
            f"Cannot use built-in module {module_name} as a handler module",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise faults.FaultError(
            faults.IMPORT_MODULE_ERROR, f"Unable to import module '{module_name}': {error}"
        ) from None
    except SyntaxError as error:
        raise faults.FaultError(
            faults.USER_CODE_SYNTAX_ERROR,
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from None
    try:
        handler: Handler = getattr(module, attribute)
    except AttributeError:
        raise faults.FaultError(
            faults.HANDLER_NOT_FOUND, f"Handler '{attribute}' missing on module '{module_name}'"
        ) from None
    return handler
