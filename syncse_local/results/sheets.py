"""Records of results as tables: one row a figure for CSV, and for papers one block a metric with the tasks as columns.

Runs stand in the order they were given; nothing is sorted by score and nothing is marked as the best.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncse_local.evaluation.tasks import FAMILIES
from syncse_local.results.tables import Table
from syncse_local.text.figures import hundred

Records = Sequence[Mapping[str, Any]]


def figures(records: Records) -> Table:
    """One row for each run, task and metric."""
    header = ["encoder", "run", "weights sha256", "task", "metric", "items", "complete", "0-1", "x100", "protocol"]
    rows = []
    for record in records:
        for score in record["scores"]:
            about = [record["label"], record["run"], record["weights_sha256"], score["task"], score["metric"]]
            count = [str(score["items"]), "yes" if score["complete"] else "no"]
            rows.append([*about, *count, *_both(score["value"]), score["protocol"]])
    return header, rows


def blocks(records: Records) -> Iterator[tuple[str, Table]]:
    """(protocol, table) for each metric that the families show: two rows a run, x 100 and 0 to 1."""
    for name, family in FAMILIES.items():
        for metric in family.shown:
            found = [_values(record, name, metric) for record in records]
            tasks = list(dict.fromkeys(task for values in found for task in values))
            if tasks:
                averages = [_average(record, name) if metric == family.shown[0] else None for record in records]
                yield _block(records, found, tasks, averages)


def _block(
    records: Records, found: Sequence[Mapping[str, Mapping[str, Any]]], tasks: Sequence[str], averages: Sequence[Any]
) -> tuple[str, Table]:
    protocol = next(score["protocol"] for values in found for score in values.values())
    average = averages[0]["label"] if all(averages) and len({each["label"] for each in averages}) == 1 else ""
    header = ["encoder", "unit", *tasks, *(["average"] if average else [])]
    rows = []
    for record, values, mean in zip(records, found, averages, strict=True):
        columns = [_both(values[task]["value"]) if task in values else ("-", "-") for task in tasks]
        columns += [_both(mean["value"])] if average else []
        for unit, at in (("x100", 1), ("0-1", 0)):
            rows.append([record["label"], unit, *(pair[at] for pair in columns)])
    return protocol + (f"; {average}" if average else ""), (header, rows)


def remarks(records: Records) -> list[str]:
    """What must stand below the tables: weights, what is not the published data, missing sets, notes."""
    found = []
    for record in records:
        weights = record["weights_sha256"] or "unknown"
        found.append(f"{record['label']}: run {record['run']}, weights sha256 {weights}")
    for record in records:
        found += [f"{task} is not there (looked for {at})" for task, at in record["missing"].items()]
        found += [f"{score['task']}: {note}" for score in record["scores"] for note in score["notes"]]
        strange = dict.fromkeys(score["task"] for score in record["scores"] if not score["family"])
        found += [f"{task}: this version does not know it, so it stands in no table of a family" for task in strange]
    return [*dict.fromkeys(found), "Single runs: whether a difference is more than noise, `syncse compare` says."]


def _values(record: Mapping[str, Any], family: str, metric: str) -> dict[str, Mapping[str, Any]]:
    return {s["task"]: s for s in record["scores"] if (s["family"], s["metric"]) == (family, metric)}


def _average(record: Mapping[str, Any], family: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = record["averages"].get(family)
    return found


def _both(value: float | None) -> tuple[str, str]:
    """A figure 0 to 1 and x 100."""
    return ("undefined" if value is None else f"{value:.4f}", hundred(value))
