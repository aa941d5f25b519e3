"""One training step: length-sorted chunks through the encoder, the loss over the whole batch, gradients on the weights.

When the graphs of all chunks would not fit they are made twice instead of kept (gradient caching, arXiv 2101.06983):
the gradients are the same. Dropout is drawn from (seed, step, chunk). Knows no optimizer and no schedule.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from syncse_local.training import sizes
from syncse_local.training.encoder import Encoder
from syncse_local.training.loss import contrastive_loss
from syncse_local.training.options import TrainOptions
from syncse_local.training.tokens import Ints, TokenRows, chunks

GIB = 2**30


class Cancelled(Exception):
    """The step was given up between two chunks; the weights are as they were before it."""


def chunk_seed(seed: int, step: int, chunk: int) -> int:
    """The seed of one chunk's dropout."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{step}/{chunk}".encode()).digest()[:7])


def token_bytes(encoder: Encoder, precision: str) -> int:
    """Activation bytes one token of this encoder keeps for the backward pass."""
    config = encoder.model.config
    return sizes.token_bytes(int(config.hidden_size), int(config.num_hidden_layers), precision)


@dataclass(frozen=True)
class Stepper:
    """Runs steps of one training run. `stop` is asked before every chunk."""

    encoder: Encoder
    tokens: TokenRows
    options: TrainOptions
    stop: Callable[[], bool]

    def contrastive(self, index: Ints, step: int) -> float:
        """Loss of the batch whose sentences are `index` (M, 2 or 3); its gradient is added to the weights' `grad`."""
        rows = index.T.reshape(-1)
        parts = chunks(self.tokens.lengths[rows], self.options.chunk_tokens)
        if self._fits(rows, parts):
            return self._kept(rows, parts, index.shape, step)
        return self._cached(rows, parts, index.shape, step)

    def _fits(self, rows: Ints, parts: list[Ints]) -> bool:
        padded = sum(len(part) * int(self.tokens.lengths[rows[part]].max()) for part in parts)
        return padded * token_bytes(self.encoder, self.options.precision) <= self.options.graph_gib * GIB

    def _kept(self, rows: Ints, parts: list[Ints], shape: tuple[int, ...], step: int) -> float:
        found = [self._embed(rows[part], step, i) for i, part in enumerate(parts)]
        loss = self._loss(_in_order(found, parts), shape)
        return _backward(loss)

    def _cached(self, rows: Ints, parts: list[Ints], shape: tuple[int, ...], step: int) -> float:
        with torch.no_grad():
            found = [self._embed(rows[part], step, i) for i, part in enumerate(parts)]
        vectors = _in_order(found, parts).requires_grad_()
        loss = self._loss(vectors, shape)
        value = _backward(loss)
        if np.isfinite(value) and vectors.grad is not None:
            for i, part in enumerate(parts):
                again = self._embed(rows[part], step, i)
                again.backward(vectors.grad[torch.from_numpy(part).to(vectors.device)])  # type: ignore[no-untyped-call]
        return value

    def _embed(self, rows: Ints, step: int, chunk: int) -> Tensor:
        if self.stop():
            raise Cancelled
        torch.manual_seed(chunk_seed(self.options.seed, step, chunk))
        with autocast(self.encoder.device, self.options.precision):
            vectors: Tensor = self.encoder(*self.tokens.padded(rows, self.encoder.device))
        return vectors.float()

    def _loss(self, vectors: Tensor, shape: tuple[int, ...]) -> Tensor:
        columns = vectors.view(shape[1], shape[0], -1)
        negatives = columns[2] if shape[1] == 3 else None
        options = self.options
        return contrastive_loss(columns[0], columns[1], negatives, options.temperature, options.hard_negative_weight)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """bfloat16 where asked for, else nothing."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def _in_order(found: list[Tensor], parts: list[Ints]) -> Tensor:
    back = np.argsort(np.concatenate(parts))
    vectors = torch.cat(found)
    return vectors[torch.from_numpy(back).to(vectors.device)]


def _backward(loss: Tensor) -> float:
    """The loss's value; gradients only if it is finite."""
    value = float(loss.detach())
    if np.isfinite(value):
        loss.backward()  # type: ignore[no-untyped-call]
    return value
