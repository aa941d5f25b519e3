"""The eval stage: load an encoder, score it on the run's tasks, store the scores. Knows the store and the encoder."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from syncse_local.encoders.options import EncoderOptions
from syncse_local.evaluation.encoding import RunEncoder
from syncse_local.evaluation.run import EvaluationResult, evaluate
from syncse_local.evaluation.tasks import TASKS
from syncse_local.jobs.job import Job
from syncse_local.modelfiles.hashing import weights_sha256
from syncse_local.paths import starter_sts
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.store import predictions, runs


def run(job: Job) -> dict[str, Any]:
    """Do an eval run; returns its table. Raises SyncseError, with code INTERRUPTED when it was asked to stop."""
    spec = EvaluateSpec.of(job.run.options)
    model = Path(spec.encoder)
    label = spec.label or model.name
    job.reporter.event("loading", encoder=str(model))
    chosen = EncoderOptions(spec.device, spec.pooling or "", spec.max_length or 0)
    encoder = RunEncoder(model, chosen, job.reporter, job.connection, job.workspace, spec.cache_mb << 20)
    result = evaluate(
        encoder.encode,
        spec.tasks or tuple(TASKS),
        Path(spec.senteval) if spec.senteval else None,
        job.reporter,
        starter=starter_sts(),
        reranking=Path(spec.reranking) if spec.reranking else None,
        own=Path(spec.own) if spec.own else None,
        keep_predictions=True,
        prompts=encoder.prompts,
        similarity=encoder.similarity,
    )
    encoder.close()
    runs.add_scores(job.connection, job.run.id, rows(result, label))
    predictions.add(job.connection, columns(result, job.run.id))
    averages = {family: asdict(found) for family, found in result.averages.items()}
    return {
        "encoder": str(model),
        "label": label,
        "weights_sha256": weights_sha256(job.connection, model),
        "scores": {score.task: dict(score.metrics) for score in result.scores},
        "spearman": {score.task: score.metrics["spearman"] for score in result.scores if "spearman" in score.metrics},
        "notes": {
            **{score.task: list(score.notes) for score in result.scores if score.notes},
            **({"encoder": encoder.notes} if encoder.notes else {}),
        },
        "complete": {score.task: score.complete for score in result.scores},
        "settings": encoder.settings,
        "missing": {absent.task: str(absent.looked_for) for absent in result.missing},
        "average": averages.get("sts"),
        "averages": averages,
    }


def rows(result: EvaluationResult, label: str) -> list[dict[str, Any]]:
    """The result as rows of the score table: one a task and metric."""
    found = []
    for score in result.scores:
        common = {"skipped": score.skipped, "complete": score.complete, "notes": list(score.notes), **score.detail}
        for metric, value in score.metrics.items():
            row = {"model": label, "task": score.task, "metric": metric, "value": value, "pairs": score.items}
            found.append({**row, "detail": common})
    return found


def columns(result: EvaluationResult, run_id: str) -> list[predictions.Column]:
    """The predictions of every task as columns of the store."""
    return [
        predictions.column(run_id, score.task, name, score.items_sha256, values)
        for score in result.scores
        for name, values in score.predictions.items()
    ]
