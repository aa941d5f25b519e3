"""A finished comparison as the screen needs it, read from a compare run's result. Trusts no shape; knows no widget."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from syncse_local.api import BETTER, CANNOT_TELL, WORSE
from syncse_local.text.figures import number

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Score:
    """An arm's mean over its `seeds` on a task, 0 to 1; None where it is undefined, for the reasons in `why`."""

    arm: str
    value: float | None
    interval: Interval | None
    seeds: int
    seed_sd: float | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two arms on a task: `first` minus `second`, 0 to 1; `corrected` is the interval that the verdict rests on, `margin` its
    reach, which a difference must exceed, and `detectable` the smallest one that is found 80 times in 100.

    `lone`: a verdict of 0.1.0 on these encoders and not on what made them, since nothing says how training seeds scatter.
    `floor` is the difference that seeds alone make, `floor_from` where it was measured; None where nobody knows it.
    """

    first: str
    second: str
    verdict: str
    difference: float | None
    interval: Interval | None
    corrected: Interval | None
    p_holm: float | None
    margin: float | None
    detectable: float | None
    floor: float | None
    floor_from: str
    lone: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task or an average: its scores by arm, and `tiers`, the best first; arms of one tier cannot be told apart."""

    name: str
    metric: str
    unit: str
    items: int
    average: bool
    tiers: tuple[tuple[str, ...], ...]
    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows; `family` counts the comparisons that Holm corrected over; `calibration` in words, empty without one."""

    tasks: tuple[Task, ...]
    family: int
    alpha: float
    calibration: str
    notes: tuple[str, ...]


def read(result: Mapping[str, Any], titles: Mapping[str, str] = MappingProxyType({})) -> Comparison:
    """The comparison of a compare run's result; what is not there or not readable is left out.

    `titles` say what an arm is about, by its name in the result. Averages come first.
    """
    calibration = _mapping(result.get("calibration"))
    about = (calibration.get(name) for name in ("encoder", "data", "machine"))
    return Comparison(
        tuple(sorted((_task(row, titles) for row in _mappings(result.get("rows"))), key=lambda task: not task.average)),
        int(number(result.get("family")) or 0),
        number(result.get("alpha")) or 0.05,
        ", ".join(str(part) for part in about if part) if calibration else "",
        _texts(result.get("notes")),
    )


def _task(row: Mapping[str, Any], titles: Mapping[str, str]) -> Task:
    tiers = row.get("tiers")
    return Task(
        str(row.get("name", "?")),
        str(row.get("metric", "")),
        str(row.get("unit", "items")),
        int(number(row.get("items")) or 0),
        bool(row.get("average")),
        tuple(tuple(titles.get(arm, arm) for arm in _texts(tier)) for tier in tiers) if isinstance(tiers, list) else (),
        tuple(_score(score, titles) for score in _mappings(row.get("scores"))),
        tuple(_pair(made, titles) for made in _mappings(row.get("comparisons"))),
    )


def _score(score: Mapping[str, Any], titles: Mapping[str, str]) -> Score:
    seeds = score.get("seeds")
    return Score(
        _arm(score.get("arm"), titles),
        number(score.get("value")),
        _interval(score.get("interval")),
        len(seeds) if isinstance(seeds, list) else 1,
        number(score.get("seed_sd")),
        _texts(score.get("why_undefined")),
    )


def _pair(made: Mapping[str, Any], titles: Mapping[str, str]) -> Pair:
    floor, verdict = _mapping(made.get("floor")), made.get("verdict")
    known = _mapping(made.get("encoders")) or made  # of the encoders alone, where nothing can be said of what made them
    return Pair(
        _arm(made.get("first"), titles),
        _arm(made.get("second"), titles),
        str(verdict) if verdict in (BETTER, WORSE) else CANNOT_TELL,
        number(made.get("difference")),
        _interval(made.get("interval")),
        _interval(known.get("corrected")),
        number(known.get("p_holm")),
        number(known.get("margin")),
        number(known.get("detectable")),
        number(floor.get("value")),
        str(floor.get("source", "")),
        made.get("scope") == "encoders" and "detectable" not in made,
        _texts(made.get("notes")),
    )


def _arm(name: object, titles: Mapping[str, str]) -> str:
    return titles.get(str(name), "?" if name is None else str(name))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _interval(value: object) -> Interval | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None or low > high else (low, high)
