"""Re-parse: a newer parser over the raw answers of a run. Differences can be looked at first; the old parses stay."""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.generate import GenerateSpec
from syncse_local.store import parses
from syncse_local.store.ledger import Outcome
from syncse_local.store.parses import StoredParse
from syncse_local.store.runs import Run
from syncse_local.synthesis import parse
from syncse_local.synthesis.contexts import recipe_of
from syncse_local.synthesis.outcomes import outcomes
from syncse_local.synthesis.recipe import Pools, Recipe, load_pools

BATCH = 1_000
"""Parses in one transaction."""


class Reread(NamedTuple):
    """An answer whose latest parse is by an older parser, and what this program's makes of it."""

    old: StoredParse
    new: list[Outcome]

    @property
    def differs(self) -> bool:
        """Whether anything changes."""
        return parses.differs(self.old.outcomes, self.new)


def context(run: Run) -> tuple[Recipe, Pools]:
    """The recipe and pools a run was made with. Raises SyncseError: USAGE for another kind, PREFLIGHT for edited pools."""
    if run.kind != "generate":
        hint = "Name a generate run; `syncse runs` lists them."
        raise SyncseError("Nothing to parse", f"Run {run.id} is a {run.kind} run.", hint, ExitCode.USAGE)
    spec = GenerateSpec.of(run.options)
    recipe = recipe_of(spec)
    pools = load_pools(recipe)
    if spec.pools_hash not in ("", pools.hash):
        raise SyncseError(
            "The prompt pools have changed",
            "The parser looks for leaked prompts, and this run was made with others than the files hold now.",
            "Restore the files and parse again.",
            ExitCode.PREFLIGHT,
        )
    return recipe, pools


def reread(connection: sqlite3.Connection, run: Run) -> Iterator[Reread]:
    """Every answer of the run that was parsed by an older parser only, read again; nothing is stored."""
    recipe, pools = context(run)
    for old in parses.older_than(connection, run.id, parse.PARSER_VERSION):
        yield Reread(old, outcomes(recipe, pools, old.row, old.text, old.finish))


def take(connection: sqlite3.Connection, run: Run) -> list[str]:
    """Store the new parses and what the parser decides by them; returns the runs whose filters must be applied again."""
    outdated: set[str] = set()
    pending = reread(connection, run)
    while batch := list(islice(pending, BATCH)):
        outdated.update(parses.add(connection, parse.PARSER_VERSION, batch))
    return sorted(outdated)
