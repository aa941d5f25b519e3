"""Draws the next token of many rows at once, each row with its own seed and its own parameters.

Knows logits, not engines. Order of the chain: penalties, temperature, top-k, top-p, min-p, draw - the order of the
OpenAI-style servers, so that T and top_p mean the same here as there (llama.cpp's own default applies T last).
"""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from syncse_local.records import Sampling

Logits = NDArray[np.float32]
Sums = NDArray[np.float64]
BROKEN = -1
"""Instead of a token, where the logits are not finite."""
_DRAWS = 64
"""Random numbers that are made at once for a row."""
_HEADS = (np.float32(1e-3), np.float32(1e-5))
"""Shares of the likeliest token's weight above which the nucleus is looked for first: few tokens are, and few need sorting."""
_BLOCK = 256
"""Weights in a block of a running sum: about the square root of a vocabulary, so that both searches are short."""
_CACHED = 65_536
"""Logits looked at together: 256 KiB, which stay in a core's cache."""
_TRIES = 4
"""Draws from the whole distribution before it is filtered; with top-p 0.9 one in 10,000 rows needs more."""


@dataclass(slots=True)
class RowSampler:
    """The sampling state of one row: parameters, a random stream from the row's seed, and the tokens it has made."""

    sampling: Sampling
    seed: int
    counts: dict[int, int] = field(default_factory=dict)
    _bits: np.random.PCG64 | None = None
    _draws: list[float] = field(default_factory=list)

    @property
    def penalised(self) -> bool:
        """Whether any penalty is on."""
        s = self.sampling
        return bool(s.presence_penalty or s.frequency_penalty or s.repeat_penalty != 1.0)

    def uniform(self) -> float:
        """The next number in [0, 1) of the row's stream; PCG64 bits are the same in every NumPy version."""
        if not self._draws:
            if self._bits is None:
                self._bits = np.random.PCG64(self.seed % 2**64)
            raw = self._bits.random_raw(_DRAWS)
            self._draws = ((raw >> np.uint64(11)) * 2.0**-53)[::-1].tolist()
        return self._draws.pop()

    def accept(self, token: int) -> None:
        """Note a token that the row has made; penalties count the row's own output only."""
        if self.penalised:
            self.counts[token] = self.counts.get(token, 0) + 1


def sample(logits: Logits, rows: list[RowSampler]) -> list[int]:
    """One token per row from `logits` of shape (rows, vocabulary), which is overwritten.

    A few rows at a time, so that their numbers stay in the processor's cache. A row whose logits are not finite (damaged
    weights) gets BROKEN.
    """
    few = max(1, _CACHED // logits.shape[1])
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        groups = (_sample(logits[i : i + few], rows[i : i + few]) for i in range(0, len(rows), few))
        return [token for group in groups for token in group]


def _sample(logits: Logits, rows: list[RowSampler]) -> list[int]:
    for values, row in zip(logits, rows, strict=True):
        if row.counts:
            _penalise(values, row)
    best = logits.argmax(axis=1) if any(row.sampling.temperature <= 0 for row in rows) else None
    tops = logits.max(axis=1)
    logits -= tops[:, None]
    if any(row.sampling.temperature not in (0.0, 1.0) for row in rows):
        logits *= np.array(
            [[1 / row.sampling.temperature if row.sampling.temperature > 0 else 1] for row in rows], np.float32
        )
    np.exp(logits, out=logits)
    totals = logits.sum(axis=1).tolist()
    tokens = []
    for i, row in enumerate(rows):
        if not math.isfinite(totals[i]):
            tokens.append(BROKEN)
        elif best is not None and row.sampling.temperature <= 0:
            tokens.append(int(best[i]))
        else:
            tokens.append(pick(logits[i], totals[i], row))
    return tokens


def pick(weights: Logits, total: float, row: RowSampler) -> int:
    """The row's next token, drawn from the filtered distribution.

    `weights` are unnormalised probabilities whose largest is 1 and whose sum is `total`. Tokens that tie with the last
    one kept are kept too. Tokens are drawn from the whole distribution until one passes the filters: the same
    distribution, and whether one token passes takes no sorting. Filters that let little through are applied first.
    """
    sampling = row.sampling
    if not 0 < sampling.top_k < len(weights):
        sums = _block_sums(weights)
        for _ in range(_TRIES):
            token = _at(weights, row.uniform() * sums[-1], sums, "right")
            if _passes(weights, weights[token], total, sampling):
                return token
    return _pick_filtered(weights, total, sampling, row.uniform())


def _passes(weights: Logits, weight: np.float32, total: float, sampling: Sampling) -> bool:
    """Whether a token of this weight is likely enough (min-p) and the likelier ones do not make up the mass (top-p)."""
    if weight >= 1 or weight < np.float32(sampling.min_p):
        return bool(weight >= 1)
    return sampling.top_p >= 1 or float(np.where(weights > weight, weights, 0).sum()) < sampling.top_p * total


def _pick_filtered(weights: Logits, total: float, sampling: Sampling, uniform: float) -> int:
    floor = np.float32(sampling.min_p)
    if 0 < sampling.top_k < len(weights):
        floor = max(floor, np.partition(weights, -sampling.top_k)[-sampling.top_k])
        if sampling.top_p < 1.0:
            total = float(weights[weights >= floor].sum())
    if sampling.top_p < 1.0:
        floor = max(floor, _nucleus(weights, sampling.top_p * total, floor if sampling.top_k > 0 else np.float32(0)))
    kept = np.flatnonzero(weights >= floor)
    values = weights[kept]
    sums = _block_sums(values)
    return int(kept[_at(values, uniform * sums[-1], sums, "right")])


def _nucleus(weights: Logits, mass: float, floor: np.float32) -> np.float32:
    """The smallest weight of the smallest set that holds `mass`, looking first at the few likely tokens."""
    for cut in (*(head for head in _HEADS if head > floor), floor):
        likely = weights[weights >= cut]
        if cut == floor or float(likely.sum()) >= mass:
            likely.sort()
            falling = likely[::-1]
            sums = _block_sums(falling)
            return np.float32(falling[_at(falling, min(mass, sums[-1]), sums, "left")])
    return floor


def _block_sums(values: Logits) -> Sums:
    """The running sum at the end of each block."""
    return np.cumsum(np.add.reduceat(values, np.arange(0, len(values), _BLOCK)), dtype=np.float64)


def _at(values: Logits, wanted: float, sums: Sums, side: Literal["left", "right"]) -> int:
    """The first place at which the running sum reaches `wanted` (left) or passes it (right); `sums` are those of the blocks."""
    block = min(int(sums.searchsorted(wanted, side=side)), len(sums) - 1)
    inside = values[block * _BLOCK : (block + 1) * _BLOCK]
    running = np.cumsum(inside, dtype=np.float64)
    at = int(running.searchsorted(wanted - (sums[block - 1] if block else 0.0), side=side))
    if at == len(inside):  # the block's own sum was rounded up: its last token that counts
        at = int(np.flatnonzero(inside)[-1])
    return block * _BLOCK + at


def _penalise(values: Logits, row: RowSampler) -> None:
    s = row.sampling
    seen = np.fromiter(row.counts.keys(), np.int64, len(row.counts))
    times = np.fromiter(row.counts.values(), np.float32, len(row.counts))
    chosen = values[seen]
    chosen = np.where(chosen > 0, chosen / s.repeat_penalty, chosen * s.repeat_penalty)
    values[seen] = chosen - times * s.frequency_penalty - s.presence_penalty
