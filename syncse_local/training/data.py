"""Triplets as token ids, made once, and which rows a step sees: a function of the seed and the step alone.

Knows no model beyond its tokenizer, and keeps no state: a resumed run asks for the next step.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import ScoredPair, Triplet
from syncse_local.training.encoder import Encoder
from syncse_local.training.options import TrainOptions
from syncse_local.training.tokens import Ints, TokenRows


class TripletData:
    """Every distinct sentence's tokens, and for each triplet the three sentences' numbers, `index` of shape (n, 3).

    In unsupervised mode `index` is (n, 2): the sentence twice. Raises SyncseError (nothing to do) for under two rows.
    """

    def __init__(self, triplets: Sequence[Triplet], encoder: Encoder, options: TrainOptions) -> None:
        if len(triplets) < 2:
            detail = f"A batch needs at least two triplets to tell apart; there are {len(triplets)}."
            raise SyncseError("Too few triplets", detail, "Synthesise or import more rows.", code=ExitCode.NOTHING)
        numbers: dict[str, int] = {}
        columns = [
            [numbers.setdefault(text, len(numbers)) for text in row] for row in _texts(triplets, options.unsupervised)
        ]
        self.index: Ints = np.asarray(columns, np.int64)
        self.tokens: TokenRows = encoder.tokenize(list(numbers), options.max_length)


class BatchPlan:
    """Which rows step 0, 1, 2 ... sees. Every epoch is its own permutation; the last batch of one may be smaller."""

    def __init__(self, index: Ints, options: TrainOptions) -> None:
        self.index, self.options = index, options
        self.size = min(options.batch_size, len(index))
        whole, rest = divmod(len(index), self.size)
        self.per_epoch = whole + (rest > 1)  # a single row has nothing to be told apart from
        self.total = options.max_steps or self.per_epoch * options.epochs
        self._order = lru_cache(maxsize=1)(self._permutation)

    def rows(self, step: int) -> Ints:
        """Row numbers of one step."""
        epoch, place = divmod(step, self.per_epoch)
        rows = self._order(epoch)[place * self.size : (place + 1) * self.size]
        return self._distinct(rows) if self.options.no_duplicates else rows

    def _permutation(self, epoch: int) -> Ints:
        return np.random.default_rng([self.options.seed, epoch]).permutation(len(self.index))

    def _distinct(self, rows: Ints) -> Ints:
        """Without the rows that share a text with an earlier row: those would be false negatives."""
        seen, kept = set[int](), list[int]()
        for row in rows.tolist():
            texts = set(self.index[row].tolist())
            if not texts & seen:
                kept.append(row)
                seen |= texts
        return np.asarray(kept, np.int64)


def fingerprint(triplets: Sequence[Triplet], dev: Sequence[ScoredPair], options: TrainOptions) -> str:
    """A hash of the recipe and the data, to tell whether a checkpoint belongs to this run."""
    digest = hashlib.sha256(repr(sorted(options.recipe().items())).encode())
    for texts in _texts(triplets, options.unsupervised):
        digest.update("\x1f".join((*texts, "\x1e")).encode("utf-8", "surrogatepass"))
    for pair in dev:
        digest.update(f"{pair.first}\x1f{pair.second}\x1f{pair.gold!r}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _texts(triplets: Sequence[Triplet], unsupervised: bool) -> Iterable[tuple[str, ...]]:
    if unsupervised:
        return ((row.sentence, row.sentence) for row in triplets)
    return ((row.sentence, row.positive, row.negative) for row in triplets)
