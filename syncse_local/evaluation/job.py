"""The eval stage: load an encoder, score it on the run's tasks, store the scores. Knows the store and the encoder."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from syncse_local.evaluation.run import EvaluationResult, evaluate
from syncse_local.evaluation.tasks import TASKS
from syncse_local.jobs.job import Job
from syncse_local.paths import starter_sts
from syncse_local.store import runs
from syncse_local.training.device import pick_device
from syncse_local.training.encoder import Encoder


def run(job: Job) -> dict[str, Any]:
    """Do an eval run; returns its table. Raises SyncseError, with code INTERRUPTED when it was asked to stop."""
    options = job.run.options
    model = Path(options["encoder"])
    job.reporter.event("loading", encoder=str(model))
    encoder = Encoder.load(model, device=pick_device(options.get("device", "auto")))
    result = evaluate(
        lambda sentences: encoder.encode(sentences, cancelled=job.reporter.cancelled),
        options.get("tasks") or list(TASKS),
        Path(options["senteval"]) if options.get("senteval") else None,
        job.reporter,
        starter=starter_sts(),
        reranking=Path(options["reranking"]) if options.get("reranking") else None,
        keep_predictions=True,
    )
    runs.add_scores(job.connection, job.run.id, rows(result, options.get("label") or model.name))
    averages = {family: asdict(found) for family, found in result.averages.items()}
    return {
        "encoder": str(model),
        "label": options.get("label") or model.name,
        "scores": {score.task: dict(score.metrics) for score in result.scores},
        "spearman": {score.task: score.metrics["spearman"] for score in result.scores if "spearman" in score.metrics},
        "notes": {score.task: list(score.notes) for score in result.scores if score.notes},
        "missing": {absent.task: str(absent.looked_for) for absent in result.missing},
        "average": averages.get("sts"),
        "averages": averages,
    }


def rows(result: EvaluationResult, label: str) -> list[dict[str, Any]]:
    """The result as rows of the score table: one a task and metric, the metric's predictions in its detail."""
    found = []
    for score in result.scores:
        common = {"skipped": score.skipped, "notes": list(score.notes), **score.detail}
        for metric, value in score.metrics.items():
            kept = {"predictions": score.predictions[metric]} if metric in score.predictions else {}
            row = {"model": label, "task": score.task, "metric": metric, "value": value, "pairs": score.items}
            found.append({**row, "detail": {**common, **kept}})
    return found
