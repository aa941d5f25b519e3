"""What a comparison is told: its arms, the tasks, and how differences are resampled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from syncse_local.specs.field import option, settled
from syncse_local.specs.spec import Spec

METHODS = ("bca", "percentile")
METRICS = ("spearman", "pearson", "map", "map@1000", "mrr@10", "ndcg@10", "accuracy", "f1")


@dataclass(frozen=True, kw_only=True)
class CompareSpec(Spec):
    """A run of kind `compare`."""

    KIND: ClassVar[str] = "compare"
    TITLE: ClassVar[str] = "Bad bootstrap setting"

    arms: tuple[str, ...] = option(
        (), "an eval run, or the seeds of one arm: name=RUN,RUN,RUN",
        key=None, positional=True, names="run", metavar="RUN",
    )  # fmt: skip
    tasks: tuple[str, ...] = option((), "tasks or families; none: all in common", names="task", metavar="TASK")
    metric: str = option("", "instead of each family's main one", choices=("", *METRICS))
    fixed: tuple[str, ...] = option(
        (), "this arm was not trained: no other seed of it can be had", key=None, repeated=True, metavar="ARM"
    )
    trained: tuple[str, ...] = option((), "this arm is one training run", key=None, repeated=True, metavar="ARM")
    draws: int = option(10_000, "bootstrap draws and sign flips", table="setting", at_least=100)
    seed: int = option(1, "seed of the draws", table="setting", at_least=0)
    method: str = option("bca", "of bootstrap intervals over items", table="setting", choices=METHODS)
    arms_data: tuple[Mapping[str, Any], ...] = settled((), "the arms with their runs' ids", key="arms", required=True)
