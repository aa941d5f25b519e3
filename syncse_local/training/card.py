"""The model card of a trained encoder as Markdown, from its record (see `provenance`). Knows no store.

Every text that comes from a model, a file or a person is written as code, so that none of it is markup.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from syncse_local.text.clean import storable
from syncse_local.text.figures import hundred, size
from syncse_local.training.markdown import code, table
from syncse_local.training.places import without_places

FRONT = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
- sentence-transformers
- sentence-similarity
- feature-extraction
- syncse-local
---"""
USE = """```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("PATH/OF/THIS/DIRECTORY")
embeddings = model.encode(["A man is playing a guitar.", "Someone plays an instrument."])
```"""
UNKNOWN = "not stated in its files"

Record = Mapping[str, Any]


def render(record: Record) -> str:
    """The card, which names files and directories without their places; `syncse.json` beside it has the same for programs."""
    record = without_places(record)
    parts = [
        [FRONT, "", f"# {code(record.get('name') or record['run'])}", ""],
        ["A sentence encoder trained by contrastive learning on triplets (SynCSE, arXiv 2305.15077).", "", USE],
        _section("Where it comes from", _origin(record)),
        _section("Data", _data(record)),
        _section("Contamination", _contamination(record["result"])),
        _section("Training", _training(record)),
        _section("Figures", _figures(record)),
        _section("Machine", _machine(record)),
        _section("Limits", _limits(record)),
    ]
    return storable("\n".join(line for part in parts for line in part) + "\n")


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return ["", f"## {title}", "", *lines]


def _origin(record: Record) -> list[str]:
    encoder = record["encoder"]
    versions = record["hardware"]["versions"]
    rows = [
        ("Encoder it started from", code(encoder["path"])),
        ("its SHA-256, over the names and sums of its files", _hash(encoder["sha256"])),
        ("its licence", _licence(encoder["licence"])),
        ("Run", code(record["run"])),
        ("Trained", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(record["trained"]))),
        ("Made with", code(", ".join(f"{name} {number}" for name, number in versions.items()))),
    ]
    return table(("", ""), rows)


def _data(record: Record) -> list[str]:
    what = "sentences, each its own positive" if record["training"].get("unsupervised") else "triplets"
    lines = [f"{record['result']['triplets']} {what}."]
    for source in record["data"]:
        lines += ["", *(_generated(source) if source["kind"] == "run" else _file(source))]
    return lines


def _file(source: Record) -> list[str]:
    rows = [
        ("File", code(source["path"])),
        ("its SHA-256", _hash(source["sha256"])),
        ("read as", code(source["mapping"])),
        ("rows trained on", str(source["rows"])),
        ("rows left out", _counted(source.get("left_out", {}))),
        ("its licence and origin", "not known to syncse-local: say here where it comes from"),
    ]
    return table(("", ""), rows)


def _generated(source: Record) -> list[str]:
    recipe, counts = source["recipe"], source["counts"]
    rows = [("Generate run", code(source["id"])), ("rows trained on", str(source["rows"]))]
    for made in source["generators"]:
        engine = f"{made.get('backend', '')} {made.get('version', '')}".strip()
        rows += [
            ("Generator", code(made["model"])),
            ("its SHA-256", _hash(made.get("model_sha256", ""))),
            ("its licence", _licence(made["licence"])),
            ("its engine", code(engine)),
        ]
    named = ", ".join(f"{name} {recipe[name]}" for name in ("name", "mode", "samples", "seed") if name in recipe)
    rows += [
        ("Recipe", code(named)),
        ("recipe hash", _hash(recipe.get("hash", ""))),
        ("hash of its prompts", _hash(source["pools_hash"])),
        ("plan hash", _hash(source["plan_hash"])),
    ]
    if source["input"].get("input"):
        rows += [
            ("Input", code(source["input"]["input"])),
            ("its SHA-256", _hash(source["input"].get("input_sha256", ""))),
        ]
    planned = f"{counts['planned']} planned, {counts['answered']} answered, {counts['accepted']} accepted"
    rows += [("Requests", planned), ("Rejected answers", _counted(source["rejected"])), ("Filters", _filters(source))]
    return table(("", ""), rows)


def _filters(source: Record) -> str:
    found = source["filters"]
    if not found:
        return "none applied"
    verdicts = {f"{name} {verdict}": n for name, by in found["filters"].items() for verdict, n in by.items()}
    return f"{found['kept']} kept of {found['judged']}; {_counted(verdicts)}; settings {_hash(found['params_hash'])}"


