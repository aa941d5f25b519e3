"""What a training run is told: the data, the encoder, the dev set, the numbers. Knows no torch."""

from dataclasses import dataclass
from typing import Any, ClassVar

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.choices import DEVICES, POOLINGS, PRECISIONS
from syncse_local.specs.field import option, settled
from syncse_local.specs.reading import TripletReading
from syncse_local.specs.spec import Spec

SELECTIONS: dict[str, tuple[str, ...]] = {
    "starter-dev": ("starter-dev",),
    "stsb-dev": ("STSB-dev",),
    "sickr-dev": ("SICKR-dev",),
    "both": ("STSB-dev", "SICKR-dev"),
    "none": (),
}
"""What `--select` takes: `both` is the paper's choice (SynCSE section 4), `none` keeps the last step."""
FALSE_NEGATIVE_LIMIT = 0.95
"""Later work's choice (MultiCSR); what --false-negative-limit means without a number."""


def _number(default: Any, help: str, **more: Any) -> Any:
    return option(default, help, table="training", group="numbers of the training", **more)


def _method(default: Any, help: str, **more: Any) -> Any:
    return option(default, help, table="training", group="how it trains", **more)


@dataclass(frozen=True, kw_only=True)
class Training(Spec):
    """The numbers of a training (SynCSE section 4 for their meaning; the defaults here suit a workstation)."""

    TITLE: ClassVar[str] = "Bad training option"

    pooling: str = _method("cls", "how tokens become one vector; a decoder needs last_token or avg", choices=POOLINGS)
    no_duplicates: bool = _method(
        False,
        "no two rows of a batch share a text: they would be false negatives",
    )
    false_negative_limit: float = _method(
        0.0,
        "another row's candidate whose cosine with the anchor is above it is no negative, by the encoder as it was; 0: off",
        at_least=0,
        below=1,
        bare=FALSE_NEGATIVE_LIMIT,
        metavar="COS",
    )
    unsupervised: bool = _method(
        False,
        "SimCSE's dropout pairs: the sentences of FILE, or the anchors of --from or --data, without positives",
        extra="data",
        metavar="FILE",
    )
    device: str = _method("auto", "where the encoder runs", choices=DEVICES, setting="device", changes_result=False)
    precision: str = _method(
        "auto",
        "bf16: weights and sums in 32 bit, products in 16; auto: bf16 on a GPU that computes it",
        choices=("auto", *PRECISIONS),
        setting="precision",
    )
    batch_size: int = _number(128, "rows told apart at once; the paper's is 512", at_least=2, unit="rows")
    learning_rate: float = _number(5e-5, "the paper's for base encoders; 1e-5 for large ones", above=0)
    epochs: int = _number(3, "passes over the triplets", at_least=1)
    max_steps: int = _number(0, "end after so many steps; 0: all epochs", at_least=0, unit="steps")
    max_length: int = _number(32, "longest sentence; what is longer is cut", at_least=3, unit="tokens")
    temperature: float = _number(0.05, "divides the cosines in the loss", above=0)
    hard_negative_weight: float = _number(0.0, "a logit added to each anchor's own hard negative")
    mlm_weight: float = _number(
        0.0,
        "above 0: masked language modelling beside the loss; the published script has 0.1, the paper does not name it",
        at_least=0,
    )
    mlm_rate: float = _number(0.15, "share of the tokens that masked language modelling hides", above=0, below=1)
    eval_every: int = _number(25, "between two scores on the dev set", at_least=1, unit="steps")
    patience: int = _number(
        0, "early stopping after so many dev scores without a better one; 0: never", at_least=0, unit="dev scores"
    )
    checkpoint_every: int = _number(250, "between two checkpoints", at_least=1, unit="steps", changes_result=False)
    seed: int = _number(42, "decides order, dropout, fresh heads and adapters", at_least=0)
    warmup_ratio: float = _number(0.0, "share of the steps in which the learning rate rises", at_least=0, below=1)
    weight_decay: float = _number(0.0, "AdamW's weight decay", at_least=0)
    max_grad_norm: float = _number(1.0, "gradients above this norm are clipped to it", above=0)
    chunk_tokens: int = _number(
        0,
        "padded size of one forward pass; 0: 1,024 on a CPU, 32,768 on a GPU; the loss is the whole batch's whatever it is",
        at_least=0,
        unit="tokens",
    )
    graph_gib: float = _number(
        0.0,
        "above so much activation memory, gradients are cached (two forward passes, the same gradients); 0: 4, on a GPU half"
        " of what is free if that is more",
        at_least=0,
        unit="GiB",
        changes_result=False,
    )
    lora_rank: int = _number(
        0, "above 0: train adapters of this rank and leave the encoder's own weights alone", at_least=0
    )
    lora_alpha: float = _number(0.0, "the adapters' scale; 0: twice the rank", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.chunk_tokens < self.max_length:
            wanted = f"at least max_length ({self.max_length})"
            raise self.field("chunk_tokens").refused(self.chunk_tokens, self.TITLE, wanted)

    def numbers(self) -> dict[str, Any]:
        """What stands in this class, by name: what the trainer is told."""
        return {field.name: getattr(self, field.name) for field in Training.fields()}


@dataclass(frozen=True, kw_only=True)
class TrainSpec(Training, TripletReading):
    """A run of kind `train`: exactly one of `runs` and `data` says what to train on."""

    KIND: ClassVar[str] = "train"

    runs: tuple[str, ...] = option(
        (), "generate runs whose accepted triplets to use", flag="--from", names="run", metavar="RUN"
    )
    data: str = option("", "or a file with anchor, positive and hard-negative columns", names="path", metavar="FILE")
    encoder: str = option(
        "",
        "the encoder to start from: a directory, or a name of `syncse models`; empty: the starter encoder",
        names="encoder",
        setting="encoder",
        metavar="NAME",
        required=True,
    )
    output: str = option(
        "",
        "where the trained encoder goes; empty: models/NAME in the workspace",
        names="path",
        metavar="DIR",
        required=True,
    )
    select: str = option(
        "starter-dev",
        "the dev set that chooses the best step; both: the mean of STS-B and SICK-R dev",
        key=None,
        choices=tuple(SELECTIONS),
    )
    dev: tuple[str, ...] | None = option(
        None,
        "or these STS tasks, the mean of several; none: the last step",
        names="task",
        metavar="TASK",
        instead_of="select",
    )
    senteval: str = option(
        "", "SentEval's data directory, for STS-B and SICK-R dev", names="path", setting="senteval", metavar="DIR"
    )
    limit: int = option(0, "use only the first so many triplets; 0: all", at_least=0, unit="triplets")
    draw: int = option(
        0,
        "train on exactly so many triplets, drawn by a hash of their sentences, so that a smaller draw lies within a larger; 0: all",
        at_least=0,
        unit="triplets",
    )
    unfiltered: bool = option(False, "with --from: also what the runs' filters drop")
    keep_contaminated: bool = option(False, "train also on triplets with a sentence of an evaluation set")
    force: bool = option(False, "go on also where the model will not fit into the memory", changes_result=False)
    reranking: str = option(
        "",
        "directory with the reranking sets, for the contamination gate",
        names="path",
        setting="reranking",
        flag=None,
    )
    data_sha256: str = settled("", "hash of `data`, where a calibration tells files apart by it")

    def complete(self) -> None:
        """See `Spec.complete`: there is one thing to train on."""
        super().complete()
        if bool(self.runs) == bool(self.data):
            raise nothing_to_train_on()


def nothing_to_train_on() -> SyncseError:
    """The error where a training is told of no data, or of two kinds."""
    detail = "Exactly one of --from, --data and --unsupervised FILE is needed."
    return SyncseError("What to train on?", detail, "Add --from RUN, or --data FILE.", ExitCode.USAGE)
