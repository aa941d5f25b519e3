"""What the training tests share: made-up triplets, small options and a listener. Tests nothing."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from syncse_local.encoders.transformer import Encoder
from syncse_local.records import ScoredPair, Triplet
from syncse_local.training.data import TripletData
from syncse_local.training.options import TrainOptions
from syncse_local.training.step import Stepper

WHO = ["a man", "the dog", "some one", "a red car", "the train", "every body", "the big green bus near the town"]
DOES = ["runs", "is playing a guitar", "was late", "sees the rain", "stops"]


class Listener:
    """A reporter that remembers, and cancels once `stop_at` losses were reported."""

    def __init__(self, stop_at: int = 10**9) -> None:
        self.stop_at = stop_at
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.events: list[str] = []
        self.done: list[tuple[int, int]] = []

    def progress(self, done: int, total: int, **data: object) -> None:
        self.done.append((done, total))

    def event(self, kind: str, **data: object) -> None:
        self.events.append(kind)

    def metric(self, name: str, step: int, value: float) -> None:
        self.points.setdefault(name, []).append((step, value))

    def cancelled(self) -> bool:
        return len(self.points.get("loss", [])) >= self.stop_at


def triplets(n: int = 40) -> list[Triplet]:
    rng = random.Random(4)
    rows = []
    for i in range(n):
        who, does = rng.choice(WHO), rng.choice(DOES)
        rows.append(Triplet(f"{who} {does} {i}.", f"{i}: {does} {who}", f"no one {does} {i}"))
    return rows


def dev_pairs() -> list[ScoredPair]:
    return [
        ScoredPair(f"{w} {d}", f"{w} {e}", float(d == e) * 4 + len(w) % 3)
        for w in WHO
        for d, e in zip(DOES, DOES[1:] + DOES[:1], strict=True)
    ]


def options(tiny: Path, folder: Path, **changes: Any) -> TrainOptions:
    base: dict[str, Any] = {"batch_size": 8, "epochs": 2, "eval_every": 3, "checkpoint_every": 4, "learning_rate": 1e-3}
    places = {"encoder": tiny, "output": folder / "out", "checkpoint": folder / "check", "device": "cpu"}
    return TrainOptions(**{**places, **base, **changes})


def stepper(tiny: Path, folder: Path, rows: Sequence[Triplet], **changes: Any) -> tuple[Stepper, TripletData]:
    opts = options(tiny, folder, **changes)
    encoder = Encoder.load(tiny, pooling=opts.pooling, seed=opts.seed)
    data = TripletData.prepare(rows, encoder, opts)
    frozen = Encoder.load(tiny) if opts.false_negative_limit else None
    return Stepper(encoder, data.tokens, opts, lambda: False, frozen), data


def gradients(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
