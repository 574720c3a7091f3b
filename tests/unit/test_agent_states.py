"""The life of an environment."""

import pytest

from inglenook_agent.environment.states import MOVES, IllegalMoveError, Life, State


def life(*moves: State) -> Life:
    lived = Life()
    for move in moves:
        lived.move(move)
    return lived


def test_a_warm_environment_goes_back_and_forth_between_idle_and_busy() -> None:
    lived = life(State.INIT, State.IDLE, State.BUSY, State.IDLE, State.BUSY)
    assert lived.state is State.BUSY


def test_after_a_timeout_the_next_event_starts_a_process_again() -> None:
    lived = life(State.INIT, State.IDLE, State.BUSY, State.EMPTY, State.RESTARTING, State.BUSY)
    assert lived.state is State.BUSY


@pytest.mark.parametrize("to", [State.NEW, State.BUSY, State.RESTARTING, State.GONE, State.INIT])
def test_an_environment_in_init_takes_no_event(to: State) -> None:
    lived = life(State.INIT)
    with pytest.raises(IllegalMoveError):
        lived.move(to)
    assert lived.state is State.INIT


def test_every_state_has_its_moves_and_all_but_the_last_can_end() -> None:
    assert set(MOVES) == set(State)
    ended = {State.ENDING, State.GONE}
    assert all(State.ENDING in moves for state, moves in MOVES.items() if state not in ended)
    assert MOVES[State.GONE] == frozenset()
