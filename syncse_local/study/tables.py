"""A study's figures as plain rows, for a terminal, a page, Markdown and LaTeX. Knows `carry.shown` and nothing else."""

from collections.abc import Mapping
from typing import Any

from syncse_local.compare.report import span
from syncse_local.compare.verdicts import BETTER, CANNOT_TELL, WORSE
from syncse_local.results.tables import Table
from syncse_local.text.figures import clock, figure, hundred


def main_row(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row of the comparison that answers the question: an average, else the first published task, else the first.

    The held-out triplets are the generators' own, so that they answer it only where there is nothing else.
    """
    rows: list[Mapping[str, Any]] = (found["compare"] or {}).get("rows", [])
    published = [row for row in rows if ":" not in row["name"]]
    return next((row for row in rows if row["average"]), next(iter(published or rows), None))


def leaderboard(found: Mapping[str, Any]) -> Table:
    """A row for each arm, the best tier first: score x 100 with its interval, spread over seeds, triplets, cost."""
    row = main_row(found)
    scores = {score["arm"]: score for score in row["scores"]} if row else {}
    place = {arm: at for at, tier in enumerate(row["tiers"], 1) for arm in tier} if row else {}
    named = f"{row['name']} {row['metric']}" if row else "score"
    header = ["arm", "state", "tier", named, "items 95 %", "seed sd", "seeds", "drawn", "tokens", "generation"]
    rows = []
    for arm in sorted(found["arms"], key=lambda arm: (place.get(arm["arm"], 10**6), -_value(scores, arm["arm"]))):
        score, spent = scores.get(arm["arm"]), arm["cost"] or {}
        figures = (
            [hundred(score["value"]), span(score["interval"]), hundred(score["seed_sd"], "-")] if score else ["-"] * 3
        )
        about = [arm["arm"], arm["state"], str(place.get(arm["arm"], "-"))]
        drawn = str(arm["draw"] or "all") if not arm["baseline"] else "-"
        paid = [figure(spent["tokens"]) or "-", clock(spent["seconds"])] if spent else ["-", "-"]
        rows.append([*about, *figures, str(len(arm["evaluate"])), drawn, *paid])
    return header, rows


def _value(scores: Mapping[str, Any], name: str) -> float:
    score = scores.get(name)
    return float(score["value"]) if score and score["value"] is not None else -1.0


def differences(found: Mapping[str, Any]) -> Table:
    """Every pair of the main row with difference, corrected interval and verdict."""
    row = main_row(found)
    rows = []
    for made in row["comparisons"] if row else []:
        if made["difference"] is not None:
            figures = [f"{100 * made['difference']:+.2f}", span(made["corrected"], signed=True)]
            rows.append([made["first"], made["second"], *figures, made["verdict"]])
    return ["first", "second", "difference x 100", "items and seeds, corrected", "verdict"], rows


def answer(found: Mapping[str, Any]) -> str:
    """The study's answer in a sentence: which arm is in the first tier alone, by how much, or that nobody can tell."""
    row = main_row(found)
    if row is None:
        return "There is no answer yet: fewer than two arms have a score."
    made = {arm["arm"] for arm in found["arms"] if not arm["baseline"]}
    tiers = [[name for name in tier if name in made] for tier in row["tiers"]]
    tiers = [tier for tier in tiers if tier]
    if len(made) < 2 or not tiers or sum(map(len, tiers)) < 2:
        return "Fewer than two generated arms have a score, so that there is nothing to choose between."
    named = f"{row['name']} ({row['metric']} x 100)"
    if len(tiers[0]) > 1:
        return (
            f"We cannot tell {', '.join(tiers[0][:-1])} and {tiers[0][-1]} apart on {named}; their order says nothing."
        )
    best = tiers[0][0]
    beaten = []
    for pair in row["comparisons"]:
        if best in (pair["first"], pair["second"]) and pair["verdict"] in (BETTER, WORSE):
            other = pair["second"] if pair["first"] == best else pair["first"]
            ends = sorted(abs(100 * end) for end in pair["corrected"])
            beaten += [f"{other} by {abs(100 * pair['difference']):.2f} ({ends[0]:.2f} to {ends[1]:.2f})"] * (
                other in made
            )
    return (
        f"{best} is better than {' and '.join(beaten)} on {named}."
        if beaten
        else f"{CANNOT_TELL.capitalize()} on {named}."
    )


def limits(found: Mapping[str, Any]) -> list[str]:
    """What this study cannot show, and what failed."""
    said = []
    if len(found["seeds"]) == 1:
        said.append(
            "One training seed: nothing here says how training scatters, and a difference is of these encoders alone."
        )
    for arm in found["arms"]:
        if arm["error"]:
            said.append(f"{arm['arm']} has no score: {arm['error']['title']}: {arm['error']['detail']}")
    if not any(arm["baseline"] == "untrained" for arm in found["arms"]):
        said.append("There is no untrained baseline: nothing here says whether training helped at all.")
    return said


def points(found: Mapping[str, Any], by: str) -> list[tuple[str, float, float, float, float]]:
    """(arm, cost a triplet, score, low, high) of each generated arm; cost by `tokens` or `seconds`, scores 0 to 1."""
    row = main_row(found)
    scores = {score["arm"]: score for score in row["scores"]} if row else {}
    made = []
    for arm in found["arms"]:
        score, spent, triplets = scores.get(arm["arm"]), arm["cost"], arm.get("triplets") or 0
        if score and score["value"] is not None and spent and triplets:
            low, high = score["interval"] or (score["value"], score["value"])
            made.append((arm["arm"], spent[by] / triplets, score["value"], low, high))
    return made
