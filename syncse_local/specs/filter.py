"""What filtering is told: the run, whose thresholds, what counts as kept before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from syncse_local.specs.choices import DEVICES
from syncse_local.specs.field import option, settled
from syncse_local.specs.spec import Spec


@dataclass(frozen=True, kw_only=True)
class FilterSpec(Spec):
    """A run of kind `filter`: it measures what the filters need, and gives the verdicts where `apply` is set."""

    KIND: ClassVar[str] = "filter"
    TITLE: ClassVar[str] = "Bad option of a filter"

    run: str = option("", "a generate run", positional=True, names="run", required=True)
    recipe: str = option(
        "", "take the thresholds of this recipe; empty: the run's own", key=None, names="recipe", metavar="NAME"
    )
    thresholds: Mapping[str, Any] | None = option(
        None, "a threshold, as in lexical.max_overlap=0.8", key=None, flag="--set", repeated=True, metavar="KEY=VALUE"
    )
    against: tuple[str, ...] = option(
        (), "runs whose triplets count as kept before: duplicates across runs", names="run", metavar="RUN"
    )
    senteval: str = option(
        "", "SentEval's data directory, for the contamination flags", names="path", setting="senteval", metavar="DIR"
    )
    reranking: str = option(
        "", "directory with the reranking sets, for the same", names="path", setting="reranking", metavar="DIR"
    )
    device: str = option("auto", "where the encoders run", choices=DEVICES, setting="device", changes_result=False)
    dry_run: bool = option(False, "store no verdict; only say what would change")
    apply: bool = settled(False, "whether the run also gives the verdicts, and not only measures")
    filters: Mapping[str, Any] | None = settled(None, "the thresholds, with models as paths", required=True)
    backend_options: Mapping[str, Any] | None = settled(None, "options of the judge's engine")
