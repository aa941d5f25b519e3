"""What a report on triplets is told: the runs, the size of the samples, the encoder to measure with."""

from dataclasses import dataclass
from typing import ClassVar

from syncse_local.specs.choices import DEVICES
from syncse_local.specs.field import option
from syncse_local.specs.spec import Spec

ENOUGH = 20
"""Texts; a group of fewer gets no figures of diversity."""


@dataclass(frozen=True, kw_only=True)
class ReportSpec(Spec):
    """A run of kind `report`."""

    KIND: ClassVar[str] = "report"
    TITLE: ClassVar[str] = "Bad sample"

    runs: tuple[str, ...] = option(
        (), "generate runs; or one report run, to show it again",
        positional=True, names="run", metavar="RUN", required=True,
    )  # fmt: skip
    sample: int = option(1_000, "most texts that diversity is measured on in each group", at_least=ENOUGH, unit="texts")
    seed: int = option(1, "seed of the samples", at_least=0)
    encoder: str = option("", "measure Vendi score and mean cosine with it", names="encoder", metavar="NAME")
    device: str = option("auto", "where the encoder runs", choices=DEVICES, setting="device", changes_result=False)
    senteval: str = option(
        "", "SentEval's data directory, for the contamination count", names="path", setting="senteval", metavar="DIR"
    )
    reranking: str = option(
        "", "directory with the reranking sets, for the same", names="path", setting="reranking", metavar="DIR"
    )
    filtered: bool = option(True, "also the triplets that filters and persons left out", flag="--unfiltered")
