"""One look-up of a step's word embeddings for all of its chunks, instead of a gradient of the whole table for each.

The table of a small encoder is half of its weights; zeroing and adding it once a chunk costs as much as a layer.
Values and gradients are the same. Knows no loss.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding


@contextmanager
def shared_lookup(model: Any, ids: Tensor) -> Iterator[None]:
    """While it lasts, the model's word embeddings know the tokens `ids` (any shape) alone.

    At the end the gradients they were given are added to the whole table's. Nothing changes where the table is frozen or
    is no plain `nn.Embedding`.
    """
    table = model.get_input_embeddings()
    if type(table) is not nn.Embedding or not table.weight.requires_grad or table.max_norm or table.scale_grad_by_freq:
        yield
        return
    known = torch.unique(ids)
    place = torch.zeros(table.num_embeddings, dtype=torch.long, device=known.device)
    place[known] = torch.arange(len(known), device=known.device)
    rows = table.weight.detach()[known].requires_grad_()
    padding = table.padding_idx
    blank = int(place[padding]) if padding is not None and bool((known == padding).any()) else None
    table.forward = lambda given: embedding(place[given], rows, blank)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del table.forward
        if rows.grad is not None:
            if table.weight.grad is None:
                table.weight.grad = torch.zeros_like(table.weight)
            table.weight.grad.index_add_(0, known, rows.grad)
