"""Draws the next token of many rows at once, each row with its own seed and its own parameters.

Knows logits, not engines. Order of the chain: penalties, temperature, top-k, top-p, min-p, draw - the order of the
OpenAI-style servers, so that T and top_p mean the same here as there (llama.cpp's own default applies T last).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from syncse_local.records import Sampling

Logits = NDArray[np.float32]
BROKEN = -1
_DRAWS = 64
_HEAD = np.float32(1e-3)


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

    A row whose logits are not finite (damaged weights) gets BROKEN.
    """
    for values, row in zip(logits, rows, strict=True):
        if row.counts:
            _penalise(values, row)
    tops = logits.max(axis=1)
    greedy = np.array([row.sampling.temperature <= 0 for row in rows])
    if greedy.all():
        return [int(a) if np.isfinite(t) else BROKEN for a, t in zip(logits.argmax(axis=1), tops, strict=True)]
    best = logits.argmax(axis=1) if greedy.any() else None
    scale = np.array(
        [1.0 if g else 1.0 / r.sampling.temperature for g, r in zip(greedy, rows, strict=True)], np.float32
    )
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        logits -= tops[:, None]
        logits *= scale[:, None]
        np.exp(logits, out=logits)
        totals = logits.sum(axis=1)
    tokens: list[int] = []
    for i, row in enumerate(rows):
        if not np.isfinite(totals[i]):
            tokens.append(BROKEN)
        elif best is not None and greedy[i]:
            tokens.append(int(best[i]))
        else:
            tokens.append(pick(logits[i], float(totals[i]), row.sampling, row.uniform()))
    return tokens


def pick(weights: Logits, total: float, sampling: Sampling, uniform: float) -> int:
    """The token at `uniform` of the filtered distribution.

    `weights` are unnormalised probabilities whose largest is 1 and whose sum is `total`. Tokens that tie with the last
    one kept are kept too.
    """
    floor = np.float32(sampling.min_p)
    if 0 < sampling.top_k < len(weights):
        floor = max(floor, np.partition(weights, -sampling.top_k)[-sampling.top_k])
        if sampling.top_p < 1.0:
            total = float(weights[weights >= floor].sum())
    if sampling.top_p < 1.0:
        floor = max(floor, _nucleus(weights, sampling.top_p * total, floor if sampling.top_k > 0 else np.float32(0)))
    kept = np.flatnonzero(weights >= floor)
    if len(kept) == 1:
        return int(kept[0])
    cumulated = np.cumsum(weights[kept], dtype=np.float64)
    at = int(np.searchsorted(cumulated, uniform * cumulated[-1], side="right"))
    return int(kept[min(at, len(kept) - 1)])


def _nucleus(weights: Logits, mass: float, floor: np.float32) -> np.float32:
    """The smallest weight of the smallest set that holds `mass`, looking first at the few likely tokens."""
    for cut in (max(_HEAD, floor), floor):
        ordered = np.sort(weights[weights >= cut])[::-1]
        cumulated = np.cumsum(ordered, dtype=np.float64)
        at = int(np.searchsorted(cumulated, mass))
        if at < len(ordered):
            return np.float32(ordered[at])
    return floor


def _penalise(values: Logits, row: RowSampler) -> None:
    s = row.sampling
    seen = np.fromiter(row.counts.keys(), np.int64, len(row.counts))
    times = np.fromiter(row.counts.values(), np.float32, len(row.counts))
    chosen = values[seen]
    chosen = np.where(chosen > 0, chosen / s.repeat_penalty, chosen * s.repeat_penalty)
    values[seen] = chosen - times * s.frequency_penalty - s.presence_penalty
