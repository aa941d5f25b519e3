"""A study's tables as plain rows, for a terminal, CSV, Markdown and LaTeX. Light: knows the study's JSON and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncse_local.compare.verdicts import CANNOT_TELL, UNKNOWN
from syncse_local.results.tables import Table
from syncse_local.text.figures import hundred

SCORES = ("task", "metric", "items", "tier", "arm", "0-1", "x100", "items 95 %", "seed sd", "seeds")
DIFFERENCES = (
    *("task", "first", "second", "difference", "items 95 %", "seeds 95 %", "corrected"),
    *("p", "p Holm", "needed", "findable", "verdict"),
)
METHODS = {
    "bca": "BCa bootstrap",
    "percentile": "percentile bootstrap",
    "sign flips": "sign flips",
    "t": "Student's t over items and seeds",
}


def scores(study: Mapping[str, Any]) -> Table:
    """A row for each task and arm: its figure 0 to 1 and x 100, the interval, the spread over seeds, the tier."""
    rows = []
    for row in study["rows"]:
        mark = "*" if any(_starred(made) for made in row["comparisons"]) else ""
        place = {name: f"{at}{mark}" for at, tier in enumerate(row["tiers"], start=1) for name in tier}
        for score in row["scores"]:
            figure = ["undefined", "undefined", "-"]
            if score["value"] is not None:
                figure = [f"{score['value']:.4f}", hundred(score["value"], "-"), span(score["interval"])]
            about = [_name(row), row["metric"], str(row["items"]), place.get(score["arm"], "-"), score["arm"]]
            rows.append(
                [
                    *about,
                    *figure,
                    hundred(score["seed_sd"], "-"),
                    "fixed" if score.get("fixed") else str(len(score["seeds"])),
                ]
            )
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
    said = made.get("encoders") or made  # of the encoders alone, where nothing can be said of the recipes
    by_seeds = made["seeds_t"]["interval"] if made["seeds_t"] else None
    spans = [span(ends, signed=True) for ends in (made["items_only"]["interval"], by_seeds, said["corrected"])]
    chances = [_chance(said["p"]), _chance(said["p_holm"])]
    sizes = [hundred(said.get(name), "-") for name in ("margin", "detectable")]
    return [f"{100 * made['difference']:+.2f}", *spans, *chances, *sizes]


def _chance(p: float | None) -> str:
    return "-" if p is None else f"{p:.4f}"


def _said(made: Mapping[str, Any]) -> str:
    """The verdict; where there is none on the recipes, that on these encoders beside it. A star is an old comparison's."""
    if encoders := made.get("encoders"):
        return f"{made['verdict']} (these encoders: {encoders['verdict']})"
    return f"{made['verdict']}*" if _starred(made) else str(made["verdict"])


def _starred(made: Mapping[str, Any]) -> bool:
    """0.1.0 gave verdicts on single runs of recipes, without knowing how seeds scatter."""
    return made.get("scope") == "encoders" and "detectable" not in made and made["verdict"] != CANNOT_TELL


def _name(row: Mapping[str, Any]) -> str:
    return f"average of {len(row['tasks'])}" if row["average"] else str(row["name"])


def remarks(study: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know beside the tables."""
    setting = {"draws": 10_000, "seed": 1, **study.get("setting", {})}
    made = [(row, comparison) for row in study["rows"] for comparison in row["comparisons"]]
    known = [comparison for _, comparison in made if comparison["difference"] is not None]
    by_items, both = (
        " and ".join(sorted({METHODS.get(name, name) for name in names})) or "none"
        for names in ({c["items_only"]["method"] for c in known}, {c["method"] for c in known})
    )
    yield f"Items: {by_items}, {setting['draws']} draws, seed {setting['seed']}. Corrected: {both}."
    yield (
        f"{study['family']} comparisons (pairs x rows) at {study['alpha']:g} together: averages first, then the rows of their "
        "family, Holm. Better or worse: the difference exceeds what is needed, the reach of its corrected interval. Findable: a "
        "difference of this size is found 80 times in 100. Arms of one tier cannot be told apart; their order says nothing."
    )
    if not (study.get("arms") and all(arm.get("fixed") for arm in study["arms"])):
        yield f"Training seeds: {_seeds(study, made)}"
    if fixed := [f"{arm['name']} ({arm['why']})" for arm in study.get("arms", []) if arm.get("fixed")]:
        yield f"Fixed, no training seed in it: {', '.join(fixed)}. If one was trained: --trained NAME."
    if any("encoders" in comparison for comparison in known):
        yield (
            "These encoders: nothing says how training seeds scatter, so that another run of the recipe may come out otherwise. "
            "Train more seeds (name=RUN,RUN,RUN) or calibrate."
        )
    if any(_starred(comparison) for comparison in known):
        yield "* of these encoders, not of what made them: one run an arm, and nothing says how training seeds scatter."
    yield from (f"{_name(row)}: {row['name']}" for row in study["rows"] if row["average"])
    yield from dict.fromkeys([*_undefined(study), *_notes(made), *study["notes"]])


def _undefined(study: Mapping[str, Any]) -> Iterator[str]:
    for row in study["rows"]:
        for score in row["scores"]:
            yield from (f"{_name(row)}: {score['arm']}: {why}" for why in score["why_undefined"])


def _notes(made: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    """Each note on a pair once, with the rows that it is of."""
    rows: dict[str, list[str]] = {}
    for row, comparison in made:
        for note in comparison["notes"]:
            if not note.startswith(UNKNOWN):  # said with the verdict
                rows.setdefault(f"{comparison['first']} and {comparison['second']}: {note}", []).append(_name(row))
    yield from (f"{', '.join(names)}: {note}" for note, names in rows.items())


def _seeds(study: Mapping[str, Any], made: Sequence[tuple[Any, Any]]) -> str:
    """Where it is known from how training seeds scatter."""
    used = "; ".join(sorted({c["floor"]["source"] for _, c in made if c.get("floor")}))
    found = study.get("calibration")
    if not found:
        return f"{used or 'nothing says how they scatter'}; this machine is not calibrated for these tasks (`syncse calibrate`)."
    about = f"calibration {found['id']}: {found['encoder']} on {found['data']}, {found['machine']}."
    return f"{used or 'none for these rows'}; {about}"


def span(ends: Sequence[float] | None, signed: bool = False) -> str:
    """`71.20 to 73.40`, x 100."""
    if ends is None:
        return "-"
    return " to ".join(f"{100 * end:+.2f}" if signed else hundred(end) for end in ends)
