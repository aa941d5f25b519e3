"""A study's tables as plain rows, for a terminal, CSV, Markdown and LaTeX. Light: knows the study's JSON and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncse_local.compare.verdicts import CANNOT_TELL
from syncse_local.results.tables import Table
from syncse_local.text.figures import hundred

SCORES = ("task", "metric", "items", "tier", "arm", "0-1", "x100", "items 95 %", "seed sd", "seeds")
DIFFERENCES = (
    *("task", "first", "second", "difference", "items 95 %", "seeds 95 %", "both, corrected"),
    *("p", "p Holm", "floor", "verdict"),
)
METHODS = {"bca": "BCa", "percentile": "percentile"}


def scores(study: Mapping[str, Any]) -> Table:
    """A row for each task and arm: its figure 0 to 1 and x 100, the interval, the spread over seeds, the tier."""
    rows = []
    for row in study["rows"]:
        mark = "" if all(made.get("floor") for made in row["comparisons"]) else "*"
        place = {name: f"{at}{mark}" for at, tier in enumerate(row["tiers"], start=1) for name in tier}
        for score in row["scores"]:
            figure = ["undefined", "undefined", "-"]
            if score["value"] is not None:
                figure = [f"{score['value']:.4f}", hundred(score["value"], "-"), span(score["interval"])]
            about = [_name(row), row["metric"], str(row["items"]), place.get(score["arm"], "-"), score["arm"]]
            rows.append([*about, *figure, hundred(score["seed_sd"], "-"), str(len(score["seeds"]))])
    return list(SCORES), rows


def differences(study: Mapping[str, Any]) -> Table:
    """A row for each task and pair: difference x 100, its intervals, p, floor, verdict."""
    rows = []
    for row in study["rows"]:
        for made in row["comparisons"]:
            names = [_name(row), made["first"], made["second"]]
            rows.append([*names, *(["-"] * 7 if made["difference"] is None else _figures(made)), _said(made)])
    return list(DIFFERENCES), rows


def _figures(made: Mapping[str, Any]) -> list[str]:
    by_seeds = made["seeds_t"]["interval"] if made["seeds_t"] else None
    spans = [span(ends, signed=True) for ends in (made["items_only"]["interval"], by_seeds, made["corrected"])]
    floor = hundred(made["floor"]["value"], "-") if made["floor"] else "unknown"
    return [f"{100 * made['difference']:+.2f}", *spans, f"{made['p']:.4f}", f"{made['p_holm']:.4f}", floor]


def _said(made: Mapping[str, Any]) -> str:
    """The verdict, with a star where it is of these encoders alone."""
    return f"{made['verdict']}*" if _starred(made) else str(made["verdict"])


def _starred(made: Mapping[str, Any]) -> bool:
    return made.get("scope") == "encoders" and made["verdict"] != CANNOT_TELL


def _name(row: Mapping[str, Any]) -> str:
    return f"average of {len(row['tasks'])}" if row["average"] else str(row["name"])


def remarks(study: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know beside the tables."""
    setting = {"draws": 10_000, "seed": 1, **study.get("setting", {})}
    made = [(row, comparison) for row in study["rows"] for comparison in row["comparisons"]]
    by_items = sorted({METHODS[c["items_only"]["method"]] for _, c in made if c["difference"] is not None})
    both = sorted({METHODS[c["method"]] for _, c in made if c["difference"] is not None})
    yield (
        f"Bootstrap over items, {setting['draws']} draws, seed {setting['seed']}: {' and '.join(by_items) or 'none'}; over items "
        f"and training seeds: {' and '.join(both) or 'none'}; over seeds alone: Welch's t."
    )
    yield (
        f"Holm over {study['family']} comparisons (all pairs x all rows above) at {study['alpha']:g}. Better or worse: Holm rejects, "
        "the corrected interval leaves out 0, and the difference exceeds the noise of items and seeds together, the floor above "
        "all. Arms of one tier cannot be told apart; their order says nothing."
    )
    yield f"Noise floor: {_floors(study, made)}"
    if any(_starred(comparison) for _, comparison in made):
        yield "* of these encoders, not of what made them: one run an arm, and nothing says how training seeds scatter."
    yield from (f"{_name(row)}: {row['name']}" for row in study["rows"] if row["average"])
    yield from dict.fromkeys([*_undefined(study), *_notes(made), *study["notes"]])


def _undefined(study: Mapping[str, Any]) -> Iterator[str]:
    for row in study["rows"]:
        for score in row["scores"]:
            yield from (f"{_name(row)}: {score['arm']}: {why}" for why in score["why_undefined"])


def _notes(made: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    for row, comparison in made:
        pair = f"{_name(row)}: {comparison['first']} and {comparison['second']}"
        yield from (f"{pair}: {note}" for note in comparison["notes"])


def _floors(study: Mapping[str, Any], made: Sequence[tuple[Any, Any]]) -> str:
    sources = sorted({c["floor"]["source"] for _, c in made if c.get("floor")})
    found = study.get("calibration")
    if not found:
        return f"this machine is not calibrated for these tasks (`syncse calibrate`); used: {', '.join(sources) or 'none'}."
    used = ", ".join(sources) or "none for these rows"
    return f"{used}; calibration {found['id']}: {found['encoder']} on {found['data']}, {found['machine']}."


def span(ends: Sequence[float] | None, signed: bool = False) -> str:
    """`71.20 to 73.40`, x 100."""
    if ends is None:
        return "-"
    return " to ".join(f"{100 * end:+.2f}" if signed else hundred(end) for end in ends)
