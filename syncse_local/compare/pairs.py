"""Two arms on a row: their difference, what is known of it, and the verdict. Knows no other row and no store.

A difference between two fixed encoders has the noise of items. One with a trained arm has that of training seeds too: it is
on what made the encoders, and where nothing says how seeds scatter, nothing can be said of that.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri

from syncse_local.compare.figures import Arm
from syncse_local.compare.gatekeeper import Held
from syncse_local.compare.intervals import Distribution, Draws
from syncse_local.compare.rows import ComparisonRow, Setting
from syncse_local.compare.seeds import Spread, seed_noise
from syncse_local.compare.sign_flip import SignFlip
from syncse_local.compare.statistics import NO_MEANS
from syncse_local.compare.verdicts import CANNOT_TELL, UNKNOWN, margin, verdict

ALPHA = 0.05
"""Intervals hold 95 %: the convention of the field, and of the tables this one stands beside."""
POWER = 0.8
"""A difference that could have been found is one that is, 80 times in 100."""
LEAST = 20
"""Independent items under which there is no verdict: 10 queries' p-values are wrong by the skew of a single one."""
ENOUGH = 100
"""Independent items under which a row has a warning: with skewed differences errors are 6 to 10 %, not 5 %, up to here."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a difference is judged by, and whether that is on the recipes or, with `recipes` False, the encoders at hand."""

    known: Distribution
    recipes: bool


def compare(
    row: ComparisonRow, pair: tuple[Arm, Arm], borrowed: Spread | None, setting: Setting
) -> tuple[dict[str, Any], Evidence | None]:
    """The pair's difference: over items, over seeds, and over both; not judged yet. No evidence where there is no verdict."""
    first, second = pair
    made: dict[str, Any] = {"first": first.name, "second": second.name, "verdict": CANNOT_TELL, "notes": []}
    made["scope"] = "encoders" if first.fixed and second.fixed else "recipes"
    items = over_items(row, pair, setting)
    if items is None:
        why = [f"{arm.name}: {reason}" for arm in pair for reason in row.why(arm)]
        return {**made, "difference": None, "notes": why or ["undefined on too many resamples"]}, None
    difference, variance = row.figures.difference(first, second), row.figures.item_variance(first, second)
    by_items = {"interval": items.interval(ALPHA), "method": items.method, "p": items.p_value()}
    made |= {"difference": difference, "items_only": by_items, "floor": None, "seeds_t": None}
    known: Distribution | None = items
    if made["scope"] == "recipes":
        noise = seed_noise(row.figures, pair, borrowed)
        known = None
        if noise:
            alone, known = noise.alone(difference), noise.with_items(difference, variance)
            made["floor"] = {"value": alone.half_width(ALPHA), "source": noise.source}
            made["seeds_t"] = {"interval": alone.interval(ALPHA), "freedom": alone.freedom, "p": alone.p_value()}
    judged = known or items
    made |= {"interval": judged.interval(ALPHA), "method": judged.method, "p": known.p_value() if known else None}
    made |= {"p_holm": None, "corrected": None, "margin": None, "detectable": None}
    if isinstance(items, SignFlip):
        by_items["least_p"] = items.least
    if by_items["p"] == 1 and items.error == 0:
        made["notes"].append("the predictions lead to the same figure on every resample")
    if row.least < LEAST:
        made["notes"].append(_too_few(row, items))
        return made, None
    return made, Evidence(judged, known is not None)


def over_items(row: ComparisonRow, pair: tuple[Arm, Arm], setting: Setting) -> Draws | SignFlip | None:
    """What the items alone say of these very runs: sign flips of a mean, the bootstrap of anything else."""
    drawn = row.figures.over_items(*pair, setting.method)
    if drawn is None or row.metric in NO_MEANS:
        return drawn
    error = math.sqrt(row.figures.item_variance(*pair).value)
    return SignFlip.of(row.figures.paired(*pair), error, setting.draws, setting.seed, row.name)


def judge(comparison: dict[str, Any], evidence: Evidence, held: Held) -> None:
    """Add the corrected interval, its reach, and the verdict: on the recipes, or else, under `encoders`, on these alone."""
    difference, corrected = comparison["difference"], evidence.known.interval(held.level)
    reach = margin(difference, corrected)
    found = {
        "p_holm": held.adjusted,
        "level": held.level,
        "tested": held.tested,
        "corrected": corrected,
        "margin": reach,
        "detectable": reach + float(ndtri(POWER)) * evidence.known.error,
        "verdict": verdict(difference, corrected, held.rejected),
    }
    if evidence.recipes:
        comparison |= found
    else:
        comparison["encoders"] = {"p": evidence.known.p_value(), **found}
        comparison["notes"].append(_of_these(comparison, found["verdict"]))
    if isinstance(evidence.known, SignFlip) and evidence.known.least > held.level:
        least = f"p {evidence.known.least:.4f} is the smallest that these items can reach"
        comparison["notes"].append(f"{least}, and {held.level:.4f} is needed")
    if not held.tested:
        comparison["notes"].append("not tested: the average comes first, and cannot be told")


def _of_these(comparison: Mapping[str, Any], said: object) -> str:
    told = f"{comparison['first']} is {said} than {comparison['second']}" if said != CANNOT_TELL else said
    return f"{UNKNOWN}, so nothing is said of the recipes; of these very encoders: {told}"


def _too_few(row: ComparisonRow, items: Distribution) -> str:
    reach = f"; the smallest p they can reach is {items.least:.4f}" if isinstance(items, SignFlip) else ""
    return f"too few for a verdict: {row.least:.0f} independent {row.unit}, and {LEAST} are needed{reach}"
