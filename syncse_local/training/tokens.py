"""Token ids of many sentences in one flat array, padded and cut into chunks; no loop over tokens. Knows no model."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class TokenRows:
    """Rows of token ids: `flat` holds them end to end, row i is flat[offsets[i]:offsets[i + 1]]."""

    def __init__(self, rows: Sequence[Sequence[int]], pad: int) -> None:
        self.lengths: Ints = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        self.offsets: Ints = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])
        self.flat: NDArray[np.int32] = np.fromiter(chain.from_iterable(rows), np.int32, int(self.offsets[-1]))
        self.pad = pad

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, rows: Ints, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """(ids, mask), each int64 of shape (len(rows), longest of them)."""
        lengths = self.lengths[rows]
        columns = np.arange(max(1, int(lengths.max())))
        mask = columns < lengths[:, None]
        places = np.where(mask, self.offsets[rows][:, None] + columns, 0)
        ids = np.where(mask, self.flat[places], self.pad).astype(np.int64)
        return torch.from_numpy(ids).to(device), torch.from_numpy(mask.astype(np.int64)).to(device)


def chunks(lengths: Ints, budget: int) -> list[Ints]:
    """Positions into `lengths`, longest first, in groups whose padded size is at most `budget` tokens (or one row)."""
    order = np.argsort(-lengths, kind="stable")
    found, start = list[Ints](), 0
    while start < len(order):
        taken = max(1, budget // max(1, int(lengths[order[start]])))
        found.append(order[start : start + taken])
        start += taken
    return found
