from inglenook.aio.backoff import Backoff


def test_pauses_double_up_to_a_bound_until_something_works() -> None:
    backoff = Backoff(0.5, 3)
    assert [backoff.next() for _ in range(5)] == [0.5, 1, 2, 3, 3]
    backoff.reset()
    assert backoff.next() == 0.5
