"""A study's runs as specs: syntheses, trainings, evaluations. The same spec has the same name in every study. Starts nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.paths import starter_encoder
from syncse_local.prepare.evaluate import evaluate
from syncse_local.prepare.generate import generate
from syncse_local.prepare.names import existing, named_encoder
from syncse_local.prepare.pipeline import STARTER_TRAINING
from syncse_local.prepare.train import train
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.train import TrainSpec
from syncse_local.study.arms import Source, StudyArm
from syncse_local.study.design import Study
from syncse_local.study.held_out import FILE
from syncse_local.study.split import SplitInput, overlap
from syncse_local.text.toml import content_hash


def synthesis(study: Study, source: Source, parts: SplitInput, chosen: Settings) -> GenerateSpec:
    """The generate run of a source. Raises SyncseError: USAGE, PREFLIGHT, BLOCKED."""
    maker = source.generator
    given: dict[str, Any] = {"input": str(parts.train), "recipe": source.recipe, "backend": maker.backend}
    given |= {"model": maker.model} if maker.model else {}
    given |= {"temperature": source.temperature} if source.temperature is not None else {}
    given |= {"samples": source.samples} if source.samples is not None else {}
    given |= {"backend_options": dict(maker.options)} if maker.options else {}
    return generate(GenerateSpec.asked(**given), chosen)


def training(
    study: Study,
    arm: StudyArm,
    seed: int,
    runs: Sequence[str],
    draw: int,
    parts: SplitInput,
    chosen: Settings,
    workspace: Path,
) -> TrainSpec:
    """The training of an arm with a seed, its encoder to lie where the same training of another study has put it.

    [training] has the last word; what it leaves open is as in `syncse run`.
    """
    given: dict[str, Any] = {**STARTER_TRAINING, "select": "none", **study.training, "seed": seed}
    given |= {"encoder": arm.encoder} if arm.encoder else {}
    given |= {name: value for name, value in _sets(study).items() if value}
    if arm.baseline == "dropout":
        given |= {"data": str(parts.train), "unsupervised": True}
    elif arm.baseline == "human":
        given |= {"data": study.human}
    else:
        given |= {"runs": tuple(runs)} | ({} if arm.filters else {"unfiltered": True})
    given |= {"draw": draw} if draw else {}
    ready = train(TrainSpec.asked(**given), chosen, "study", lambda text: text)
    return ready.but(output=str(workspace.resolve() / "models" / f"study-{content_hash(ready.to_options())[:16]}"))


def evaluation(study: Study, encoder: str, chosen: Settings, own: str = "") -> EvaluateSpec:
    """The evaluation of an encoder; `own` is the directory with the held-out triplets, where there are any."""
    given: dict[str, Any] = {name: value for name, value in _sets(study).items() if value}
    given |= {"tasks": study.tasks} if study.tasks else {}
    ready = evaluate(EvaluateSpec.asked(**given, **({"encoder": encoder} if encoder else {})), chosen)
    held = tuple(f"{family}:{FILE}" for family in ("triplets", "retrieval"))
    return ready.but(own=own, tasks=(*ready.tasks, *held)) if own else ready


def check(
    study: Study, parts: SplitInput, found: Sequence[StudyArm], chosen: Settings, samples: Mapping[Source, int]
) -> None:
    """Raise SyncseError for what could only fail after hours: sizes, encoders, the file of human triplets."""
    for arm in found:
        if arm.source and arm.size > (most := parts.sentences * samples[arm.source]):
            detail = (
                f"Size {arm.size:,} is more than the {most:,} triplets that {parts.sentences:,} sentences can give."
            )
            raise SyncseError(
                "Size too large", detail, "Lower the size, or give more sentences or samples.", ExitCode.USAGE
            )
    widths = {encoder or "starter": _width(encoder, chosen) for encoder in study.encoders}
    if len({width for width in widths.values() if width}) > 1:
        listed = ", ".join(f"{name}: {width}" for name, width in widths.items())
        detail = f"The encoders have vectors of different dimensions ({listed}), and size would pass for quality."
        raise SyncseError("Encoders of different dimensions", detail, "Make a study for each.", ExitCode.USAGE)
    if study.human:
        path = Path(existing(study.human, "file of human triplets"))
        if shared := next(overlap(parts, path), None):
            detail = f"{path} has an anchor that is kept apart for evaluation: {shared[:80]!r}."
            raise SyncseError("Trained on what it is tested on", detail, "Take it out of the file.", ExitCode.USAGE)


def _width(encoder: str, chosen: Settings) -> int:
    """The encoder's hidden size as its config says; 0 where it does not."""
    import json

    path = Path(named_encoder(encoder or chosen.encoder or str(starter_encoder()), chosen)) / "config.json"
    try:
        return int(json.loads(path.read_text(encoding="utf-8")).get("hidden_size", 0))
    except (OSError, ValueError, AttributeError, TypeError):
        return 0


def _sets(study: Study) -> dict[str, str]:
    return {"senteval": study.senteval, "reranking": study.reranking}
