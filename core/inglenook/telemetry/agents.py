"""What an agent has started and run: the metrics of one pod."""

from collections.abc import Iterator

from inglenook.telemetry import metrics
from inglenook.telemetry.tally import Sample, Tally
from inglenook.wire import messages

_MIB = 1024 * 1024


class AgentFigures:
    """Told of every answer of an agent that says how a start or an invocation went."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._max_memory_mb = 0
        tally.source(self._samples)

    def answered(self, header: messages.Header) -> None:
        """Count an answer, if it is such a one."""
        match header:
            case messages.Started():
                result = "ok" if header.init_ok else "error"
                self._tally.observe(metrics.AGENT_INIT, header.init_ms / 1000.0, (result,))
            case messages.Result():
                result = "ok" if header.error is None else "error"
                self._tally.count(metrics.AGENT_INVOCATIONS, (result,))
                self._tally.count(metrics.AGENT_BILLED, by=header.billed_ms / 1000.0)
                self._max_memory_mb = max(self._max_memory_mb, header.max_memory_mb)
            case _:
                pass

    def _samples(self) -> Iterator[Sample]:
        yield metrics.AGENT_MAX_MEMORY, (), self._max_memory_mb * _MIB
