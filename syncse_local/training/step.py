"""One training step: length-sorted chunks through the encoder, the loss over the whole batch, gradients on the weights.

The loss's gradient on the embeddings comes first, then each chunk's own. Where the graphs of all chunks would not fit they
are made twice instead of kept (gradient caching, arXiv 2101.06983); several processes deal the chunks out. The gradients are
the same. Dropout is drawn from (seed, step, chunk). Knows no optimizer and no schedule.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from syncse_local.encoders.tokens import Ints, TokenRows, chunks
from syncse_local.encoders.transformer import Encoder
from syncse_local.modelfiles import training_sizes
from syncse_local.training.loss import contrastive_loss, false_negatives
from syncse_local.training.options import TrainOptions
from syncse_local.training.ranks import Ranks
from syncse_local.training.shared_embedding import shared_lookup

PLANLESS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
ATTENTION = {"cpu": [SDPBackend.MATH]}
"""Kernels of attention in bf16 by device, else PLANLESS."""


class StopRequested(Exception):
    """The step was given up between two chunks; the weights are as they were before it."""


def chunk_seed(seed: int, step: int, chunk: int) -> int:
    """The seed of one chunk's dropout."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{step}/{chunk}".encode()).digest()[:7])


def token_bytes(encoder: Encoder, precision: str) -> int:
    """Activation bytes one token of this encoder keeps for the backward pass."""
    config = encoder.model.config
    return training_sizes.token_bytes(int(config.hidden_size), int(config.num_hidden_layers), precision)


@dataclass(frozen=True)
class Stepper:
    """Runs steps of one training run. `stop` is asked before every chunk.

    `frozen` is the encoder whose cosines name the false negatives, where they are masked.
    """

    encoder: Encoder
    tokens: TokenRows
    options: TrainOptions
    stop: Callable[[], bool]
    frozen: Encoder | None = None
    ranks: Ranks = field(default_factory=Ranks)

    def contrastive(self, index: Ints, step: int) -> float:
        """Loss of the batch whose sentences are `index` (M, 2 or 3); its gradient is added to the weights' `grad`.

        With several processes each adds the part of its own chunks: the gradient is their sum.
        """
        rows = index.T.reshape(-1)
        parts = self.parts(rows)
        own = self.ranks.own(len(parts))
        kept = self._fits(rows, [parts[i] for i in own])
        masked = self._false_negatives(rows, parts, index.shape)
        with self._lookup(rows):
            with self._autocast(), torch.set_grad_enabled(kept):
                found = [self._embed(rows[parts[i]], step, i) for i in own]
            vectors = self._together(found, parts, self.encoder.dimension).requires_grad_()
            value = _backward(self._loss(vectors, index.shape, masked))
            if np.isfinite(value) and vectors.grad is not None:
                wanted = [vectors.grad[torch.from_numpy(parts[i]).to(vectors.device)] for i in own]
                if kept and found:
                    torch.autograd.backward(found, wanted)
                for i, gradient in zip(() if kept else own, wanted, strict=False):
                    with self._autocast():
                        again = self._embed(rows[parts[i]], step, i)
                    again.backward(gradient)  # type: ignore[no-untyped-call]
        return value

    def parts(self, rows: Ints) -> list[Ints]:
        """The chunks of sentences with these token rows; at least one for each process, where there are tokens enough."""
        budget = self.options.chunk_budget(self.encoder.device.type)
        lengths = self.tokens.lengths(rows)
        share = -(-int(lengths.sum()) // self.ranks.world)
        return chunks(lengths, min(budget, share) if self.ranks.world > 1 else budget)

    def _fits(self, rows: Ints, parts: list[Ints]) -> bool:
        padded = sum(len(part) * int(self.tokens.lengths(rows[part]).max()) for part in parts)
        return padded * token_bytes(self.encoder, self.options.precision) <= self.graph_bytes

    @cached_property
    def graph_bytes(self) -> float:
        """How much activation memory may be held; asked of the device once, when the weights are there."""
        device = self.encoder.device
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
        return self.options.graph_bytes(free)

    def _autocast(self) -> AbstractContextManager[None]:
        return autocast(self.encoder.device, self.options.precision)

    def _lookup(self, rows: Ints) -> AbstractContextManager[None]:
        ids = np.append(np.unique(self.tokens.ids(rows)), self.tokens.pad)
        return shared_lookup(self.encoder.model, torch.from_numpy(ids.astype(np.int64)).to(self.encoder.device))

    def _embed(self, rows: Ints, step: int, chunk: int) -> Tensor:
        if self.stop():
            raise StopRequested
        torch.manual_seed(chunk_seed(self.options.seed, step, chunk))
        vectors: Tensor = self.encoder(*self.tokens.padded(rows, self.encoder.device))
        return vectors.float()

    def _together(self, found: list[Tensor], parts: list[Ints], dimension: int) -> Tensor:
        """(rows, dimension) embeddings of all processes' chunks, in the order of the rows, without a graph."""
        device = self.encoder.device
        vectors = torch.zeros(sum(map(len, parts)), dimension, device=device)
        for i, made in zip(self.ranks.own(len(parts)), found, strict=True):
            vectors[torch.from_numpy(parts[i]).to(device)] = made.detach()
        return self.ranks.add(vectors)

    def _loss(self, vectors: Tensor, shape: tuple[int, ...], masked: Tensor | None) -> Tensor:
        anchors, positives, negatives = _columns(vectors, shape)
        options = self.options
        return contrastive_loss(
            anchors, positives, negatives, options.temperature, options.hard_negative_weight, masked
        )

    @torch.no_grad()
    def _false_negatives(self, rows: Ints, parts: list[Ints], shape: tuple[int, ...]) -> Tensor | None:
        """Which candidates of each anchor the frozen encoder finds too near; None where nothing is masked."""
        if self.frozen is None:
            return None
        device, own = self.encoder.device, self.ranks.own(len(parts))
        with self._autocast():
            found = [self.frozen(*self.tokens.padded(rows[parts[i]], device)).float() for i in own]
        vectors = self._together(found, parts, self.frozen.dimension)
        return false_negatives(*_columns(vectors, shape), self.options.false_negative_limit)


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """bfloat16 where asked for, else nothing. Chunks within one share the casts of the weights.

    Attention then goes by kernels that suit short sentences. On a CPU these are plain products: torch's fused kernel takes up
    to five times as long backwards. On a GPU it is anything but cuDNN's, which plans anew for each shape, and nearly every
    chunk has a shape of its own: without it a step is four to five times as fast (docs/log.md).
    """
    if precision != "bf16":
        yield
        return
    with torch.autocast(device.type, torch.bfloat16), sdpa_kernel(ATTENTION.get(device.type, PLANLESS)):
        yield


def _columns(vectors: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor | None]:
    columns = vectors.view(shape[1], shape[0], -1)
    return columns[0], columns[1], columns[2] if shape[1] == 3 else None


def _backward(loss: Tensor) -> float:
    """The loss's value; gradients only if it is finite."""
    value = float(loss.detach())
    if np.isfinite(value):
        loss.backward()  # type: ignore[no-untyped-call]
    return value
