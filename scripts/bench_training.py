"""Time three trainers on the same model, data, batches and precision, turn about, step by step; their loss curves overlaid.

    python scripts/bench_training.py --data TRIPLETS.csv [--encoder DIR] [--steps 7] [--precision fp32 bf16] [--curves FILE.csv]

(a) ours; (b) sentence-transformers' trainer with MultipleNegativesRankingLoss at scale 20, columns merged as it does by
default and apart (the faster counts); (c) SimCSE's way, one padded forward of all sentences of the batch. Each is a process,
and one has its turn at a time, from the end of one of its steps to the end of its next: what is fetched, tokenised
or collated for a step is in its time. Without --encoder the model is a MiniLM-shaped BERT with random weights and a
vocabulary made of the data. Dropout is --dropout (0), AdamW and the falling rate are the same on all sides.
"""

import argparse
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from syncse_local import airgap

airgap.set_switches()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from random_bert import write  # noqa: E402
from torch.nn.functional import cross_entropy, normalize  # noqa: E402

from syncse_local.encoders.modules.pooling import pool  # noqa: E402
from syncse_local.encoders.transformer import Encoder  # noqa: E402
from syncse_local.records import Triplet  # noqa: E402
from syncse_local.text.ingest import open_input  # noqa: E402
from syncse_local.training.data import BatchPlan, TripletData  # noqa: E402
from syncse_local.training.loop import learning_rate, train  # noqa: E402
from syncse_local.training.options import TrainOptions  # noqa: E402

OURS, MERGED, APART, PADDED = "ours", "s-t, columns merged", "s-t, columns apart", "one padded forward"
WARM = 2  # turns that are not timed: loading, and kernels and allocators that find their sizes


Work = Callable[[Callable[[float], None]], None]
"""A trainer: it calls what it is given after each step, with the step's loss, and goes on when that returns."""


class Lane:
    """One trainer in a process of its own, at work only while it is its turn, and what its steps took and gave."""

    def __init__(self, work: Work) -> None:
        self.losses: list[float] = []
        self.seconds: list[float] = []
        self.busy: list[float] = []
        spawn = get_context("spawn")
        self._turns, end = spawn.Pipe()
        spawn.Process(target=_trainer, args=(work, end), daemon=True).start()
        self._turns.recv()  # it has loaded its libraries

    @property
    def timed(self) -> list[float]:
        """Seconds of the timed steps by the clock; `timed_busy` of CPU time."""
        return self.seconds[WARM : len(self.losses)]

    @property
    def timed_busy(self) -> list[float]:
        """CPU seconds of the timed steps, all threads together."""
        return self.busy[WARM : len(self.losses)]

    def take_turn(self) -> None:
        """Let the trainer go on to the end of its next step, or of its work; an error there is raised here."""
        started = time.perf_counter()
        self._turns.send(None)
        loss, busy = self._turns.recv()
        self.seconds.append(time.perf_counter() - started)
        self.busy.append(busy)
        if isinstance(loss, str):
            raise SystemExit(loss)
        if loss is not None:
            self.losses.append(loss)


def _trainer(work: Work, turns: Connection) -> None:
    """The process of a lane: waits for its turns between the steps of its work."""

    worked = 0.0

    def wait() -> float:
        turns.recv()
        return time.process_time()

    def stepped(loss: float) -> None:
        nonlocal worked
        turns.send((loss, time.process_time() - worked))
        worked = wait()

    turns.send(None)
    worked = wait()
    try:
        work(stepped)
        last = None
    except BaseException:
        last = traceback.format_exc()
    turns.send((last, time.process_time() - worked))


class Turns:
    """A reporter of our trainer that hands over after every step."""

    def __init__(self, stepped: Callable[[float], None]) -> None:
        self.stepped = stepped

    def progress(self, done: int, total: int, **data: object) -> None:
        """The step is over."""
        self.stepped(float(str(data["loss"])))

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def ours(options: TrainOptions, rows: list[Triplet], stepped: Callable[[float], None]) -> None:
    """`train` as a run does it, without dev sets."""
    train(options, rows, [], Turns(stepped))


