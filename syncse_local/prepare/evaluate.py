"""An evaluation made ready: encoder and directories found, tasks by name, how to encode."""

from collections.abc import Iterable

from syncse_local.config import Settings
from syncse_local.evaluation.tasks import TASKS, resolve
from syncse_local.paths import starter_encoder
from syncse_local.prepare.engine import settled
from syncse_local.prepare.names import evaluation_sets, existing, named_encoder
from syncse_local.specs.evaluate import EvaluateSpec


def evaluate(spec: EvaluateSpec, chosen: Settings) -> EvaluateSpec:
    """The spec of a run that can be started. Raises SyncseError: USAGE for unknown tasks, PREFLIGHT for what is not there."""
    chosen = settled(spec, chosen)
    sets = {"senteval": "", "reranking": "", **evaluation_sets(chosen.senteval, chosen.reranking)}
    tasks = tuple(task.name for task in resolve(list(spec.tasks) or default_tasks(chosen)))
    encoder = named_encoder(chosen.encoder or str(starter_encoder()), chosen)
    sets |= {"own": existing(spec.own, "directory of your own files")} if spec.own else {}
    ready = spec.but(encoder=encoder, tasks=tasks, device=chosen.device, **sets)
    return ready.but(cache_mb=0) if spec.no_cache else ready


def default_tasks(chosen: Settings) -> list[str]:
    """The STS and reranking tasks of the directories given; transfer, which takes minutes, is asked for by name."""
    sts: Iterable[str] = (name for name, task in TASKS.items() if task.family == "sts" and name != "starter-dev")
    return [*(sts if chosen.senteval else ["starter"]), *(["reranking"] if chosen.reranking else [])]
