"""What gateways say to one another only: who is there, and who has how much of what they share.

Part of `messages.Header` as everything else that crosses a connection.
"""

import msgspec


class Roster(msgspec.Struct, frozen=True, kw_only=True, tag="roster"):
    """The gateways that share the functions, as one of them sees it: names and addresses.

    Said by one gateway to another, which answers with its own, at least as new, once it keeps to
    that and has let go of what it does not own among those.
    """

    version: int
    """The newer, the greater."""
    members: dict[str, str]
    leaving: dict[str, str] = {}


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag="ping"):
    """Say that you are there: from one gateway to another, which answers at once."""


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag="pong"):
    """I am there."""


class Borrow(msgspec.Struct, frozen=True, kw_only=True, tag="borrow"):
    """What a gateway has of the account's unreserved concurrency, and what it wants more.

    Said to the lender, which answers `Lent`, and as the answer to `Recall`.
    """

    life: int
    """Of this process: another one of the same name has another."""
    number: int
    """Of what this process says of itself, in order: an older one says nothing any more."""
    heard: int
    """The last of these whose answer is in `has`, or will never be."""
    version: int
    """Of the roster that it keeps to."""
    has: int
    used: int
    """How much runs, be it more than it has: what it took over."""
    wants: int = 0
    """How much more it needs now: without it somebody is refused."""
    ahead: int = 0
    """How much more it is going to need."""
    aside: int = 0
    """How much of what it should have is for provisioned concurrency."""
    is_settled: bool
    """Whether all is in `used` that runs for functions which are its own in that roster."""


class Lent(msgspec.Struct, frozen=True, kw_only=True, tag="lent"):
    """What a gateway has more from now on."""

    units: int
    is_all: bool = False
    """Whether nothing was left: who waits for more is refused. If not, it is to be asked again."""


class Recall(msgspec.Struct, frozen=True, kw_only=True, tag="recall"):
    """Give back so much of what you have and do not use. Answered by `Borrow`."""

    units: int
    is_forced: bool = False
    """Whether what is in use is to be given back, too: so much less is admitted from now on."""
