"""The store at a million rows: planning, writing answers, pages of triplets under filters and searches, export.

    python scripts/bench_store.py [--rows 1000000] [--workspace DIR]

Sentences are random words that the script draws; every step is the project's own code. Each step runs in a process of its own, so
that its peak of memory is its own. A page is measured as a front end asks for it: 100 triplets, best and worst of many. `cpu` is the
processor time of the same stretch, SQLite's included: on a machine that does other things too, it is the figure to look at.
"""

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from syncse_local.api import TripletQuery, Workspace
from syncse_local.records import Completion
from syncse_local.specs.generate import GenerateSpec
from syncse_local.store import ledger, runs
from syncse_local.synthesis import index_triplets
from syncse_local.synthesis.job import Generation
from syncse_local.synthesis.plan import EngineIdentity
from syncse_local.synthesis.recipe import load_pools, load_recipe

BATCH = 2_000
FREQUENT = "the a of and in to is was on that with for as it by at an from his her".split()
STEPS = ("plan", "answer", "index", "pages", "export")


def words(draw: random.Random, size: int) -> str:
    """A sentence of random words: every fourth one of twenty frequent words, the others of some 200,000."""
    return " ".join(word(draw) for _ in range(size))


def word(draw: random.Random) -> str:
    """One random word."""
    first = draw.choice("bcdfgklmnprst") + draw.choice("aeiou")
    return draw.choice(FREQUENT) if draw.random() < 0.25 else f"{first}{int(draw.expovariate(0.001))}"


def sentences(rows: int) -> Iterator[str]:
    """Distinct sentences of about twelve words."""
    draw = random.Random(0)
    for number in range(rows):
        yield f"{words(draw, draw.randint(6, 17))} x{number}."


class Clock:
    """Wall and processor seconds of the stretches it was around."""

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._began[0]
        self.cpu += time.process_time() - self._began[1]

    def figures(self, what: str = "", count: int = 0) -> dict[str, float]:
        """Both, and where there is a count also its rates."""
        rates = {f"{what}/s": count / self.seconds, f"{what}/cpu s": count / self.cpu} if what else {}
        return {"seconds": self.seconds, "cpu": self.cpu, **rates}


class Quiet:
    """A reporter that says nothing."""

    def progress(self, done: int, total: int, **data: object) -> None:
        """Nothing."""

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def plan(workspace: Workspace, rows: int) -> dict[str, float]:
    """Read the sentences from a file and plan two requests for each, as a generate run does."""
    source = workspace.directory / "sentences.txt"
    with source.open("w", encoding="utf-8") as handle:
        handle.writelines(f"{sentence}\n" for sentence in sentences(rows))
    recipe = load_recipe("syncse-partial")
    spec = GenerateSpec(input=str(source), recipe_data=recipe.to_dict())
    run = runs.create(workspace.connection, "generate", spec.to_options(), "bench")
    job: Any = SimpleNamespace(run=run, connection=workspace.connection, reporter=Quiet())
    stage = Generation(job, spec, recipe, load_pools(recipe))
    stage.engine = EngineIdentity("0" * 64, "llamacpp", "0")
    clock = Clock()
    with clock:
        stage.store_plan(stage.pair_rows())
    return clock.figures()


def answer(workspace: Workspace, rows: int) -> dict[str, float]:
    """Answer every request in batches of BATCH; one in ten is rejected."""
    run = workspace.runs()[0]
    draw, count, clock = random.Random(1), 0, Clock()
    for context in ledger.pending_contexts(workspace.connection, run.id, ("positive", "negative")):
        planned = ledger.pending_rows(workspace.connection, run.id, *context[:2])
        for start in range(0, len(planned), BATCH):
            batch = []
            for row in planned[start : start + BATCH]:
                text = words(draw, draw.randint(6, 12))
                failure = draw.choice(("copied", "truncated", "refusal")) if draw.random() < 0.05 else None
                done = Completion(row.key, text, "stop", 300, 280, 12, 0.1)
                batch.append(ledger.Answered(done, 1, [ledger.Outcome(text, failure)]))
            with clock:
                count += ledger.add_answers(workspace.connection, batch)
    return {"results": count, **clock.figures("results", count)}


