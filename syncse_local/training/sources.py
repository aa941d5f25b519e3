"""Where a training run's triplets come from: generate runs as their filters left them, or a file; past the gate.

Counts what each source gave. Knows the store and the contamination gate; knows no encoder.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs.job import Job
from syncse_local.records import Triplet
from syncse_local.specs.train import TrainSpec
from syncse_local.store import faults, filtering, ledger, runs
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters.contamination import NAME as CONTAMINATION
from syncse_local.text.ingest import open_input
from syncse_local.training.provenance import Record, source_of_file, source_of_run


class Sources:
    """The triplets of one training run, and what was left out on the way."""

    def __init__(self, job: Job, spec: TrainSpec) -> None:
        self.job, self.spec = job, spec
        self.gate = Gate.of(spec)
        self.contaminated = 0
        self.filters: dict[str, str] = {}
        self.rows: dict[str, int] = {}
        self.left_out: dict[str, int] = {}
        """Rows of a file that are no triplet, by reason; a row may count under several."""
        self.rows_left_out = 0
        self.mapping = ""

    def __iter__(self) -> Iterator[Triplet]:
        """The triplets to train on, read anew each time; the counts are of the last time."""
        if not self.spec.draw:
            return self._read()
        within = drawn(self._read(), self.spec.draw)
        return (row for row, number in numbered(self._read()) if number in within)

    def _read(self) -> Iterator[Triplet]:
        self.contaminated, self.rows, self.left_out, self.rows_left_out = 0, {}, {}, 0
        read = self._of_file() if self.spec.data else self._of_runs()
        return islice(self._past_the_gate(read), self.spec.limit or None)

    def count(self) -> int:
        """How many triplets there are, with a word on what is left out. Raises SyncseError (code NOTHING) where none is left."""
        found = sum(1 for _ in self)
        if self.mapping:
            self.job.reporter.event("mapping", described=self.mapping)
        for task, why in self.gate.unread.items():
            self.job.reporter.event("warning", text=f"not checked against {task}: {why}")
        if self.contaminated:
            what = "kept, as asked for" if self.spec.keep_contaminated else "left out"
            text = f"{self.contaminated} triplets have a sentence of an evaluation set: {what}"
            self.job.reporter.event("warning", text=text)
        for name in self.filters:
            if missing := sum(kind.requests for kind in faults.unanswered(self.job.connection, name)):
                text = f"{name} is not complete: {missing:,} of its requests have no answer; its triplets are used as they are"
                self.job.reporter.event("warning", text=text)
        if not found:
            raise SyncseError(
                "No triplets to train on",
                f"The runs or the file hold no complete, accepted triplet ({self.contaminated} match evaluation sets).",
                "Generate first (`syncse generate`), or give a file with anchor, positive and negative columns.",
                ExitCode.NOTHING,
            )
        return found

    def about(self) -> dict[str, Any]:
        """What the run's record says of its data."""
        return {
            "contaminated": self.contaminated,
            "contaminated_kept": self.spec.keep_contaminated,
            "contamination_checked": self.gate.checked,
            "contamination_unchecked": self.gate.unread,
            "filters": self.filters,
            "left_out": self.left_out,
            "rows_left_out": self.rows_left_out,
        }

    def records(self) -> list[Record]:
        """Each source with its hashes, generators and filters, and how many of its rows are trained on."""
        connection = self.job.connection
        if self.spec.data:
            path = Path(self.spec.data)
            return [source_of_file(path, self.mapping, self.rows.get(str(path), 0), self.left_out)]
        filtered = not self.spec.unfiltered
        return [source_of_run(connection, name, self.rows.get(name, 0), filtered) for name in self.filters]

    def _past_the_gate(self, triplets: Iterator[tuple[str, Triplet, bool]]) -> Iterator[Triplet]:
        """Without those that the run's filters flag as an evaluation sentence or that match one."""
        for source, row, flagged in triplets:
            matched = flagged or self.gate.first_match((row.sentence, row.positive, row.negative)) is not None
            self.contaminated += matched
            if self.spec.keep_contaminated or not matched:
                self.rows[source] = self.rows.get(source, 0) + 1
                yield row

    def _of_file(self) -> Iterator[tuple[str, Triplet, bool]]:
        source = open_input(
            Path(self.spec.data),
            **self.spec.reading(),
            unique_by="sentence" if self.spec.unsupervised else "row",
            complete=not self.spec.unsupervised,
        )
        self.mapping = source.mapping.describe()
        try:
            for row in source:
                triplet = Triplet(row.sentence, row.positive or "", row.negative or "")
                yield self.spec.data, _dropout_pair(row.sentence) if self.spec.unsupervised else triplet, False
        finally:  # also where a limit ends it
            self.left_out, self.rows_left_out = source.skipped(), source.left_out

    def _of_runs(self) -> Iterator[tuple[str, Triplet, bool]]:
        """Every triplet of the runs with its run, and whether the run's filters flag it as an evaluation sentence."""
        seen = set[str]()  # of several samples of one sentence, its dropout pair is wanted once
        filtered = not self.spec.unfiltered
        for name in self.spec.runs:
            run = runs.get(self.job.connection, name)
            current = filtering.current(self.job.connection, run.id) if filtered else None
            self.filters[run.id] = current["params_hash"] if current else "none"
            flagged = filtering.flagged(self.job.connection, run.id, CONTAMINATION)
            for row in ledger.triplets(self.job.connection, [run.id], filtered=filtered):
                if not self.spec.unsupervised:
                    triplet = Triplet(row["sentence"], row["positive"], row["negative"])
                    yield run.id, triplet, row["ordinal"] in flagged
                elif row["sentence_key"] not in seen:
                    seen.add(row["sentence_key"])
                    yield run.id, _dropout_pair(row["sentence"]), row["ordinal"] in flagged


def numbered(triplets: Iterable[Triplet]) -> Iterator[tuple[Triplet, int]]:
    """Each triplet with a number that its sentence, and how often that came before, decide: the same in every run."""
    times = Counter[str]()
    for row in triplets:
        digest = hashlib.blake2b(
            f"{row.sentence}\x1f{times[row.sentence]}".encode("utf-8", "surrogatepass"), digest_size=8
        )
        times[row.sentence] += 1
        yield row, int.from_bytes(digest.digest(), "big")


def drawn(triplets: Iterable[Triplet], count: int) -> set[int]:
    """The `count` smallest numbers. Raises SyncseError (NOTHING) where there are fewer triplets."""
    found = heapq.nsmallest(count, (number for _, number in numbered(triplets)))
    if len(found) < count:
        detail = f"{count:,} triplets were to be drawn, and there are {len(found):,}."
        raise SyncseError("Too few triplets", detail, "Draw fewer, or synthesise more.", ExitCode.NOTHING)
    return set(found)


def _dropout_pair(sentence: str) -> Triplet:
    """Unsupervised SimCSE's pair: the sentence is its own positive, told apart by dropout alone; no hard negative."""
    return Triplet(sentence, sentence, "")
