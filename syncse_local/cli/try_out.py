"""`syncse try`: answers of several models, recipes and temperatures side by side, and what a run would take."""

import argparse
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.api import Workspace
from syncse_local.cli.common import parser, settings
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode
from syncse_local.specs.study import TrySpec
from syncse_local.text.display import safe
from syncse_local.text.figures import clock, figure

if TYPE_CHECKING:
    from syncse_local.study.trial import Tried


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "try",
        "look at real answers to a few rows, side by side, before a run",
        "syncse try --model a.gguf b.gguf --input notes.txt --rows 5 --temperature 0.3 1.0",
        run,
    )
    add_fields(made, TrySpec)


def run(options: argparse.Namespace) -> ExitCode:
    """Ask each model, print the answers by row, then what a run would take."""
    from syncse_local.study.trial import try_out

    spec, chosen = spec_of(options, TrySpec), settings(options)
    spec.complete()
    tried: list[Tried] = []
    for each in try_out(Path(chosen.workspace), chosen, spec, Workspace):
        tried.append(each)
        if options.json:
            emit(each.to_dict())
    if not options.json:
        _show(tried)
        print("Nothing was stored." if not spec.keep else f"Kept as runs: {', '.join(each.run for each in tried)}")
    return ExitCode.OK if any(each.triplets for each in tried) else ExitCode.FAILED


def name(tried: "Tried") -> str:
    """Model, recipe and temperature in a few words."""
    warm = "" if tried.temperature is None else f" t={tried.temperature:g}"
    return f"{tried.model} / {tried.recipe}{warm}"


def _show(tried: "list[Tried]") -> None:
    rows = [(answer, each) for each in tried for answer in each.answers]
    order = {sentence: place for place, sentence in enumerate(dict.fromkeys(answer.sentence for answer, _ in rows))}
    rows.sort(key=lambda row: (order[row[0].sentence], row[0].role != "positive"))  # stable: models keep their order
    for (sentence, role), group in groupby(rows, key=lambda row: (row[0].sentence, row[0].role)):
        if role == "positive":
            print(f"\n== {safe(sentence)}")
        print(f"{role}")
        for answer, each in group:
            said = safe(answer.text) if not answer.failure else f"[{safe(answer.failure)}] {safe(answer.raw)}"
            cost = f"{answer.output_tokens} tokens, {answer.seconds:.2f} s"
            print(f"  {safe(name(each))}: {said}  ({cost})")
    print()
    header = ["setup", "triplets", "rows/s", "tokens a triplet", f"time for {tried[0].forecast_sentences:,} sentences"]
    print(table(header, [_forecast(each) for each in tried]))
    for each in tried:
        if each.error:
            print(f"{safe(name(each))}: {safe(each.error['title'])}: {safe(each.error['detail'])}")
    print("The forecast is from these few rows; a long run is usually faster a row, for contexts are shared.")


def _forecast(each: "Tried") -> list[object]:
    times = [figure(value) or "-" for value in (each.rows_per_second, each.per_triplet)]
    seconds = each.forecast_seconds
    return [name(each), each.triplets, *times, "-" if seconds is None else clock(seconds)]