def index(workspace: Workspace, rows: int) -> dict[str, float]:
    """Bring the index of the triplets and its full-text search up to date."""
    clock = Clock()
    with clock:
        made = index_triplets.refresh(workspace.connection, workspace.runs()[0].id)
    return {"index": made, **clock.figures("index", made)}


def pages(workspace: Workspace, rows: int) -> dict[str, Any]:
    """Milliseconds of a page of 100: median and worst over places spread through the result."""
    run = workspace.runs()[0].id
    queries = {
        "all": TripletQuery(run),
        "accepted": TripletQuery(run, state="accepted"),
        "rejected": TripletQuery(run, state="rejected"),
        "reason copied": TripletQuery(run, reason="copied"),
        "one prompt": TripletQuery(run, prompt="paraphrase"),
        "by words": TripletQuery(run, sort="words"),
        "by overlap, falling": TripletQuery(run, sort="positive_overlap", falling=True),
        "accepted by words": TripletQuery(run, state="accepted", sort="words"),
        "search, frequent word": TripletQuery(run, search="the"),
        "search, rare word": TripletQuery(run, search="x123456"),
        "search, two words": TripletQuery(run, search="the his"),
        "search among rejected": TripletQuery(run, search="the", state="rejected"),
        "search, part of a word": TripletQuery(run, search="x9999*"),
        "rejected by words": TripletQuery(run, state="rejected", sort="words"),
        "accepted of one prompt": TripletQuery(run, state="accepted", prompt="paraphrase"),
        "one prompt by overlap": TripletQuery(run, prompt="paraphrase", sort="positive_overlap"),
        "not reviewed, by words": TripletQuery(run, reviewed="no", sort="words"),
    }
    found = {}
    for name, query in queries.items():
        counting, clocks = Clock(), []
        with counting:
            outline = workspace.triplet_outline(query)
        total = outline.total
        for place in (0, 1, 10, 100, 1_000, total // 4, total // 2, 3 * total // 4, max(0, total - 100)):
            clocks.append(Clock())
            with clocks[-1]:
                workspace.triplet_page(query, place, known=outline)
        times, cpu = [1000 * clock.seconds for clock in clocks], [1000 * clock.cpu for clock in clocks]
        found[name] = {
            "rows": total,
            "outline ms": 1000 * counting.seconds,
            "page ms": median(times),
            "worst ms": max(times),
        }
        found[name] |= {"cpu outline ms": 1000 * counting.cpu, "cpu page ms": median(cpu), "cpu worst ms": max(cpu)}
    return found


def export(workspace: Workspace, rows: int) -> dict[str, float]:
    """Write all triplets as JSONL."""
    from syncse_local.records import Triplet
    from syncse_local.text.export import write_triplets

    run = workspace.runs()[0].id
    before, clock = peak(), Clock()
    with clock:
        made = (Triplet(r["sentence"], r["positive"], r["negative"]) for r in workspace.triplets([run]))
        count = write_triplets(made, workspace.directory / "out.jsonl", overwrite=True)
    return {"rows": count, **clock.figures("rows", count), "grew MB": peak() - before}


def peak() -> float:
    """This process's largest memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run every step in a process of its own, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--step", choices=STEPS)
    options = parser.parse_args()
    if options.step:
        step = {"plan": plan, "answer": answer, "index": index, "pages": pages, "export": export}[options.step]
        with Workspace(options.workspace) as workspace:
            print(json.dumps({**step(workspace, options.rows), "peak MB": peak()}))
        return
    print(f"{platform.processor() or platform.machine()}, {options.rows:,} sentences")
    with tempfile.TemporaryDirectory() as folder:
        where = options.workspace or Path(folder) / "w"
        for name in STEPS:
            command = [sys.executable, __file__, "--rows", str(options.rows), "--workspace", str(where), "--step", name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            show(name, json.loads(done.stdout))


def show(name: str, figures: dict[str, Any]) -> None:
    """A step's figures, and a line for each part that has figures of its own."""
    plain = {key: value for key, value in figures.items() if not isinstance(value, dict)}
    print(f"{name:8}", ", ".join(f"{key} {value:,.1f}" for key, value in plain.items()), flush=True)
    for part, inner in figures.items():
        if isinstance(inner, dict):
            print(f"  {part:24}", ", ".join(f"{key} {value:,.1f}" for key, value in inner.items()), flush=True)


if __name__ == "__main__":
    main()
