"""What one training run is told, checked before anything heavy is imported. Knows no torch."""

import math
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from syncse_local.encoders.options import DEVICES, POOLINGS, PRECISIONS
from syncse_local.errors import ExitCode, SyncseError

# What does not change the weights that come out: left out of a checkpoint's fingerprint.
PLACES = ("encoder", "output", "checkpoint", "checkpoint_every", "device", "graph_gib")
CHUNK = {"cpu": 1024}  # padded tokens of a forward pass where none are asked for: what stays in a CPU's caches
LARGE_CHUNK = 8192
FALSE_NEGATIVE_LIMIT = 0.95  # later work's choice (MultiCSR); what --false-negative-limit means without a number

SELECTIONS: dict[str, tuple[str, ...]] = {
    "starter-dev": ("starter-dev",),
    "stsb-dev": ("STSB-dev",),
    "sickr-dev": ("SICKR-dev",),
    "both": ("STSB-dev", "SICKR-dev"),
    "none": (),
}
"""What `--select` takes: `both` is the paper's choice (SynCSE section 4), `none` keeps the last step."""


@dataclass(frozen=True)
class TrainOptions:
    """One training run (SynCSE section 4 for the defaults' meaning; defaults here suit a workstation).

    `encoder`, `output`, `checkpoint` are directories. `chunk_tokens` is the padded size of one forward pass and does
    not change the loss; 0 is a size for the device. `false_negative_limit` above 0 masks other rows' candidates whose
    cosine with the anchor is higher under the encoder as it was at the start. `max_steps` 0 means all epochs;
    `patience` 0 means no early stop, else that many dev
    evaluations without a better score. `graph_gib` is how much activation memory one step may hold at once; above it
    the step caches gradients (two forward passes, the same gradients). `unsupervised` is SimCSE's dropout pair: the
    sentence is its own positive and there is no hard negative. `lora_rank` above 0 trains adapters of that rank and leaves
    the encoder's own weights alone; `lora_alpha` 0 means twice the rank. Raises SyncseError (usage) on a value out of range.
    """

    encoder: Path
    output: Path
    checkpoint: Path
    batch_size: int = 128
    chunk_tokens: int = 0
    learning_rate: float = 5e-5
    epochs: int = 3
    max_steps: int = 0
    max_length: int = 32
    temperature: float = 0.05
    hard_negative_weight: float = 0.0
    pooling: str = "cls"
    mlm_weight: float = 0.0
    mlm_rate: float = 0.15
    seed: int = 42
    eval_every: int = 25
    checkpoint_every: int = 250
    device: str = "auto"
    precision: str = "fp32"
    warmup_ratio: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    patience: int = 0
    unsupervised: bool = False
    no_duplicates: bool = False
    graph_gib: float = 4.0
    lora_rank: int = 0
    lora_alpha: float = 0.0
    false_negative_limit: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (("pooling", POOLINGS), ("device", DEVICES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                ways = ("auto", *PRECISIONS) if name == "precision" else allowed  # a run's `auto` is decided before
                raise _wrong(name, getattr(self, name), "one of " + ", ".join(ways))
        least = {
            "batch_size": 2,
            "max_length": 3,
            "epochs": 1,
            "eval_every": 1,
            "checkpoint_every": 1,
        }
        for name, low in {**least, "max_steps": 0, "patience": 0, "seed": 0, "lora_rank": 0, "chunk_tokens": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise _wrong(name, value, f"a whole number of at least {low}")
        for name in ("learning_rate", "temperature", "max_grad_norm", "graph_gib"):
            self._number(name, above=0.0)
        for name in ("weight_decay", "mlm_weight", "lora_alpha"):
            self._number(name, at_least=0.0)
        self._number("hard_negative_weight")
        self._number("warmup_ratio", at_least=0.0, below=1.0)
        self._number("mlm_rate", above=0.0, below=1.0)
        self._number("false_negative_limit", at_least=0.0, below=1.0)
        if 0 < self.chunk_tokens < self.max_length:
            raise _wrong("chunk_tokens", self.chunk_tokens, f"at least max_length ({self.max_length})")

    def _number(
        self, name: str, above: float = -math.inf, at_least: float = -math.inf, below: float = math.inf
    ) -> None:
        value = getattr(self, name)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not (good and above < value < below and value >= at_least):
            limits = [f"above {above:g}" * (above > -math.inf), f"at least {at_least:g}" * (at_least > -math.inf)]
            limits.append(f"below {below:g}" * (below < math.inf))
            raise _wrong(name, value, " and ".join(["a finite number", *filter(None, limits)]))

    def chunk_budget(self, device: str) -> int:
        """Padded tokens of one forward pass on a device of this type; `max_length` fit in any case."""
        return max(self.chunk_tokens or CHUNK.get(device, LARGE_CHUNK), self.max_length)

    @property
    def token_folder(self) -> Path:
        """Where the token ids lie: beside the checkpoint."""
        return self.checkpoint.with_name("tokens")

    def recipe(self) -> dict[str, object]:
        """The options that decide the weights, as plain data: what a checkpoint must agree with."""
        return {name: value for name, value in asdict(self).items() if name not in PLACES}


def check_lora_installed() -> None:
    """Raise SyncseError (preflight) where peft is not installed; imports nothing."""
    if find_spec("peft") is None:
        raise SyncseError(
            "LoRA is not installed",
            "Adapters (--lora-rank) need the library peft, which is not there.",
            "Install it with: pip install 'syncse-local[lora]'; or train the whole encoder (--lora-rank 0).",
            ExitCode.PREFLIGHT,
        )


def _wrong(name: str, value: object, wanted: str) -> SyncseError:
    return SyncseError(
        "Bad training option",
        f"`{name}` is {value!r}, but must be {wanted}.",
        f"Change `{name}` and start again.",
        code=ExitCode.USAGE,
    )