def _contamination(result: Record) -> list[str]:
    checked = ", ".join(map(code, result["contamination_checked"])) or "nothing"
    kept = "kept, as asked for" if result["contaminated_kept"] else "left out"
    lines = [
        f"{result['contaminated']} rows share a sentence, or eight words in a row, with an evaluation set: {kept}.",
        f"Checked against: {checked}. What is not in this list was not checked, and a paraphrase is no match.",
    ]
    return [*lines, *(f"Not readable: {code(name)}." for name in result["contamination_unchecked"])]


def _training(record: Record) -> list[str]:
    result = record["result"]
    options = table(
        ("option", "value"), [(code(name), code(value)) for name, value in sorted(record["training"].items())]
    )
    ended = " (stopped early)" if result["stopped_early"] else ""
    steps = f"{result['steps']} steps{ended}, last loss {result['final_loss']:.4f}; kept: step {result['best_step']}"
    return [f"{steps}. Seed of the training: {record['training']['seed']}.", "", *options]


def _figures(record: Record) -> list[str]:
    rows = [*_dev_rows(record), *map(_score_row, record["scores"])]
    if not rows:
        return ["None: there was no dev set, and no evaluation since."]
    lines = table(("set", "metric", "value x 100", "95 % interval", "items"), rows)
    chosen = "A dev figure is the best of those seen in training, which flatters it; its interval is a bootstrap over the pairs."
    return [*lines, "", *([chosen] if record["result"]["best_score"] is not None else [])]


def _dev_rows(record: Record) -> list[tuple[str, ...]]:
    result = record["result"]
    if result["best_score"] is None:
        return []
    parts = dict(result["best_parts"])
    if len(parts) > 1:
        parts["mean"] = result["best_score"]
    intervals, pairs = result.get("intervals", {}), record["dev"]
    total = sum(pairs.values())
    return [
        (code(name), "spearman (dev)", hundred(value), _interval(intervals.get(name)), str(pairs.get(name, total)))
        for name, value in parts.items()
    ]


def _score_row(score: Record) -> tuple[str, ...]:
    value = hundred(score["value"])
    return code(score["task"]), code(score["metric"]), value, _interval(score["interval"]), str(score["pairs"])


def _interval(found: Any) -> str:
    """Two bounds, or why there are none."""
    if isinstance(found, (list, tuple)) and len(found) == 2 and all(isinstance(bound, float) for bound in found):
        return f"{hundred(found[0])} to {hundred(found[1])}"
    return "none stored with this score"


def _machine(record: Record) -> list[str]:
    about, result = record["hardware"], record["result"]
    gpus = ", ".join(code(gpu["name"]) for gpu in about["gpus"]) or "none used"
    rows = [
        ("Processor", f"{code(about['processor'])}, {about['cores']} cores, {size(about['memory'])}"),
        ("GPUs", gpus),
        ("System", code(about["system"])),
        ("Device and precision", code(f"{about['device']} {record['training']['precision']}")),
        ("Processes", str(result.get("processes", 1))),
        ("Time in training steps", f"{result['seconds']:.1f} s, {result['triplets_per_second']:.1f} rows/s"),
        ("Time of the last start", f"{result['wall_seconds']:.1f} s with loading, dev scores and saving"),
        ("Energy", _energy(record["energy"])),
    ]
    return table(("", ""), rows)


def _energy(joules: Mapping[str, float]) -> str:
    if not joules:
        return "not readable here (no RAPL counter or GPU that tells its power to this user)"
    parts = ", ".join(f"{code(name)} {value / 3600:.2f} Wh" for name, value in joules.items())
    return f"{parts}: the whole part's, other processes included"


def _limits(record: Record) -> list[str]:
    lines = [
        "- Figures of one run and one seed: differences under about half a point between runs are noise.",
        "- What its generators and its sentences have of bias and error, it has learnt.",
        "- Its licence is for whoever passes it on to decide, from those of the encoder, the generators and the data above.",
    ]
    if any(source["kind"] == "file" for source in record["data"]):
        lines.append("- The origin of its training file is known only to whoever gave it.")
    return lines


def _hash(digest: str) -> str:
    return code(digest) if digest else "not known"


def _licence(stated: str) -> str:
    return code(stated) if stated else UNKNOWN


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code(name)} {count}" for name, count in counts.items()) or "none"
