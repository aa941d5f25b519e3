"""Token ids of many sentences in one flat array, padded and cut into chunks; no loop over tokens. Knows no model."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class TokenRows:
    """Rows of token ids: `flat` holds them end to end, row i is flat[offsets[i]:offsets[i + 1]].

    Both may be memory-mapped: only what is asked for is read.
    """

    def __init__(self, flat: NDArray[np.int32], offsets: Ints, pad: int) -> None:
        self.flat, self.offsets, self.pad = flat, offsets, pad

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], pad: int) -> "TokenRows":
        """From lists of ids."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(np.fromiter(chain.from_iterable(rows), np.int32, int(offsets[-1])), offsets, pad)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: Ints) -> Ints:
        """Numbers of tokens."""
        found: Ints = self.offsets[rows + 1] - self.offsets[rows]
        return found

    def ids(self, rows: Ints) -> NDArray[np.int32]:
        """The tokens of the rows, end to end."""
        lengths = self.lengths(rows)
        starts = np.repeat(self.offsets[rows] - np.cumsum(lengths) + lengths, lengths)
        found: NDArray[np.int32] = self.flat[starts + np.arange(len(starts))]
        return found

    def padded(self, rows: Ints, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """(ids, mask), each int64 of shape (len(rows), longest of them)."""
        lengths = self.lengths(rows)
        mask = np.arange(max(1, int(lengths.max()))) < lengths[:, None]
        ids = np.full(mask.shape, self.pad, np.int64)
        ids[mask] = self.ids(rows)
        return torch.from_numpy(ids).to(device), torch.from_numpy(mask.astype(np.int64)).to(device)


OVERHEAD = 0.05
"""What a forward and backward pass costs beside its tokens, as a part of a full one: measured as 44 tokens of 1,024 on a CPU."""


def chunks(lengths: Ints, budget: int) -> list[Ints]:
    """Positions into `lengths`, longest first, in groups whose padded size is at most `budget` tokens (or one row).

    Sentences of near lengths go together. A group costs its padded tokens and, whatever its size, OVERHEAD of the budget
    beside: where to cut between two lengths is chosen so that the sum is least, all rows between two cuts reckoned as long
    as the longest of them.
    """
    order = np.argsort(-lengths, kind="stable")
    sizes, starts = np.unique(-lengths[order], return_index=True)
    starts = np.append(starts, len(order))
    least, cuts = [0.0], [0]  # of the rows before each start: the least cost, and where its last group begins
    for stop in range(1, len(starts)):
        counts = starts[stop] - starts[:stop]
        longest = np.maximum(1, -sizes[:stop])
        groups = -(-counts // np.maximum(1, budget // longest))
        costs = np.array(least) + counts * longest + groups * budget * OVERHEAD
        cuts.append(int(costs.argmin()))
        least.append(float(costs[cuts[-1]]))
    found, stop = list[Ints](), len(starts) - 1
    while stop:
        rows = order[starts[cuts[stop]] : starts[stop]]
        fit = max(1, budget // max(1, int(lengths[rows[0]])))
        found = [*np.array_split(rows, -(-len(rows) // fit)), *found]
        stop = cuts[stop]
    return found
