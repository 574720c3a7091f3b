from inglenook_gateway.dispatch.starts import Starts


class Wants:
    """Wants so many starts; those with a caller, or ahead of any."""

    def __init__(self, starts: Starts, wanted: int, *, ahead: bool = False) -> None:
        self.starts = starts
        self.wanted = wanted
        self.ahead = ahead
        self.begun = 0

    def start_more(self) -> None:
        begin = self.starts.begin_ahead if self.ahead else self.starts.begin
        while self.begun < self.wanted and begin(self):
            self.begun += 1


def test_starts_ahead_have_half_of_the_places() -> None:
    starts = Starts(8)
    ahead = Wants(starts, 100, ahead=True)
    ahead.start_more()
    assert ahead.begun == 4


def test_who_waits_never_waits_for_starts_ahead() -> None:
    starts = Starts(8)
    Wants(starts, 100, ahead=True).start_more()
    waiting = Wants(starts, 8)
    waiting.start_more()
    assert waiting.begun == 8


def test_a_free_place_goes_to_who_waits_and_only_then_to_a_start_ahead() -> None:
    starts = Starts(2)
    first, second, ahead = Wants(starts, 2), Wants(starts, 2), Wants(starts, 1, ahead=True)
    for each in (first, ahead, second):
        each.start_more()
    assert (first.begun, second.begun, ahead.begun) == (2, 0, 0)
    starts.end()
    starts.end()
    assert (second.begun, ahead.begun) == (2, 0)
    starts.end()
    assert ahead.begun == 1


def test_starts_ahead_take_turns() -> None:
    starts = Starts(2)
    first, second = Wants(starts, 3, ahead=True), Wants(starts, 3, ahead=True)
    first.start_more()
    second.start_more()
    for _ in range(4):
        starts.end_ahead()
    assert (first.begun, second.begun) == (3, 2)


def test_one_place_is_enough_for_everybody() -> None:
    starts = Starts(1)
    ahead, waiting = Wants(starts, 2, ahead=True), Wants(starts, 2)
    waiting.start_more()
    ahead.start_more()
    starts.end()
    starts.end()
    assert (waiting.begun, ahead.begun) == (2, 1)
    starts.end_ahead()
    assert ahead.begun == 2
