"""A run's events in words, one line each, for every front end. Trusts no shape: what an event holds may be anything."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from syncse_local.text.display import safe
from syncse_local.text.figures import counted, figure, hundred, number

NEWS = frozenset(("mapping", "planned", "engine", "training", "task_missing", "waiting", "memory", "warning"))
"""What is worth a line to a person who follows a run on a terminal; progress and the result say the rest."""
NAME, VALUE, PAIRS = 40, 120, 16
"""Characters of a name and of a value, and how many pairs of them a line has: enough for an engine's settings."""


STATES = {
    "queued": "back in the queue",
    "running": "started",
    "done": "finished",
    "cancelled": "stopped",
    "lost": "its process is gone",
}
"""A state's event in words, where the state's name is none."""


def event_line(kind: str, data: object) -> str:
    """The event as one line that is safe to show; kinds that are not known show what they hold."""
    held = data if isinstance(data, dict) else {}
    if kind in _TOLD:
        return _TOLD[kind](held)
    if kind in ("warning", "memory") and held.get("text"):
        return f"{kind}: {safe(held['text'])}"
    if kind == "waiting" and held.get("text"):
        return safe(held["text"])
    pairs = _pairs(held)
    return f"{safe(kind, NAME)}: {pairs}" if pairs else safe(kind, NAME)


def _loading(data: Mapping[str, Any]) -> str:
    what = data.get("model") or data.get("encoder")
    return f"loading {safe(PurePath(str(what)).name, VALUE)}" if what else "loading"


def _encoding(data: Mapping[str, Any]) -> str:
    return f"encoding {counted(data.get('sentences'), 'sentence')} for {counted(data.get('tasks'), 'task')}"


def _vectors(data: Mapping[str, Any]) -> str:
    kept, computed = number(data.get("cached")), counted(data.get("computed"), "vector")
    return f"{computed} computed, {figure(kept)} taken from the cache" if kept else f"{computed} computed"


def _scored(data: Mapping[str, Any]) -> str:
    metrics = data.get("metrics")
    name, value = next(iter(metrics.items()), ("", None)) if isinstance(metrics, dict) else ("", None)
    score = f": {safe(name, NAME)} {hundred(value)}" if name else ""
    return f"scored {safe(data.get('task', '?'), NAME)}{score}"


def _energy(data: Mapping[str, Any]) -> str:
    joules = data.get("joules")
    told = (
        ", ".join(f"{safe(name, NAME)} {figure(n)} J" for name, n in joules.items()) if isinstance(joules, dict) else ""
    )
    return f"energy: {told or 'no device here tells'}"


def _pairs(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{safe(name, NAME)} {safe(value, VALUE)}" for name, value in list(data.items())[:PAIRS])


def _planned(data: Mapping[str, Any]) -> str:
    requests = f"planned {figure(data.get('rows'))} requests ({safe(data.get('part', ''), NAME)})"
    return f"{requests}{_left_out(data.get('skipped'))}"


def _training(data: Mapping[str, Any]) -> str:
    left_out = _left_out(data.get("left_out"), data.get("rows_left_out"))
    triplets, pairs = (
        f"training on {figure(data.get('triplets'))} triplets",
        f"{figure(data.get('dev_pairs'))} dev pairs",
    )
    return f"{triplets}{left_out}; {pairs}" if left_out else f"{triplets}, {pairs}"


def _left_out(reasons: object, rows: object = None) -> str:
    """`; left out: 4 incomplete, 3 too long`; a row may have two reasons, so the `rows` are said where they are fewer."""
    counts = {name: n for name, n in reasons.items() if isinstance(n, int) and n} if isinstance(reasons, dict) else {}
    told = ", ".join(f"{figure(n)} {safe(str(name).replace('_', ' '), NAME)}" for name, n in counts.items())
    several = f" ({figure(rows)} rows)" if isinstance(rows, int) and rows != sum(counts.values()) else ""
    return f"; left out: {told}{several}" if told else ""


def _engine(data: Mapping[str, Any]) -> str:
    settings = data.get("settings")
    with_what = _pairs(settings) if isinstance(settings, dict) else ""
    told = f"engine: {safe(data.get('backend', ''), NAME)} {safe(data.get('version', ''), VALUE)}"
    return f"{told}: {with_what}" if with_what else told


def _setup(data: Mapping[str, Any]) -> str:
    where = f"{safe(data.get('device', '?'), NAME)}, {safe(data.get('precision', '?'), NAME)}"
    trained = f"{figure(data.get('trained'))} of {figure(data.get('parameters'))} parameters trained"
    return f"{figure(data.get('steps'))} steps on {where}, {trained}"


def _missing(data: Mapping[str, Any]) -> str:
    return f"{safe(data.get('task', '?'), NAME)} is not there (looked for {safe(data.get('looked_for', ''))})"


def isolation_line(data: Mapping[str, Any]) -> str:
    """`isolation: network namespace 4026532177, system-call filter, Landlock 7; self-test: 15 shut`."""
    space, land, missing, tried = (_table(data.get(name)) for name in ("namespace", "landlock", "missing", "tried"))
    held = [f"network namespace {safe(space.get('inode', '?'), NAME)}"] if space else []
    held += ["system-call filter"] if data.get("seccomp") else []
    held += [f"Landlock {safe(land.get('version', '?'), NAME)}"] if land else []
    results = [_table(outcome).get("result") for outcome in tried.values()]
    counted = ", ".join(f"{results.count(name)} {name}" for name in ("shut", "open", "not tried") if name in results)
    lacking = f"; missing: {', '.join(safe(name, NAME) for name in list(missing)[:PAIRS])}" if missing else ""
    return f"isolation: {', '.join(held) or 'none'}{lacking}; self-test: {counted or 'none'}"


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "state": lambda data: STATES.get(str(data.get("state")), safe(data.get("state", "?"), NAME)),
    "loading": _loading,
    "encoding": _encoding,
    "vectors": _vectors,
    "energy": _energy,
    "mapping": lambda data: f"input: {safe(data.get('described', ''))}",
    "planned": _planned,
    "engine": _engine,
    "training": _training,
    "training_setup": _setup,
    "provenance": lambda _: "recorded what the encoder is made from (syncse card shows it)",
    "task_missing": _missing,
    "phase": lambda data: f"{safe(data.get('name', '?'), NAME)}: {figure(data.get('in_flight'))} rows in flight",
    "isolation": isolation_line,
    "refused_by_kernel": lambda data: f"the kernel refused: {_pairs(data) or 'nothing'}",
    "scored": _scored,
}
