"""The filter step of `syncse run`: measure what is missing, judge, and say what is kept. Done before, it is not done again."""

import argparse
from typing import Any

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.cli.filter import measuring, resolved, thresholds
from syncse_local.cli.follow import follow
from syncse_local.config import Settings
from syncse_local.errors import ExitCode


def filter_step(
    opened: Workspace, options: argparse.Namespace, chosen: Settings, made: Run, title: str
) -> tuple[dict[str, Any], ExitCode]:
    """Apply the recipe's filters to a run unless they stand; returns the counts, and the exit code of measuring."""
    wanted = resolved(chosen, thresholds(made, None, []))
    measured = None
    if opened.lacks_measurements(made.id, wanted):
        measured = opened.ensure("filter", measuring(made, wanted, chosen), "filter")
        code = follow(opened, measured, options.json) if measured.state in OPEN else ExitCode.OK
        if code:
            return {}, code
    stand = opened.filters(made.id)
    again = measured is not None or stand is None or stand["params"] != {**wanted.to_dict(), "against": []}
    if again:
        opened.apply_filters(made.id, wanted)
        stand = opened.filters(made.id)
    found = counted(made, stand or {})
    if not options.json:
        print(f"{title}: {made.id}: {described(found)}{'' if again else ' (done before)'}", flush=True)
    return found, ExitCode.OK


def counted(made: Run, stand: dict[str, Any]) -> dict[str, Any]:
    """A run's filters in three figures: what they keep and drop, and the kept that match an evaluation sentence."""
    flagged = stand["filters"].get("contamination", {}).get("flag", 0)
    return {
        "run": made.id,
        "judged": stand["judged"],
        "kept": stand["kept"],
        "dropped": stand["judged"] - stand["kept"],
        "contaminated": flagged,
    }


def described(found: dict[str, Any]) -> str:
    """The three figures in words."""
    return (
        f"{found['kept']} of {found['judged']} triplets kept, {found['dropped']} dropped; "
        f"{found['contaminated']} match an evaluation sentence"
    )
