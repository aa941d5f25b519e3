"""A report as tables and remarks for a person. Knows the report's data; prints nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from syncse_local.synthesis.report.groups import KINDS

Table = tuple[list[str], list[list[object]]]
DIVERSITY = {
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "compression_ratio": "compression",
    "self_bleu": "self-BLEU",
    "vendi": "Vendi",
    "mean_cosine": "cosine",
}
LISTED = KINDS[1:]
COUNTED = ("answered", "accepted %", "triplets")
MEANS = ("tokens/triplet", "s/triplet", "a-p overlap", "a-n overlap", "a-n above a-p %")


def overview(report: Mapping[str, Any]) -> Table:
    """A line a run: answers, triplets, costs, overlaps."""
    rows = [
        [run["run"], run["recipe"], *_counted(run), run["contaminated"], *_means(run)] for run in report["runs"]
    ]  # fmt: skip
    return ["run", "recipe", *COUNTED, "contaminated", *MEANS], rows


def texts(report: Mapping[str, Any]) -> Table:
    """A line for the sentences, positives and hard negatives of each run."""
    rows = [
        [run["run"], group["name"], group["sampled"], plain(group["words"], 1), *_diversity(group, report)]
        for run in report["runs"]
        for group in run["groups"]["field"]
    ]
    return ["run", "texts", "sampled", "words", *_columns(report)], rows


def faithfulness(report: Mapping[str, Any]) -> Table:
    """A line a run: how near an encoder finds the sentences to their positives and hard negatives."""
    rows: list[list[object]] = [
        [
            *(run["run"], near["triplets"], plain(near["positive"], 3), plain(near["negative"], 3)),
            *(plain(near["gap"], 3), plain(near["error"], 3), percent(near["nearer"])),
        ]
        for run in report["runs"]
        if (near := run.get("faithfulness"))
    ]
    return ["run", "sampled", "cos(a, p)", "cos(a, n)", "difference", "its error", "positive nearer %"], rows


def doubt(run_id: str, near: Mapping[str, Any]) -> str:
    """What is said of positives that are no nearer than the hard negatives."""
    return (
        f"{run_id}: the positives are no nearer to their sentences than the hard negatives, by this encoder: cosine "
        f"{near['positive']:.3f} and {near['negative']:.3f}. Try a lower temperature or a larger model."
    )


def groups(report: Mapping[str, Any], kind: str, most: int) -> Table:
    """A line for each of a run's groups of this kind, the first `most`."""
    rows = [
        [
            *(run["run"], group["role"], group["name"], *_counted(group), *_means(group), plain(group["words"], 1)),
            *_diversity(group, report),
        ]
        for run in report["runs"]
        for group in run["groups"][kind][:most]
    ]
    return ["run", "role", kind, *COUNTED, *MEANS, "words", *_columns(report)], rows


def failures(report: Mapping[str, Any]) -> Table:
    """A line for each reason that answers were rejected for, with its share of each run's answers."""
    counts = [run["failures"] for run in report["runs"]]
    reasons = sorted({name for found in counts for name in found})
    reasons.sort(key=lambda name: -sum(found.get(name, 0) for found in counts))
    rows: list[list[object]] = [
        [name, *(percent(run["failures"].get(name, 0) / run["answered"]) for run in report["runs"])] for name in reasons
    ]
    return ["rejected for, %", *(run["run"] for run in report["runs"])], rows


def remarks(report: Mapping[str, Any], kind: str, most: int) -> Iterator[str]:
    """What a reader must know beside the tables."""
    view = "as their filters and reviews left them" if report["filtered"] else "as the parser accepted them"
    yield f"Triplets {view}. Overlap: Jaccard similarity of words with the sentence."
    sizes = ", ".join(f"{count} of each {name}" for name, count in report["sampled"].items())
    yield f"Diversity on equally many texts, drawn with seed {report['seed']}: {sizes or 'too few texts'}."
    if report["encoder"]:
        yield f"Vendi score and mean cosine by {report['encoder']}."
    sets = ", ".join(report["evaluation_sets"]) or "none"
    for run in report["runs"]:
        yield f"{run['run']}: {run['contaminated']} of {run['triplets']} triplets match an evaluation set ({sets})."
        if (near := run.get("faithfulness")) and near["doubtful"]:
            yield doubt(run["run"], near)
        if thought := run.get("reasoning_tokens"):
            yield f"{run['run']}: {thought:,} of {run['output_tokens']:,} written tokens are reasoning."
        unseen = max(0, len(run["groups"][kind]) - most) + run["left_out"].get(kind, 0)
        if unseen:
            yield f"{run['run']}: {unseen} more {kind}s are not shown."
    for task, why in report["unread_sets"].items():
        yield f"Not checked against {task}: {why}"


def _counted(found: Mapping[str, Any]) -> list[object]:
    return [found["answered"], percent(found["acceptance"]), found["triplets"]]


def _means(found: Mapping[str, Any]) -> list[object]:
    costs = [plain(found["tokens_per_triplet"], 1), plain(found["seconds_per_triplet"], 4)]
    overlaps = [plain(found[name], 3) for name in ("positive_overlap", "negative_overlap")]
    return [*costs, *overlaps, percent(found["negative_nearer"])]


def _columns(report: Mapping[str, Any]) -> list[str]:
    """The diversity columns; an encoder's only where one was used."""
    return [title for name, title in DIVERSITY.items() if report["encoder"] or name not in ("vendi", "mean_cosine")]


def _diversity(group: Mapping[str, Any], report: Mapping[str, Any]) -> list[object]:
    wanted = _columns(report)
    return [plain(group[name], 3) for name, title in DIVERSITY.items() if title in wanted]


def percent(share: float | None) -> str | None:
    """The share x 100 with one digit."""
    return None if share is None else f"{100 * share:.1f}"


def plain(value: float | None, digits: int) -> str | None:
    """The number with that many digits."""
    return None if value is None else f"{value:.{digits}f}"
