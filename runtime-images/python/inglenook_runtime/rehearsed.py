"""The function of the rehearsal: it logs a line and returns its event."""

import logging
from typing import Any


def handler(event: Any, context: Any) -> Any:
    logging.getLogger().warning("%s", context.get_remaining_time_in_millis())
    return event
