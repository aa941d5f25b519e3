"""What is compared: arms, each one eval run or several of one recipe (its training seeds). Light; knows the store.

`A` is a run's id, the beginning of it, or a run's name; `A,B,C` is one arm; `name=A,B,C` names it.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import predictions, runs
from syncse_local.store.runs import Run


def parse(connection: sqlite3.Connection, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Each text as {"name", "runs": [ids]}. Raises SyncseError (USAGE) for what cannot be compared."""
    arms: list[dict[str, Any]] = []
    for text in texts:
        given, equals, listed = text.rpartition("=")
        found = [eval_run(connection, part.strip()) for part in listed.split(",") if part.strip()]
        if not found or (equals and not given.strip()):
            raise _usage(f"{text!r} names no run.", "Write RUN, RUN,RUN or name=RUN,RUN.")
        ids = [run.id for run in found]
        if len(set(ids)) < len(ids):
            raise _usage(f"{text!r} has a run twice.", "Name each seed's run once.")
        arms.append({"name": given.strip(), "label": str(found[0].result.get("label") or ids[0]), "runs": ids})
    labels = [arm["label"] for arm in arms]
    for arm in arms:
        label = arm.pop("label")
        arm["name"] = arm["name"] or (label if labels.count(label) == 1 else f"{label} ({arm['runs'][0]})")
    names = [arm["name"] for arm in arms]
    if len(set(names)) < len(names):
        raise _usage(f"Two arms are called {max(names, key=names.count)!r}.", "Give them names: name=RUN.")
    return arms


def eval_run(connection: sqlite3.Connection, text: str) -> Run:
    """The finished eval run of this name, or of this id or the beginning of one."""
    run = _named(connection, text) or runs.get(connection, text)
    if run.kind != "eval":
        raise _usage(f"Run {run.id} is a {run.kind} run.", "Evaluate its encoder first: `syncse eval DIR`.")
    if run.state != "done":
        raise _usage(f"Run {run.id} is {run.state}.", f"Finish it first: syncse resume {run.id}")
    if not predictions.items(connection, run.id):
        detail = f"Run {run.id} has no stored predictions: an older version made it, or nothing was scored."
        raise _usage(detail, "Evaluate the encoder again: `syncse eval DIR`.")
    return run


def _named(connection: sqlite3.Connection, text: str) -> Run | None:
    """The newest finished eval run with this name."""
    query = "SELECT id FROM run WHERE name = ? AND kind = 'eval' AND state = 'done' ORDER BY created DESC LIMIT 1"
    row = connection.execute(query, (text,)).fetchone()
    return runs.get(connection, row[0]) if row else None


def _usage(detail: str, hint: str) -> SyncseError:
    return SyncseError("This cannot be compared", detail, hint, ExitCode.USAGE)
