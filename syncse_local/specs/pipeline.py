"""What commands of several runs are told: the whole job, a calibration, a merge. Their steps are runs of other kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.field import as_in, option
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.reading import Reading
from syncse_local.specs.spec import Spec
from syncse_local.specs.train import TrainSpec


@dataclass(frozen=True, kw_only=True)
class RunSpec(Reading):
    """The whole job: evaluate, generate, filter, train, evaluate again. Defaults suit the starter models."""

    KIND: ClassVar[str] = "run"

    input: str = as_in(GenerateSpec, "input", help="sentences; none: the ones that ship with the project")
    recipe: str = as_in(GenerateSpec, "recipe")
    model: str = as_in(GenerateSpec, "model", required=False)
    backend: str = as_in(GenerateSpec, "backend")
    encoder: str = as_in(TrainSpec, "encoder", required=False)
    senteval: str = as_in(EvaluateSpec, "senteval")
    reranking: str = as_in(EvaluateSpec, "reranking")
    device: str = as_in(TrainSpec, "device")
    precision: str = as_in(TrainSpec, "precision")
    count: int = as_in(GenerateSpec, "count")
    limit: int = as_in(GenerateSpec, "limit")
    epochs: int = as_in(TrainSpec, "epochs", group="")
    learning_rate: float = as_in(
        TrainSpec,
        "learning_rate",
        default=1e-4,
        help="of the training; the default suits the starter encoder",
        group="",
    )
    seed: int = as_in(TrainSpec, "seed", default=1, help="of the plan and of the training", group="")
    samples: int = as_in(GenerateSpec, "samples", default=3, help="triplets to try for each sentence")
    temperature: float | None = as_in(GenerateSpec, "temperature")
    pooling: str = as_in(
        TrainSpec,
        "pooling",
        default="avg",
        help="how tokens become one vector; avg suits the starter encoder, the paper's is cls",
    )
    no_filters: bool = option(False, "train on all accepted triplets")
    contexts: str = as_in(GenerateSpec, "contexts")
    shard: str = as_in(GenerateSpec, "shard")
    force: bool = as_in(GenerateSpec, "force")
    threads: int = as_in(GenerateSpec, "threads")
    n_gpu_layers: int = as_in(GenerateSpec, "n_gpu_layers")
    n_ctx: int = as_in(GenerateSpec, "n_ctx")
    thinking: str = as_in(GenerateSpec, "thinking")
    vllm_python: str = as_in(GenerateSpec, "vllm_python")
    base_urls: str = as_in(GenerateSpec, "base_urls")
    allow_remote: bool = as_in(GenerateSpec, "allow_remote")
    backend_options: Mapping[str, Any] | None = as_in(GenerateSpec, "backend_options")


@dataclass(frozen=True, kw_only=True)
class CalibrateSpec(TrainSpec):
    """The noise floor: one training with several seeds, each evaluated; or eval runs of such seeds that are there."""

    KIND: ClassVar[str] = "calibrate"

    seeds: int = option(5, "trainings, with `seed` and on", at_least=2, metavar="K")
    evaluated: tuple[str, ...] = option(
        (), "train nothing: eval runs of one recipe's seeds", names="run", metavar="RUN"
    )
    tasks: tuple[str, ...] = as_in(EvaluateSpec, "tasks")
    reranking: str = as_in(EvaluateSpec, "reranking")
    seed: int = as_in(TrainSpec, "seed", default=1, help="the first of the seeds")
    encoder: str = as_in(TrainSpec, "encoder", required=False)
    output: str = as_in(TrainSpec, "output", flag=None, required=False)


@dataclass(frozen=True, kw_only=True)
class MergeSpec(Spec):
    """Workspaces joined, so that shards made on several machines become one corpus."""

    KIND: ClassVar[str] = "merge"

    target: str = option(
        "", "the workspace to merge into; made where it is not there",
        positional=True, names="path", metavar="DEST", required=True,
    )  # fmt: skip
    sources: tuple[str, ...] = option(
        (), "workspaces to read; they are not changed", positional=True, names="path", metavar="SRC", required=True
    )
    dry_run: bool = option(False, "say what would come; the target is not changed")
