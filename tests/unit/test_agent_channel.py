"""Frames of a child's control socket, however they are cut."""

from hypothesis import example, given
from hypothesis import strategies as st

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook_agent.supervisor import channel

_LARGE = 200_000


class Heard:
    """Keeps what is heard."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes | None]] = []

    def frame(self, kind: int, payload: Body | None) -> None:
        self.frames.append((kind, None if payload is None else bytes(payload)))

    def lost(self) -> None:
        raise AssertionError("nothing is lost here")


def heard(data: bytes, cuts: list[int]) -> list[tuple[int, bytes | None]]:
    """Return what is heard of a stream that arrives in pieces."""
    found = Heard()
    one = channel.Channel()
    one.listener = found
    begin = 0
    for end in (*sorted(cut % (len(data) + 1) for cut in cuts), len(data)):
        if end > begin:
            one.data_received(data[begin:end])
            begin = end
    return found.frames


@given(
    st.lists(
        st.tuples(
            st.integers(0, 255),
            st.sampled_from([0, 1, 5, 100, 131_071, 131_072, 131_073, _LARGE]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.integers(0, 1_000_005), max_size=8),
)
@example([(65, _LARGE), (66, 3), (67, _LARGE)], [4, 6, _LARGE + 5])
@example([(65, _LARGE), (66, _LARGE)], [100, _LARGE + 100])
def test_frames_are_heard_as_they_were_sent(sizes: list[tuple[int, int]], cuts: list[int]) -> None:
    frames = [(kind, bytes((number + 1,)) * size) for number, (kind, size) in enumerate(sizes)]
    data = b"".join(
        (1 + len(payload)).to_bytes(4, "big") + bytes((kind,)) + payload for kind, payload in frames
    )
    assert heard(data, cuts) == frames


def test_a_frame_over_the_limit_is_dropped_and_the_next_ones_are_heard() -> None:
    size = limits.RESPONSE_BYTES_MAX + 2048
    data = (1 + size).to_bytes(4, "big") + b"A" + bytes(size)
    data += (1 + _LARGE).to_bytes(4, "big") + b"B" + b"2" * _LARGE
    frames = [(ord("A"), None), (ord("B"), b"2" * _LARGE)]
    assert heard(data, [10, 70_000, size + 5, size + 11]) == frames
