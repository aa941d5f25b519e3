"""One pass over a run's triplets: counts, histograms, evaluation sentences, and the samples that diversity is measured on.

Knows the store; knows no measure of diversity. Bounded memory, but for the keys of sentences that the run wrote itself.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from syncse_local.store import filtering, last_word, ledger, request_stats
from syncse_local.store.request_stats import PromptInfo, RequestTotals
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.report.groups import Group, Name, asked, count, followed, places
from syncse_local.synthesis.report.sample import rank
from syncse_local.synthesis.report.tally import Histograms, Measured, Tally
from syncse_local.text.clean import sentence_key

STEP = 1_000
"""Triplets between two looks at whether to stop."""


@dataclass(slots=True)
class Survey:
    """What the pass found. `left_out` counts, by kind, the groups that were too many to follow."""

    spent: RequestTotals
    seconds: float | None
    groups: dict[Name, Group]
    left_out: dict[str, int]
    tally: Tally = field(default_factory=Tally)
    histograms: Histograms = field(default_factory=Histograms)
    contaminated: int = 0

    def head(self) -> dict[str, Any]:
        """The run's own figures."""
        answered = {name: getattr(self.spent, name) for name in ("planned", "answered", "accepted")}
        return {
            **answered,
            "acceptance": self.spent.acceptance,
            "failures": dict(sorted(self.spent.failures.items(), key=lambda item: (-item[1], item[0]))),
            "contaminated": self.contaminated,
            **self.costs(self.spent, self.tally.triplets),
            **self.tally.to_dict(),
            "histograms": {"words": self.histograms.words, "overlap": self.histograms.overlap},
            "left_out": self.left_out,
        }

    def costs(self, spent: RequestTotals, triplets: int) -> dict[str, Any]:
        """Tokens and seconds, whole and per triplet. A row's share of the run's time is that of its time in flight."""
        seconds = None
        if self.seconds is not None:
            seconds = self.seconds * spent.seconds / self.spent.seconds if self.spent.seconds else 0.0
        tokens = spent.prompt_tokens - spent.cached_tokens + spent.output_tokens
        return {
            "prompt_tokens": spent.prompt_tokens,
            "cached_tokens": spent.cached_tokens,
            "output_tokens": spent.output_tokens,
            "reasoning_tokens": spent.reasoning_tokens,
            "seconds": None if seconds is None else round(seconds, 3),
            "tokens_per_triplet": round(tokens / triplets, 2) if triplets else None,
            "output_tokens_per_triplet": round(spent.output_tokens / triplets, 2) if triplets else None,
            "seconds_per_triplet": round(seconds / triplets, 5) if triplets and seconds is not None else None,
        }


def survey(
    connection: sqlite3.Connection,
    run_id: str,
    gate: Gate,
    filtered: bool,
    size: int,
    seed: int,
    tell: Callable[[int], None],
) -> Survey:
    """Go through a run's accepted triplets, by default as its filters and reviews left them.

    Samples have up to `size` texts; the same `seed` takes the same triplets of two runs over one input. `tell` hears the
    number of triplets seen now and then, and may raise.
    """
    total, found = asked(request_stats.groups(connection, run_id))
    groups = followed(found, size)
    left_out: dict[str, int] = {}
    for name in found.keys() - groups.keys():
        left_out[name.kind] = left_out.get(name.kind, 0) + 1
    made = Survey(total, request_stats.busy_seconds(connection, run_id), groups, left_out)
    flagged = filtering.flagged(connection, run_id, "contamination")
    prompts = _sentence_prompts(connection, run_id)
    for number, row in enumerate(ledger.triplets(connection, [run_id], filtered=filtered), 1):
        measured = Measured.of(row["sentence"], row["positive"], row["negative"])
        made.tally.add(measured)
        made.histograms.add(measured)
        texts = (row["sentence"], row["positive"], row["negative"])
        made.contaminated += row["ordinal"] in flagged or gate.first_match(texts) is not None
        at = places(row, prompts.get(row["sentence_key"]), last_word.is_exchanged(row, filtered))
        count(groups, at, rank(seed, row["sentence_key"], row["sample"]), measured)
        if number % STEP == 0:
            tell(number)
    return made


def _sentence_prompts(connection: sqlite3.Connection, run_id: str) -> dict[str, PromptInfo]:
    """Where each sentence that the run wrote comes from, by the sentence's key; its first request counts."""
    found: dict[str, PromptInfo] = {}
    alike: dict[PromptInfo, PromptInfo] = {}
    for text, prompt_info in request_stats.sentence_prompts(connection, run_id):
        found.setdefault(sentence_key(text), alike.setdefault(prompt_info, prompt_info))
    return found
