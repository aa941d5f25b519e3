"""MTEB's layout of results: `<org>__<model>/<revision>/<Task>.json` and `model_meta.json`, as mteb 2.x reads and writes them.

The revision is the hash of the weights; a data set's revision is the hash of the items that were scored, which are local
files and not necessarily the Hub's. Knows no store and writes nothing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from syncse_local import __version__
from syncse_local.errors import ExitCode, SyncseError

NAMES = {"STSB": "STSBenchmark", "STSB-dev": "STSBenchmark", "SICKR": "SICK-R", "SICKR-dev": "SICK-R"}
"""MTEB's names of tasks that are called otherwise here."""
SPLITS = {"STSB-dev": "validation", "SICKR-dev": "trial", "starter-dev": "dev"}
METRICS = {
    "spearman": ("cosine_spearman", "spearman"),
    "pearson": ("cosine_pearson", "pearson"),
    "map@1000": ("map_at_1000",),
    "mrr@10": ("mrr_at_10",),
    "ndcg@10": ("ndcg_at_10",),
}
"""MTEB's names of metrics; another keeps its own."""
MAIN = ("spearman", "map@1000", "accuracy")
"""What MTEB calls a task's main score."""
NO_REVISION = "no_revision_available"
"""MTEB's word for it."""


def files(records: Sequence[Mapping[str, Any]], org: str) -> dict[Path, str]:
    """The files' texts by their place below the results directory. Raises SyncseError (USAGE) where two runs claim one place."""
    found: dict[Path, dict[str, Any]] = {}
    for record in records:
        revision = _plain(record["weights_sha256"] or NO_REVISION)
        folder = Path(f"{_plain(org)}__{_plain(record['label'])}") / revision
        found[folder / "model_meta.json"] = _meta(f"{_plain(org)}/{_plain(record['label'])}", revision)
        for name, result in _task_results(record).items():
            path = folder / f"{_plain(name)}.json"
            before = found.setdefault(path, {**result, "scores": {}})
            if set(before["scores"]) & set(result["scores"]):
                detail = f"Two of the runs scored {name} with the same weights; {record['run']} is the second."
                raise SyncseError("Two results for one file", detail, "Export one of the two.", ExitCode.USAGE)
            before["scores"] |= result["scores"]
    return {path: json.dumps(data, indent=2, ensure_ascii=False) + "\n" for path, data in found.items()}


def _task_results(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """mteb's TaskResult by task; figures that are undefined are left out, and so is a task without its main one."""
    found: dict[str, dict[str, Any]] = {}
    by_task: dict[str, list[Mapping[str, Any]]] = {}
    for score in record["scores"]:
        by_task.setdefault(score["task"], []).append(score)
    for task, scores in by_task.items():
        defined = {score["metric"]: score["value"] for score in scores if score["value"] is not None}
        main = next((metric for metric in MAIN if metric in defined), None)
        if main is None:
            continue
        figures = {name: value for metric, value in defined.items() for name in METRICS.get(metric, (metric,))}
        about = {"hf_subset": "default", "languages": ["eng-Latn"]}
        notes = {"items": scores[0]["items"], "complete": scores[0]["complete"], "protocol": _protocols(scores)}
        name, split = NAMES.get(task, task), SPLITS.get(task, "test")
        result = found.setdefault(
            name,
            {
                "dataset_revision": scores[0]["items_sha256"] or NO_REVISION,
                "task_name": name,
                "mteb_version": None,
                "syncse_local_version": __version__,
                "scores": {},
                "evaluation_time": None,
                "kg_co2_emissions": None,
                "date": record["ended"],
            },
        )
        result["scores"][split] = [{**figures, "main_score": defined[main], **about, "syncse_local": notes}]
    return found


def _protocols(scores: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {score["metric"]: score["protocol"] for score in scores}


def _meta(name: str, revision: str) -> dict[str, Any]:
    """mteb's ModelMeta: what is not known is null."""
    unknown = ("release_date", "n_parameters", "memory_usage_mb", "max_tokens", "embed_dim", "license", "open_weights",
               "public_training_code", "public_training_data", "use_instructions", "training_datasets", "loader")  # fmt: skip
    known = {
        "name": name,
        "revision": revision,
        "languages": ["eng-Latn"],
        "framework": [],
        "similarity_fn_name": "cosine",
    }
    return {**known, **dict.fromkeys(unknown)}


def _plain(text: str) -> str:
    """A name that is one part of a path on any system; text of models and files is hostile."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "unnamed"
