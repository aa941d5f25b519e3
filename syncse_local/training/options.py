"""What the trainer is told, checked before anything heavy is imported: the numbers of a spec, and three directories. Knows no torch."""

from dataclasses import KW_ONLY, dataclass
from importlib.util import find_spec
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import GIB
from syncse_local.specs.choices import PRECISIONS
from syncse_local.specs.field import option
from syncse_local.specs.train import Training, TrainSpec

CHUNK = {"cpu": 1024}
"""Padded tokens of a forward pass where none are asked for, by device: what stays in a CPU's caches."""
LARGE_CHUNK = 32768
"""The same for every other device: on an H200 BERT-base in bf16 is 2.4 times as fast as with 8,192 (docs/log.md)."""
GRAPHS = 4 * GIB
"""Activation memory that is held where no other limit is asked for."""
GRAPH_SHARE = 0.5
"""Of a GPU's free memory, where that is more: the rest is for gradients, AdamW's moments and what the allocator wastes."""


@dataclass(frozen=True)
class TrainOptions(Training):
    """One training, decided: `encoder`, `output`, `checkpoint` are directories, and `precision` is no longer `auto`.

    Raises SyncseError (USAGE) on a value out of range.
    """

    encoder: Path
    output: Path
    checkpoint: Path
    _: KW_ONLY
    precision: str = option("fp32", "of weights and products", table="training", choices=PRECISIONS)

    @classmethod
    def of_spec(cls, spec: TrainSpec, checkpoint: Path, auto: str = "fp32") -> "TrainOptions":
        """What a run's spec tells the trainer; `auto` is the precision where the spec leaves it open."""
        numbers = {**spec.numbers(), "precision": auto if spec.precision == "auto" else spec.precision}
        return cls(Path(spec.encoder), Path(spec.output), checkpoint, **numbers)

    def chunk_budget(self, device: str) -> int:
        """Padded tokens of one forward pass on a device of this type; `max_length` fit in any case."""
        return max(self.chunk_tokens or CHUNK.get(device, LARGE_CHUNK), self.max_length)

    def graph_bytes(self, free_on_gpu: float) -> float:
        """Activation bytes that may be held at once; above it gradients are cached. `free_on_gpu` is 0 on a CPU."""
        return self.graph_gib * GIB if self.graph_gib else max(GRAPHS, GRAPH_SHARE * free_on_gpu)

    @property
    def token_folder(self) -> Path:
        """Where the token ids lie: beside the checkpoint."""
        return self.checkpoint.with_name("tokens")

    def recipe(self) -> dict[str, object]:
        """The options that decide the weights, as plain data: what a checkpoint must agree with."""
        return {field.name: getattr(self, field.name) for field in self.fields() if field.changes_result}


def check_lora_installed() -> None:
    """Raise SyncseError (preflight) where peft is not installed; imports nothing."""
    if find_spec("peft") is None:
        raise SyncseError(
            "LoRA is not installed",
            "Adapters (--lora-rank) need the library peft, which is not there.",
            "Install it with: pip install 'syncse-local[lora]'; or train the whole encoder (--lora-rank 0).",
            ExitCode.PREFLIGHT,
        )
