"""Triplets as token ids on disk, and which rows a step sees: a function of the seed and the step alone.

Knows no model beyond its tokenizer, and keeps no state: a resumed run asks for the next step.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.tokens import Ints, TokenRows
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import ScoredPair, Triplet
from syncse_local.training import tokenfile
from syncse_local.training.options import TrainOptions

LOOKS = 8  # how many waiting rows, in batches, are tried for one batch: where one text is in most rows, not all of them


class Rows:
    """The texts of triplets, or of sentences in unsupervised mode, as often as they are iterated."""

    def __init__(self, triplets: Iterable[Triplet], unsupervised: bool) -> None:
        self.triplets, self.unsupervised = triplets, unsupervised

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        for row in self.triplets:
            yield (row.sentence,) if self.unsupervised else (row.sentence, row.positive, row.negative)


class TripletData:
    """Token ids of every row's sentences, memory-mapped, and `index` (n, 3) with the places of the three.

    In unsupervised mode `index` is (n, 2): the sentence twice. `keys` (n, 3 or 1) numbers the texts, the same for the same.
    """

    def __init__(self, folder: Path, encoder: Encoder, options: TrainOptions) -> None:
        self.keys: NDArray[np.uint64] = tokenfile.opened(folder, "keys")
        self.key = tokenfile.key_of(folder)
        places = np.arange(self.keys.size).reshape(self.keys.shape)
        self.index: Ints = np.repeat(places, 2, axis=1) if options.unsupervised else places
        flat, offsets = (tokenfile.opened(folder, name) for name in ("tokens", "offsets"))
        self.tokens = TokenRows(flat, offsets, encoder.tokenizer.pad_token_id)

    @classmethod
    def prepare(cls, triplets: Iterable[Triplet], encoder: Encoder, options: TrainOptions) -> "TripletData":
        """Tokenise what is not there yet. Raises SyncseError (nothing to do) for under two rows."""
        rows, columns = Rows(triplets, options.unsupervised), 1 if options.unsupervised else 3
        count = tokenfile.prepare(rows, columns, encoder, options.max_length, options.token_folder)
        if count < 2:
            detail = f"A batch needs at least two triplets to tell apart; there are {count}."
            raise SyncseError("Too few triplets", detail, "Synthesise or import more rows.", code=ExitCode.NOTHING)
        return cls(options.token_folder, encoder, options)


class BatchPlan:
    """Which rows step 0, 1, 2 ... sees. Every epoch is its own permutation; the last batch of one may be smaller.

    With `no_duplicates` a row that shares a text with its batch waits for a later batch of the epoch. Rows that would be
    alone in a batch have nothing to be told apart from and are left out.
    """

    def __init__(self, keys: NDArray[np.uint64], options: TrainOptions) -> None:
        self.keys, self.options = keys, options
        self.size = min(options.batch_size, len(keys))
        self._epoch = lru_cache(maxsize=1)(self._batches)
        self.count = lru_cache(maxsize=None)(lambda epoch: len(self._epoch(epoch)))
        """Batches of an epoch."""
        self.alone = len(keys) - sum(map(len, self._epoch(0)))
        """Rows of the first epoch that are in no batch."""
        self.total = options.max_steps or sum(map(self.count, range(options.epochs)))
        if not self.total or not self.count(0):
            detail = "Every row shares a text with every other one: there are no two to tell apart."
            raise SyncseError("Too few triplets", detail, "Train without --no-duplicates.", code=ExitCode.NOTHING)

    def rows(self, step: int) -> Ints:
        """Row numbers of one step."""
        epoch = 0
        while step >= self.count(epoch):
            step -= self.count(epoch)
            epoch += 1
        return self._epoch(epoch)[step]

    def _batches(self, epoch: int) -> list[Ints]:
        order = np.random.default_rng([self.options.seed, epoch]).permutation(len(self.keys))
        if self.options.no_duplicates:
            return [np.asarray(rows, np.int64) for rows in self._distinct(order.tolist()) if len(rows) > 1]
        cuts = range(0, len(order), self.size)
        return [order[cut : cut + self.size] for cut in cuts if len(order) - cut > 1]

    def _distinct(self, order: list[int]) -> Iterator[list[int]]:
        """Batches in which no two rows share a text: those would be false negatives."""
        waiting, ahead = deque[int](), deque(order)
        while waiting or ahead:
            seen, batch, again = set[int](), list[int](), list[int]()
            looks = LOOKS * self.size
            while len(batch) < self.size and (ahead or (waiting and looks)):
                looks -= (again_due := bool(waiting and looks))
                row = waiting.popleft() if again_due else ahead.popleft()
                texts = self.keys[row].tolist()
                if seen.isdisjoint(texts):
                    batch.append(row)
                    seen.update(texts)
                else:
                    again.append(row)
            waiting.extend(again)
            yield batch


def fingerprint(data: TripletData, dev: Sequence[ScoredPair], options: TrainOptions) -> str:
    """A hash of the recipe and the data, to tell whether a checkpoint belongs to this run."""
    digest = hashlib.sha256(f"{sorted(options.recipe().items())!r} {data.key}".encode())
    for pair in dev:
        digest.update(f"{pair.first}\x1f{pair.second}\x1f{pair.gold!r}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