def reference(
    options: TrainOptions, batches: list[list[Triplet]], folder: Path, apart: bool, stepped: Callable[[float], None]
) -> None:
    """SentenceTransformerTrainer over the same batches in the same order: a forward for the anchors and one for the rest,
    as it does by default, or one for each column."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.base.losses.merged_forward import column_merging_disabled
    from sentence_transformers.base.sampler import DefaultBatchSampler
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from transformers import TrainerCallback

    class InOrder(DefaultBatchSampler):  # type: ignore[misc]
        def __iter__(self) -> Iterator[list[int]]:
            places = iter(range(sum(map(len, batches))))
            return iter([list(islice(places, len(batch))) for batch in batches])

    class Told(MultipleNegativesRankingLoss):  # type: ignore[misc]
        last = 0.0

        def forward(self, *given: Any) -> torch.Tensor:
            loss: torch.Tensor = super().forward(*given)
            self.last = float(loss.detach())
            return loss

    class HandOver(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            stepped(loss.last)

    model = SentenceTransformer(str(options.encoder), device=options.device)
    model.max_seq_length = options.max_length
    loss = Told(model, scale=1 / options.temperature)
    names = ("sentence", "positive", "negative")
    data = Dataset.from_dict({name: [getattr(row, name) for batch in batches for row in batch] for name in names})
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "reference"),
        per_device_train_batch_size=options.batch_size,
        batch_sampler=InOrder,
        max_steps=len(batches),
        learning_rate=options.learning_rate,
        lr_scheduler_type="linear",
        max_grad_norm=options.max_grad_norm,
        bf16=options.precision == "bf16",
        use_cpu=options.device == "cpu",
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=options.seed,
    )
    trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=data, loss=loss)
    trainer.add_callback(HandOver())
    with column_merging_disabled() if apart else nullcontext():
        trainer.train()


def padded(options: TrainOptions, batches: list[list[Triplet]], stepped: Callable[[float], None]) -> None:
    """SimCSE's step as its script has it: tokenised before, all three columns in one forward, padded to the longest."""
    encoder = Encoder.load(options.encoder, options.device)
    columns = [
        [getattr(row, name) for name in ("sentence", "positive", "negative") for row in rows] for rows in batches
    ]
    tokens = [encoder.tokenize(texts, options.max_length) for texts in columns]
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=options.learning_rate, weight_decay=0.0, fused=True)
    encoder.train()
    for step, (rows, batch) in enumerate(zip(tokens, batches, strict=True)):
        optimizer.zero_grad()
        with torch.autocast(encoder.device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            vectors = pooled(encoder, *rows.padded(np.arange(len(rows)), encoder.device))
        anchors, positives, negatives = normalize(vectors.float(), dim=-1).view(3, len(batch), -1)
        logits = anchors @ torch.cat([positives, negatives]).T / options.temperature
        loss = cross_entropy(logits, torch.arange(len(batch), device=logits.device))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), options.max_grad_norm)
        optimizer.param_groups[0]["lr"] = learning_rate(options, step, len(batches))
        optimizer.step()
        stepped(float(loss.detach()))


def pooled(encoder: Encoder, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The embeddings with the whole of the last layer computed, as SimCSE does for [CLS] too."""
    tokens = encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state
    vectors = pool(encoder.modes[0], tokens, mask)
    for layer in encoder.tail:
        vectors = layer(vectors)
    return vectors


def measure(options: argparse.Namespace, encoder: Path, rows: list[Triplet], precision: str) -> dict[str, Lane]:
    """Every trainer to its end, one step at a time each."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = TrainOptions(
            encoder,
            folder / "ours",
            folder / "ours-checkpoint",
            batch_size=options.batch,
            max_steps=options.steps,
            precision=precision,
            pooling=options.pooling,
            device=options.device,
            checkpoint_every=10**9,
            graph_gib=1000.0,
            seed=7,
        )
        settings = replace(settings, chunk_tokens=options.chunk_tokens or settings.chunk_tokens)
        plan = BatchPlan(TripletData.prepare(rows, Encoder.load(encoder), settings).keys, settings)
        batches = [[rows[i] for i in plan.rows(step)] for step in range(plan.total)]
        lanes = {
            OURS: Lane(partial(ours, settings, rows)),
            MERGED: Lane(partial(reference, settings, batches, folder, False)),
            APART: Lane(partial(reference, settings, batches, folder, True)),
            PADDED: Lane(partial(padded, settings, batches)),
        }
        for step in range(options.steps + 1):  # the last turn is the end after the last step
            order = list(lanes.values())
            for lane in order[step % len(order) :] + order[: step % len(order)]:
                lane.take_turn()
            if step < options.steps:
                taken = "; ".join(f"{name} {lane.seconds[-1]:.1f} s" for name, lane in lanes.items())
                print(f"{precision}, step {step + 1} of {options.steps}: {taken}", flush=True)
    return lanes


