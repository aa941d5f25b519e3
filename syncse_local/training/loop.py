"""The training loop, top to bottom: load, resume, step, evaluate on the dev pairs, checkpoint, keep the best.

On a CPU in fp32 a run that was stopped and resumed ends with the same bits as one that was not. Knows no store.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import torch
from torch import nn

from syncse_local.encoders.device import pick_device
from syncse_local.encoders.saving import check_target
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import is_memory
from syncse_local.records import Reporter, ScoredPair, Triplet
from syncse_local.training.checkpoint import Checkpoints, load_weights, trained_weights
from syncse_local.training.data import BatchPlan, TripletData, fingerprint
from syncse_local.training.lora import add_adapters, merge_adapters
from syncse_local.training.memory import out_of_memory
from syncse_local.training.mlm import MaskedHead, check_mask_token, masked_backward
from syncse_local.training.options import TrainOptions
from syncse_local.training.ranks import Ranks
from syncse_local.training.selection import DevSets, as_sets, dev_intervals, dev_scores, mean_score
from syncse_local.training.step import Stepper, StopRequested


@dataclass(frozen=True)
class TrainResult:
    """What a run came to. `best_score` is dev Spearman in [-1, 1], None without dev pairs; `cancelled` wrote no output.
    `best_parts` is the same for each dev set, `intervals` their 95 % bootstrap intervals (`mean`: of several sets).

    `seconds` is time in training steps, over all resumptions; `processes` is how many there were at the
    end; `stopped_early` says that `patience` ended it.
    """

    best_step: int
    best_score: float | None
    best_parts: dict[str, float]
    steps: int
    seconds: float
    final_loss: float
    triplets_per_second: float
    cancelled: bool = False
    stopped_early: bool = False
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    processes: int = 1


def train(
    options: TrainOptions,
    triplets: Iterable[Triplet],
    dev: DevSets | Sequence[ScoredPair],
    reporter: Reporter,
    readme: Callable[[TrainResult], str] | None = None,
    ranks: Ranks | None = None,
) -> TrainResult:
    """Train and write the best weights to `options.output`; goes on from the checkpoint in `options.checkpoint`.

    The best are those with the highest Spearman over `dev` (the mean of several sets), the last where `dev` is empty.
    `triplets` may be iterated twice and are not kept in memory. `readme` makes the model card. Of several `ranks` the first
    reads, scores and writes; the others need options alone and wait for its token ids.
    When the reporter is cancelled, a checkpoint is written and the result says so.
    Raises SyncseError for bad input, another run's checkpoint, a loss or weight that is not finite (the last good
    checkpoint stays) and memory that runs out.
    """
    sets = as_sets(dev)
    check_target(options.output)
    device = pick_device(options.device)
    try:
        encoder = Encoder.load(options.encoder, device, pooling=options.pooling, seed=options.seed)
        if encoder.left_out and (ranks is None or ranks.first):
            text = f"--pooling {options.pooling} leaves out the encoder's own {', '.join(encoder.left_out)}"
            reporter.event("warning", text=text)
        if options.lora_rank:
            add_adapters(encoder, options)
        return _Run(encoder, options, triplets, sets, reporter, ranks or Ranks()).go(readme)
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if is_memory(error):
            raise out_of_memory(options, device) from error
        raise


def learning_rate(options: TrainOptions, step: int, total: int) -> float:
    """Linear warm-up over warmup_ratio of the steps, then linear to zero."""
    warm = math.ceil(options.warmup_ratio * total)
    if step < warm:
        return options.learning_rate * (step + 1) / warm
    return options.learning_rate * max(0.0, (total - step) / max(1, total - warm))


class _Run:
    """One run's state: what is trained, where it stands, the best weights so far (on the CPU)."""

    def __init__(
        self,
        encoder: Encoder,
        options: TrainOptions,
        triplets: Iterable[Triplet],
        dev: DevSets,
        reporter: Reporter,
        ranks: Ranks,
    ) -> None:
        self.encoder, self.options, self.dev, self.reporter, self.ranks = encoder, options, dev, reporter, ranks
        if ranks.first:
            self.data = TripletData.prepare(triplets, encoder, options)
        mark = fingerprint(self.data, [*chain(*dev.values())], options) if ranks.first else ""
        self.mark, self.scored = json.loads(ranks.share(json.dumps([mark, bool(dev)])))
        if not ranks.first:
            self.data = TripletData(options.token_folder, encoder, options)
        self.plan = BatchPlan(self.data.keys, options)
        stop = reporter.cancelled if ranks.world == 1 else _never
        frozen = Encoder.load(options.encoder, encoder.device.type) if options.false_negative_limit else None
        self.stepper = Stepper(encoder, self.data.tokens, options, stop, frozen, ranks)
        self.head: MaskedHead | None = None
        if options.mlm_weight:
            check_mask_token(encoder)
            self.head = MaskedHead(encoder, options.seed).to(encoder.device)
        self.module = nn.ModuleDict({"encoder": encoder, **({"mlm": self.head} if self.head else {})})
        self.optimizer = _optimizer(self.module, options)
        self.checkpoints = Checkpoints(options.checkpoint, self.mark)
        self.progress, self.best = self.checkpoints.load(self.module, self.optimizer)
        self.saved = self.progress.step

    def go(self, readme: Callable[[TrainResult], str] | None) -> TrainResult:
        """Step and evaluate until the end, the patience's end, or cancellation."""
        options, progress = self.options, self.progress
        self._announce()
        while self._due() or (progress.step < self.plan.total and not self._out_of_patience()):
            try:
                if self._all_stop():
                    raise StopRequested
                if self._due():
                    self._evaluate()
                else:
                    self._step()
            except StopRequested:
                self._save()
                return self._result(cancelled=True)
            if not self._due() and progress.step % options.checkpoint_every == 0:
                self._save()
        self._save()
        if self.best:
            load_weights(self.encoder, self.best)
        if options.lora_rank:
            merge_adapters(self.encoder)
        if not self.ranks.first:
            return self._result()
        intervals = dev_intervals(self.encoder, self.dev, options.seed) if self.best else {}
        result = replace(self._result(), intervals=intervals)
        self.encoder.save(options.output, readme(result) if readme else "")
        return result

    def _all_stop(self) -> bool:
        """Whether rank 0 was asked to stop, told to all at the same place; alone, the step itself asks."""
        return self.ranks.world > 1 and self.ranks.share(str(self.reporter.cancelled())) == "True"

    def _due(self) -> bool:
        """Whether the dev pairs are to be scored before the next step."""
        step = self.progress.step
        at = step % self.options.eval_every == 0 or step == self.plan.total
        return self.scored and at and self.progress.evaluated < step

    def _out_of_patience(self) -> bool:
        return 0 < self.options.patience <= self.progress.stale

    def _step(self) -> None:
        started, step, total = time.perf_counter(), self.progress.step, self.plan.total
        rows = self.plan.rows(step)
        index = self.data.index[rows]
        self.encoder.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.stepper.contrastive(index, step)
        if self.head is not None:
            loss += self.options.mlm_weight * masked_backward(self.stepper, self.head, index, step)
        self.ranks.add_gradients(self.module.parameters())
        norm = nn.utils.clip_grad_norm_(self.module.parameters(), self.options.max_grad_norm)
        if not (math.isfinite(loss) and bool(torch.isfinite(norm))):
            raise self._not_finite(step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.options, step, total)
        self.optimizer.step()
        progress = self.progress
        progress.step, progress.loss = step + 1, loss
        progress.seconds += time.perf_counter() - started
        progress.triplets += len(rows)
        self.reporter.metric("loss", progress.step, loss)
        speed = progress.triplets / max(progress.seconds, 1e-9)
        self.reporter.progress(progress.step, total, loss=loss, triplets_per_second=round(speed, 2))

    def _evaluate(self) -> None:
        """Score the dev pairs and keep the weights if they are the best; StopRequested leaves the evaluation due."""
        progress = self.progress
        self._check_finite()
        try:
            scores = self._scores()
        except SyncseError as error:
            if error.code is ExitCode.INTERRUPTED:
                raise StopRequested from error
            raise
        except FloatingPointError as error:
            raise self._not_finite(progress.step - 1) from error
        progress.evaluated = progress.step
        score = mean_score(scores)
        if score is None:
            undefined = ", ".join(name for name, value in scores.items() if value is None)
            detail = f"All cosines or all gold scores are equal ({undefined}): the correlation is undefined."
            self.reporter.event("dev_undefined", step=progress.step, detail=detail)
            return
        self.reporter.metric("dev", progress.step, score)
        parts = {name: value for name, value in scores.items() if value is not None}
        for name, value in parts.items() if len(parts) > 1 else ():
            self.reporter.metric(f"dev {name}", progress.step, value)
        progress.stale += 1
        if progress.best_score is None or score > progress.best_score:
            progress.best_score, progress.best_step, progress.stale = score, progress.step, 0
            progress.best_parts = parts
            weights = trained_weights(self.encoder)
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}

    def _scores(self) -> dict[str, float | None]:
        """Each dev set's score: of several ranks the first computes them, and is not interrupted."""
        if self.ranks.world == 1:
            return dev_scores(self.encoder, self.dev, self.reporter.cancelled)
        found = dev_scores(self.encoder, self.dev) if self.ranks.first else {}
        scores: dict[str, float | None] = json.loads(self.ranks.share(json.dumps(found)))
        return scores

    def _save(self) -> None:
        self._check_finite()
        if self.ranks.first:
            self.checkpoints.save(self.progress, self.module, self.optimizer, self.best)
        self.saved = self.progress.step

    def _announce(self) -> None:
        self.reporter.event(
            "training_setup",
            device=self.encoder.device.type,
            precision=self.options.precision,
            parameters=sum(p.numel() for p in self.encoder.parameters()),
            trained=sum(p.numel() for p in self.encoder.parameters() if p.requires_grad),
            sentences=len(self.data.tokens),
            triplets=len(self.data.keys),
            steps=self.plan.total,
            processes=self.ranks.world,
            resumed_at=self.progress.step,
        )
        if self.plan.alone:
            text = f"{self.plan.alone} rows of an epoch are in no batch: alone in one, they have nothing to be told apart from"
            self.reporter.event("warning", text=text)

    def _result(self, cancelled: bool = False) -> TrainResult:
        progress = self.progress
        return TrainResult(
            best_step=progress.step if progress.best_score is None else progress.best_step,
            best_score=progress.best_score,
            best_parts=progress.best_parts,
            steps=progress.step,
            seconds=progress.seconds,
            final_loss=progress.loss,
            triplets_per_second=progress.triplets / max(progress.seconds, 1e-9),
            cancelled=cancelled,
            stopped_early=not cancelled and progress.step < self.plan.total,
            processes=self.ranks.world,
        )

    def _check_finite(self) -> None:
        """Weights that the last update broke must replace neither a checkpoint nor the best."""
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.module.parameters()):
            raise self._not_finite(self.progress.step - 1)

    def _not_finite(self, step: int) -> SyncseError:
        kept = f"the checkpoint of step {self.saved} is kept" if self.saved else "no checkpoint was written yet"
        detail = f"The loss, its gradient, a weight or an embedding is not a finite number at step {step + 1}; {kept}."
        hint = "Lower the learning rate, or use precision fp32, and start again with an empty checkpoint directory."
        return SyncseError("Training diverged", detail, hint)


def _never() -> bool:
    return False


def _optimizer(module: nn.Module, options: TrainOptions) -> torch.optim.AdamW:
    trained = [p for p in module.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim > 1]
    vectors = [p for p in trained if p.ndim <= 1]  # biases and LayerNorm do not decay
    groups = [
        {"params": matrices, "weight_decay": options.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)
