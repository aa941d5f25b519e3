"""Axes, Braille lines, whiskers and the curve made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from syncse_local.store import runs
from tui.app import SyncseApp
from tui.widgets import braille
from tui.widgets.axis import Axis, below
from tui.widgets.whiskers import whisker

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

VALUES = st.floats(-1e100, 1e100)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0.0, 1.0, 3, [(0, "0.0"), (10, "0.5"), (20, "1.0")]),
        (61.3, 79.9, 3, [(4, "65"), (9, "70"), (15, "75")]),
        (1.0, 1300.0, 2, [(8, "500"), (15, "1,000")]),
        (-0.004, 0.006, 2, [(8, "0.000"), (18, "0.005")]),
        (0.0, 3e12, 4, [(0, "0"), (7, "1e+12"), (13, "2e+12"), (20, "3e+12")]),
    ],
)
def test_ticks_are_round_values(low: float, high: float, most: int, labels: list[tuple[int, str]]) -> None:
    assert Axis(low, high, 21).labels(most) == labels


@given(st.lists(VALUES, min_size=1, max_size=5), st.integers(2, 60), st.integers(1, 6))
def test_an_axis_has_few_ticks_and_its_lines_have_its_width(values: list[float], cells: int, most: int) -> None:
    axis = Axis.around(values, cells)
    assert 1 <= len(axis.ticks(most)) <= most
    line, words = below(axis, most)
    assert len(line) == cells
    assert set(line) <= {"─", "┬"}
    assert len(words) >= cells


@pytest.mark.parametrize(
    ("low", "high", "cells"), [(1, 1, 9), (2, 1, 9), (0, math.inf, 9), (0, math.nan, 9), (0, 1, 0)]
)
def test_what_is_no_range_is_no_axis(low: float, high: float, cells: int) -> None:
    with pytest.raises(ValueError, match="no axis"):
        Axis(low, high, cells)


def test_a_rising_line_goes_from_corner_to_corner() -> None:
    drawn = braille.line([(0, 0), (1, 1)], Axis(0, 1, 2), Axis(0, 1, 1))
    assert drawn == ["⣠⠞"]
    assert braille.line([(0, 0), (1, 0)], Axis(0, 1, 3), Axis(0, 1, 2)) == ["   ", "⣀⣀⣀"]


def test_points_in_one_column_are_averaged() -> None:
    assert braille.line([(0, 0), (0, 1), (9, 0.5)], Axis(0, 9, 2), Axis(0, 1, 1)) == ["⠒⠒"]


@given(st.lists(st.tuples(st.integers(0, 10**6), VALUES), min_size=1, max_size=30, unique_by=lambda point: point[0]))
def test_any_points_make_rows_of_one_width(points: list[tuple[int, float]]) -> None:
    points.sort()
    across = Axis.around([x for x, _ in points], 12)
    drawn = braille.line(points, across, Axis.around([y for _, y in points], 4))
    assert [len(row) for row in drawn] == [12] * 4
    assert "".join(drawn).strip()


@pytest.mark.parametrize(
    ("value", "interval", "marks", "shown"),
    [
        (5.0, (2.0, 8.0), {}, "  ├──●──┤  "),
        (5.0, None, {0.0: "┊"}, "┊    ●     "),
        (5.0, (-4.0, 12.0), {}, "◂────●────▸"),
        (5.0, (4.9, 5.1), {1.0: "┊"}, " ┊   ●     "),
        (99.0, (2.0, 99.0), {12.0: "┊"}, "  ├───────●"),
    ],
)
def test_whiskers(value: float, interval: tuple[float, float] | None, marks: dict[float, str], shown: str) -> None:
    assert whisker(Axis(0, 10, 11), value, interval, marks) == shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_train_draws_its_curves_with_axes_and_follows_them(
    begin: Callable[[str], SyncseApp], rows: Rows, look: Callable[[Pilot[int]], Look], size: tuple[int, int]
) -> None:
    rows.train()
    async with begin("train").run_test(size=size) as pilot:
        seen = look(pilot)
        await seen.see("loss 5.026 → 0.622", "dev 0.473 → 0.689", "0.689 at 300", "┤", "┬")
        runs.add_metrics(rows.connection, "t0101-bbbbbb", [("loss", 900, math.inf), ("loss", 1000, 0.1)])
        runs.finish(rows.connection, "t0101-bbbbbb", "lost")
        await seen.see("loss 5.026 → 0.100")
        await seen.until(lambda: "500" in seen.text or "1,000" in seen.text)


async def test_a_curve_of_one_point_and_a_narrow_one_are_drawn(
    begin: Callable[[str], SyncseApp], rows: Rows, look: Callable[[Pilot[int]], Look]
) -> None:
    rows.add("t0101-ffffff", "train")
    runs.add_metrics(rows.connection, "t0101-ffffff", [("loss", 1, 0.5)])
    async with begin("train").run_test(size=(80, 24)) as pilot:
        seen = look(pilot)
        await seen.see("loss 0.500 → 0.500", "0.5")
        await pilot.resize_terminal(16, 24)
        await seen.until(lambda: "└" not in seen.text)
        assert "loss 0.500" in seen.text


async def test_training_says_how_near_its_early_stop_is(
    begin: Callable[[str], SyncseApp], rows: Rows, look: Callable[[Pilot[int]], Look]
) -> None:
    run_id = "t0101-ffffff"
    rows.add(run_id, "train")
    rows.connection.execute("""UPDATE run SET options = '{"training": {"patience": 3}}'""")
    runs.add_metrics(
        rows.connection, run_id, [("dev", 25, 0.5), ("dev", 50, 0.7), ("dev", 75, 0.6), ("dev", 100, 0.65)]
    )
    async with begin("train").run_test(size=(80, 24)) as pilot:
        seen = look(pilot)
        await seen.see("early stopping: 2 of 3 dev scores without a better one", "best 0.700 at 50")
        runs.finish(rows.connection, run_id, "done", stopped_early=True, steps=125)
        await seen.see("early stopping at step 125: its patience ran out")
