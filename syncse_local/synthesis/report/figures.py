"""A report as bar charts. Knows the report's data; draws nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from syncse_local.charts.bars import Bars, Series
from syncse_local.synthesis.report.tally import length_labels, overlap_labels

SHARE = "{:.1%}"
LONGEST = 20
"""Bars of a chart of groups."""


def charts(report: Mapping[str, Any], kind: str) -> Iterator[Bars]:
    """Diversity side by side where there are several runs, then each run's own charts; `kind` of groups in the last."""
    if len(report["runs"]) > 1:
        yield from _diversity(report)
    for run in report["runs"]:
        name = f"{run['run']} ({run['recipe']})"
        overlap = run["histograms"]["overlap"]
        yield _histogram(f"{name}: words shared with the sentence (Jaccard), triplets", overlap_labels(), overlap)
        yield _histogram(f"{name}: words a text, triplets", length_labels(), run["histograms"]["words"])
        if near := run.get("faithfulness"):
            yield _histogram(f"{name}: cosine with the sentence, triplets", overlap_labels(), near["histograms"])
        if run["failures"]:
            series = Series("answers", tuple(map(float, run["failures"].values())))
            yield Bars(f"{name}: rejected answers by reason", tuple(run["failures"]), (series,))
        if groups := run["groups"][kind][:LONGEST]:
            labels = tuple(f"{group['role']} {group['name']}" for group in groups)
            values = tuple(group["acceptance"] for group in groups)
            yield Bars(f"{name}: accepted answers by {kind}", labels, (Series("accepted", values),), SHARE)


def _histogram(title: str, labels: list[str], found: Mapping[str, list[int]]) -> Bars:
    """The counts of each kind of text; the empty bins at the end are left out."""
    used = max((place for counts in found.values() for place, count in enumerate(counts, 1) if count), default=0)
    series = tuple(Series(name, tuple(map(float, counts[:used]))) for name, counts in found.items())
    return Bars(title, tuple(labels[:used]), series)


def _diversity(report: Mapping[str, Any]) -> Iterator[Bars]:
    """Distinct-2 and self-BLEU of each kind of text, a series a run."""
    for name, title in (
        ("distinct_2", "distinct-2, higher is more diverse"),
        ("self_bleu", "self-BLEU, lower is more diverse"),
    ):
        fields = [group["name"] for group in report["runs"][0]["groups"]["field"]]
        series = tuple(
            Series(f"{run['run']} ({run['recipe']})", tuple(group[name] for group in run["groups"]["field"]))
            for run in report["runs"]
        )
        yield Bars(title, tuple(fields), series, "{:.3f}")
