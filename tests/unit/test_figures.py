"""Numbers, sizes and times in words."""

import pytest

from syncse_local.text.figures import age, clock, figure, hundred, moment, number, size, weights


@pytest.mark.parametrize("value", [None, "7", True, float("nan"), float("inf"), 10**400, [], {}])
def test_number_takes_finite_numbers_only(value: object) -> None:
    assert number(value) is None
    assert figure(value) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1600, "1,600"), (51.04, "51.0"), (0.87123, "0.8712"), (2345.6, "2,346"), (1e300, "1e+300")],
)
def test_figure(value: float, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.81551, "81.55"), (-0.5, "-50.00"), (None, "-"), (float("nan"), "-")])
def test_hundred(value: object, shown: str) -> None:
    assert hundred(value, "-") == shown


def test_a_score_that_is_none_is_undefined() -> None:
    assert hundred(None) == "undefined"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (0, ""), (-1, ""), (7_549_747, "7.2 MiB"), (2**27, "0.12 GiB"), (2**30 * 5 // 4, "1.25 GiB")],
)
def test_size(value: object, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, ""), ("x", ""), (999, "999"), (22_700_000, "22.7M"), (7_615_616_512, "7.62B"), (1e3, "1k")]
)
def test_weights(value: object, shown: str) -> None:
    assert weights(value) == shown


def test_moment_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC+2")
    time.tzset()
    try:
        assert moment(86_400.0) == "1970-01-01 22:00"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("seconds", "shown"), [(-5, "0:00"), (9, "0:09"), (75, "1:15"), (3_725, "1:02:05")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [(-3, "now"), (0.4, "now"), (59, "59s"), (60, "1m"), (7_199, "1h"), (86_400, "1d"), (10**7, "115d")],
)
def test_age(ago: float, shown: str) -> None:
    assert age(1000.0, 1000.0 + ago) == shown
