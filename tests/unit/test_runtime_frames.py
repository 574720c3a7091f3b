"""Frames survive any cutting of the stream, and any size."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook_runtime import frames, setup


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 700))
def test_frames_come_out_whole_however_the_stream_is_cut(payloads: list[bytes], step: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = b"".join((len(p) + 1).to_bytes(4, "big") + b"E" + p for p in payloads)
        control = frames.Control(ours)
        for start in range(0, len(stream), step):
            theirs.sendall(stream[start : start + step])
        theirs.shutdown(socket.SHUT_WR)
        got = []
        while (frame := control.receive()) is not None:
            got.append((frame[0], bytes(frame[1])))
        assert got == [(frames.EVENT, p) for p in payloads]


@pytest.mark.parametrize("size", [0, 1, 65530, 65531, 65532, 65536, 200_000, 7_000_000])
def test_any_size_passes_in_both_directions(size: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender, receiver = frames.Control(ours), frames.Control(theirs)
        payload = bytes(size)

        def send() -> None:
            sender.send(frames.ANSWER, payload)
            sender.send(frames.READY, b"")

        sending = threading.Thread(target=send)
        sending.start()
        frame = receiver.receive()
        assert frame is not None
        assert (frame[0], bytes(frame[1])) == (frames.ANSWER, payload)
        assert receiver.receive() == (frames.READY, b"")
        sending.join()


def test_a_long_error_type_is_cut_between_characters() -> None:
    payload = frames.failure_payload("é" * 200, b"{}")
    assert payload[0] == 254
    assert payload[1:255].decode() == "é" * 127
    assert payload[255:] == b"{}"


def test_a_setup_may_have_members_of_a_later_protocol() -> None:
    told = setup.Setup.parse({"mode": "exec", "variables": {}, "argv": ["a"], "later": 1})
    assert told.argv == ("a",)
    assert told.join == ()
