"""Both ends of a connection prove that they have the same secret before anything else is said."""

import asyncio

import pytest

from inglenook.wire import connection, messages, proof

SECRET = b"secret"


class Heard:
    """A receiver that keeps what it hears."""

    def __init__(self) -> None:
        self.headers: list[messages.Header] = []
        self.is_closed = asyncio.Event()

    def received(self, stream: int, header: messages.Header, body: connection.Body) -> None:
        self.headers.append(header)

    def closed(self, reason: str) -> None:
        self.is_closed.set()


def test_a_proof_is_for_one_nonce_and_one_name() -> None:
    one, other = proof.nonce(), proof.nonce()
    assert one != other
    said = proof.prove(SECRET, one, "gateway-1")
    assert proof.is_proof(said, SECRET, one, "gateway-1")
    assert not proof.is_proof(said, SECRET, other, "gateway-1")
    assert not proof.is_proof(said, SECRET, one, "gateway-2")
    assert not proof.is_proof(said, b"other", one, "gateway-1")


async def test_who_proves_itself_is_admitted_with_what_it_says_at_once() -> None:
    ours, theirs = connection.memory_pair()
    heard, names = Heard(), []

    def admitted(name: str) -> Heard:
        names.append(name)
        ours.send(0, messages.Welcome(agent="a"))
        return heard

    ours.open(proof.Gate(ours, SECRET, admitted))
    await proof.greet(theirs, SECRET, "gateway-1")
    client = Heard()
    theirs.open(client)
    theirs.send(1, messages.Drain())
    assert names == ["gateway-1"]
    assert heard.headers == [messages.Drain()]
    theirs.close()
    await heard.is_closed.wait()


@pytest.mark.parametrize("first", [messages.Hello(name="x", proof=b""), messages.Drain()])
async def test_who_proves_nothing_is_closed_without_a_word(first: messages.Header) -> None:
    ours, theirs = connection.memory_pair()
    ours.open(proof.Gate(ours, SECRET, lambda _: pytest.fail("it was admitted")))
    client = Heard()
    theirs.send(0, first)
    theirs.send(0, messages.Drain())
    theirs.open(client)
    await client.is_closed.wait()
    assert [type(each) for each in client.headers] == [messages.Challenge]


async def test_a_listener_that_does_not_challenge_is_not_greeted() -> None:
    ours, theirs = connection.memory_pair()
    ours.send(0, messages.Welcome(agent="a"))
    with pytest.raises(proof.NotGreetedError):
        await proof.greet(theirs, SECRET, "gateway-1")
    ours.close()
    with pytest.raises(proof.NotGreetedError):
        await proof.greet(theirs, SECRET, "gateway-1")
