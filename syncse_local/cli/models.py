"""`syncse models`: the language models and encoders on this machine, what can run them, whether they would fit."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from syncse_local.catalog.listing import list_models, with_hash
from syncse_local.catalog.resolve import find_one
from syncse_local.cli.common import parser, settings, workspace
from syncse_local.cli.output import emit, table
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import Fit
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import KINDS, Found, ModelEntry
from syncse_local.prepare.fits import fits_of, remarks_on
from syncse_local.prepare.names import free_memory
from syncse_local.text.display import safe
from syncse_local.text.figures import size, weights


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(verbs, "models", "list the models on this machine, or look at one", "syncse models --kind llm", run)
    made.add_argument("words", nargs="*", metavar="show NAME", help="all about one model, and whether it would fit")
    made.add_argument("--kind", choices=KINDS, help="only models of this kind")
    made.add_argument("--hash", action="store_true", help="compute the SHA-256 of each file that has not changed since")


def run(options: argparse.Namespace) -> ExitCode:
    """Print the list, or one model."""
    chosen = settings(options)
    directory = Path(chosen.workspace).resolve()
    if options.words:
        return _show(options, chosen, directory)
    if options.hash or (directory / "syncse.db").exists():
        with workspace(options) as opened:
            found = opened.models(hashed=options.hash)
    else:
        found = list_models(chosen, directory)  # only looking makes no workspace
    found = [entry for entry in found if options.kind in (None, entry.kind)]
    if options.json:
        for entry in found:
            emit(asdict(entry))
    elif found:
        _print_list(found, options.hash)
    if not found:
        raise SyncseError(
            "No models", "Nothing of this kind was found.", "See `syncse models` without --kind.", ExitCode.NOTHING
        )
    return ExitCode.OK


def _print_list(found: list[ModelEntry], hashed: bool) -> None:
    header = [
        "name",
        "kind",
        "architecture",
        "weights",
        "size",
        "type",
        "context",
        "chat",
        "licence",
        "runs in",
        "from",
    ]
    rows = [[*_row(entry), *([entry.sha256 or "-"] if hashed else [])] for entry in found]
    print(table([*header, *(["sha256"] if hashed else [])], rows))
    for entry in found:
        if entry.problem:
            print(f"{safe(entry.name, 80)}: {safe(entry.problem, 400)}")


def _row(entry: ModelEntry) -> list[object]:
    return [
        safe(entry.name, 60),
        entry.kind,
        safe(entry.architecture, 20) or "-",
        weights(entry.parameters) or "-",
        size(entry.bytes) or "-",
        safe(entry.quantisation, 16) or "-",
        entry.context or "-",
        "yes" if entry.chat_template else "no",
        safe(entry.licence, 20) or "-",
        ", ".join(entry.backends) or "-",
        entry.source,
    ]


def _show(options: argparse.Namespace, chosen: Settings, directory: Path) -> ExitCode:
    if len(options.words) != 2 or options.words[0] != "show":
        raise SyncseError(
            "Wrong usage", "One model is looked at by `show NAME`.", "See `syncse models -h`.", ExitCode.USAGE
        )
    name = options.words[1]
    path = Path(name).expanduser()
    entry = describe(Found(name, "path", path.absolute())) if path.exists() else find_one(name, chosen, directory)
    if options.hash or (directory / "syncse.db").exists():
        with workspace(options) as opened:
            entry = with_hash(entry, opened.connection, options.hash)
    fits = fits_of(entry, chosen, free_memory())
    remarks = remarks_on(entry, chosen)
    if options.json:
        emit(
            {
                **asdict(entry),
                "fits": [_fit(name, fit) for name, some in fits.items() for fit in some],
                "remarks": remarks,
            }
        )
    else:
        print("\n".join(_lines(entry, fits, remarks)))
    return ExitCode.OK


def _fit(name: str, fit: Fit) -> dict[str, Any]:
    needs = {what: round(need) for what, need in fit.needs}
    return {"with": name, "place": fit.place, "needs": needs, "free": fit.free, "fits": fit.fits}


def _lines(entry: ModelEntry, fits: dict[str, list[Fit]], remarks: list[str]) -> Iterator[str]:
    yield f"{safe(entry.name)}  ({entry.kind}, from {entry.source})"
    sizes = entry.dimensions
    facts = {
        "path": entry.path,
        "files": len(entry.files),
        "architecture": entry.architecture,
        "weights": f"{entry.parameters:,}",
        "size": size(entry.bytes) or "-",
        "type": entry.quantisation,
        "context": f"{entry.context:,} tokens" if entry.context else "not stated",
        "shape": f"{sizes.layers} layers, width {sizes.hidden}, {sizes.heads} heads, vocabulary {sizes.vocabulary:,}",
        "chat template": "yes" if entry.chat_template else "no: prompts are written as plain text",
        "licence": entry.licence or "not stated",
        "runs in": ", ".join(entry.backends) or "nothing here",
        "sha256": entry.sha256 or "not computed (--hash)",
    }
    for name, value in facts.items():
        yield f"  {name:<14} {safe(value)}"
    if entry.problem:
        yield f"  {'problem':<14} {safe(entry.problem)}"
    for name, some in fits.items():
        for fit in some:
            yield f"  {name + (' fits' if fit.fits else ' does not fit'):<14} {fit}"
    for sentence in remarks:
        yield f"  {'speed':<14} {safe(sentence)}"