def report(lanes: dict[str, Lane], precision: str, batch: int) -> None:
    """The table of one precision: triplets/s, our ratio with its range over the steps, and how far the losses are apart."""
    mine = lanes[OURS]
    print(f"\n{precision}: {batch} triplets a step, {len(mine.timed)} steps timed after {WARM} that were not")
    print(
        f"{'':24} {'triplets/s':>10} {'of CPU s':>9} {'ours is':>8} {'(by step)':>14} {'of CPU s':>9} {'loss apart':>11}"
    )
    for name, lane in lanes.items():
        rate, busy = (batch * len(taken) / sum(taken) for taken in (lane.timed, lane.timed_busy))
        ratios = [theirs / own for own, theirs in zip(mine.timed, lane.timed, strict=True)]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        apart = max(abs(a - b) for a, b in zip(mine.losses, lane.losses, strict=True))
        times, cpu = sum(lane.timed) / sum(mine.timed), sum(lane.timed_busy) / sum(mine.timed_busy)
        print(f"{name:24} {rate:10.1f} {busy:9.1f} {times:7.2f}x {spread:>14} {cpu:8.2f}x {apart:11.6f}")
    fastest = min((MERGED, APART), key=lambda name: sum(lanes[name].timed))
    for name, target in ((fastest, 1.6), (PADDED, 2.5)):
        times = sum(lanes[name].timed) / sum(mine.timed)
        verdict = "met" if times >= target else f"missed by {1 - times / target:.0%}"
        print(f"{precision}: ours against {name}: {times:.2f}x, target {target}x: {verdict}")


def curves(found: dict[str, dict[str, Lane]]) -> str:
    """The losses of all trainers, a row for each precision and step (CSV)."""
    lines = [",".join(("precision", "step", *(lane for lane in (OURS, MERGED, APART, PADDED))))]
    for precision, lanes in found.items():
        for step, losses in enumerate(zip(*(lane.losses for lane in lanes.values()), strict=True), 1):
            lines.append(",".join((precision, str(step), *(f"{loss:.6f}" for loss in losses))))
    return "\n".join(lines) + "\n"


def chart(lanes: dict[str, Lane]) -> str:
    """The curves one over the other as an SVG picture, the first drawn widest so that the others show on top of it."""
    colours = ("#9ecae1", "#d62728", "#2ca02c", "#000000")
    top, bottom = (pick(loss for lane in lanes.values() for loss in lane.losses) for pick in (max, min))
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 330" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="660" height="330" fill="white"/>')
    for place, ((name, lane), colour) in enumerate(zip(lanes.items(), colours, strict=True)):
        across = 560 / max(1, len(lane.losses) - 1)
        points = " ".join(
            f"{50 + i * across:.1f},{20 + 260 * (top - loss) / max(1e-9, top - bottom):.1f}"
            for i, loss in enumerate(lane.losses)
        )
        wide = 9 - 2.5 * place
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"/>')
        parts.append(f'<text x="420" y="{40 + 18 * place}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="4" y="24">{top:.3f}</text><text x="4" y="284">{bottom:.3f}</text>')
    parts.append(f'<text x="50" y="310">loss by step, 1 to {len(lanes[OURS].losses)}</text></svg>')
    return "\n".join(parts) + "\n"


def main() -> None:
    """Print speed, ratios and loss curves for each precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="triplets: CSV, JSONL or Parquet")
    parser.add_argument("--encoder", type=Path, help="a directory; without it a MiniLM-shaped BERT of random weights")
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--pooling", default="cls", help="cls is the method's own")
    parser.add_argument("--dropout", type=float, default=0.0, help="above 0 the losses differ by chance")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--chunk-tokens", type=int, default=0)
    parser.add_argument("--curves", type=Path, help="where the losses go as CSV; an SVG for each precision beside it")
    options = parser.parse_args()
    wanted = (row for row in open_input(options.data, unique_by="row") if row.positive and row.negative)
    rows = [
        Triplet(r.sentence, r.positive or "", r.negative or "") for r in islice(wanted, options.steps * options.batch)
    ]
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        encoder = prepared(options, rows, Path(scratch))
        for precision in options.precision:
            found[precision] = measure(options, encoder, rows, precision)
            report(found[precision], precision, options.batch)
    print(f"\nlosses at dropout {options.dropout}\n{curves(found)}")
    if options.curves:
        options.curves.write_text(curves(found), encoding="utf-8")
        for precision, lanes in found.items():
            options.curves.with_suffix(f".{precision}.svg").write_text(chart(lanes), encoding="utf-8")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")


def prepared(options: argparse.Namespace, rows: list[Triplet], folder: Path) -> Path:
    """The encoder that all start from, in sentence-transformers' layout with the pooling and the dropout asked for."""
    source = options.encoder or write(
        folder / "random", [text for r in rows for text in (r.sentence, r.positive, r.negative)]
    )
    encoder = Encoder.load(source, pooling=options.pooling)
    config = encoder.model.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = options.dropout
    encoder.save(folder / "encoder")
    return folder / "encoder"


if __name__ == "__main__":
    main()
