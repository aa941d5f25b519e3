"""What one server is given to do: one request at first, more with each answer, less when it is late or crowded. No clock runs."""

import pytest

from syncse_local.backends.openai import health
from syncse_local.backends.openai.health import HOPELESS, STRETCHED, Health


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(health, "time", made)
    return made


def test_it_begins_with_one_request_and_grows_to_what_was_asked_for(clock: Clock) -> None:
    made = Health(8, 10.0)
    windows = []
    for _ in range(9):
        windows.append(made.window)
        made.answered()
    assert windows == [1, 2, 3, 4, 5, 6, 7, 8, 8]


def test_the_last_of_many_may_take_as_long_as_all_of_them(clock: Clock) -> None:
    made = Health(8, 10.0)
    assert [made.begin()[:2] for _ in range(3)] == [(10.0, 10.0), (10.0, 20.0), (10.0, 30.0)]
    made.end()
    assert made.begin().most == 30.0


@pytest.mark.parametrize(
    ("kind", "window", "silence"), [("late", 4, 20.0), ("crowded", 4, 10.0), ("unreachable", 1, 10.0)]
)
def test_requests_that_met_one_moment_count_once(clock: Clock, kind: str, window: int, silence: float) -> None:
    made = Health(8, 10.0, window=8)
    flying = [made.begin() for _ in range(8)]
    for allowance in flying:
        made.failed(allowance, kind)
    assert (made.window, made.begin().silence, made.faults) == (window, silence, 8)
    assert made.turned_away == (kind != "late")


def test_a_fault_of_the_row_costs_the_server_nothing(clock: Clock) -> None:
    made = Health(8, 10.0, window=8)
    made.failed(made.begin(), "failed")
    assert (made.window, made.begin().silence) == (8, 10.0)


def test_patience_has_an_end(clock: Clock) -> None:
    made = Health(8, 10.0, window=8)
    for _ in range(9):
        made.failed(made.begin(), "late")
    assert (made.window, made.begin().silence) == (1, 10.0 * STRETCHED)


def test_silence_counts_from_the_last_answer_or_the_start(clock: Clock) -> None:
    made = Health(8, 10.0)
    clock.now = 130.0
    made.answered()
    clock.now = 150.0
    assert made.silent(clock.now) == 20.0
    made.start()
    assert made.silent(clock.now) == 0.0


def test_hopeless_until_an_answer_comes(clock: Clock) -> None:
    made = Health(8, 10.0)
    for _ in range(HOPELESS):
        assert not made.hopeless
        made.failed(made.begin(), "failed")
    assert made.hopeless
    made.answered()
    assert not made.hopeless
