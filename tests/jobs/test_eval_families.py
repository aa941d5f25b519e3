"""`syncse eval` over the three families: a real run in a worker, its tables, its JSON, and what is said of missing sets."""

import json
from pathlib import Path

from syncse_local.errors import ExitCode
from tests.conftest import Cli

LINE = '{"query": "a red car", "positive": ["the red car"], "negative": ["some rain", "no train"]}\n'


def write_sets(root: Path) -> tuple[str, str]:
    """A small MR and a reranking file; returns their directories."""
    mr = root / "senteval" / "downstream" / "MR"
    mr.mkdir(parents=True)
    (mr / "rt-polarity.pos").write_text("".join(f"the man plays guitar {n}\n" for n in range(20)))
    (mr / "rt-polarity.neg").write_text("".join(f"no train is running {n}\n" for n in range(20)))
    sets = root / "sets"
    sets.mkdir()
    (sets / "mine.jsonl").write_text(LINE * 3)
    return str(root / "senteval"), str(sets)


def test_each_family_has_its_block_and_missing_sets_are_named(cli: Cli, tiny_encoder: Path, tmp_path: Path) -> None:
    senteval, reranking = write_sets(tmp_path)
    tasks = ["starter", "MR", "TREC", "mine.jsonl", "SciDocsRR"]
    given = ["--senteval", senteval, "--reranking", reranking, "--device", "cpu", "--tasks", *tasks]
    done = cli("eval", str(tiny_encoder), *given)
    assert done.returncode == ExitCode.OK, done.stderr
    starter, mine, mr = (done.stdout.index(f"\n{name} ") for name in ("starter", "mine.jsonl", "MR"))
    assert starter < mine < mr
    for shown in ("spearman", "map@1000", "mrr@10", "ndcg@10", "accuracy", "queries", "sentences"):
        assert shown in done.stdout
    assert "TREC is not there" in done.stdout
    assert "SciDocsRR is not there" in done.stdout
    assert "rt-polarity.pos has 20 examples where the published file has 5331" in done.stdout
    assert "average*" not in done.stdout


def test_json_has_every_metric_and_the_default_tasks_follow_the_directories(
    cli: Cli, tiny_encoder: Path, tmp_path: Path
) -> None:
    _, reranking = write_sets(tmp_path)
    for name in ("SciDocsRR", "AskUbuntuDupQuestions"):
        (tmp_path / "sets" / f"{name}.jsonl").write_text(LINE)
    done = cli("eval", str(tiny_encoder), "--reranking", reranking, "--device", "cpu", "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    assert list(result["scores"]) == ["starter", "AskUbuntuDupQuestions", "SciDocsRR"]
    assert list(result["scores"]["SciDocsRR"]) == ["map", "map@1000", "mrr@10", "ndcg@10"]
    assert list(result["missing"]) == ["MindSmallReranking", "StackOverflowDupQuestions"]
    assert list(result["averages"]) == ["reranking"]
    assert not result["averages"]["reranking"]["official"]
    assert "without MindSmallReranking, StackOverflowDupQuestions" in result["averages"]["reranking"]["label"]


def test_a_wrong_directory_and_a_path_for_a_task_are_refused(cli: Cli, tmp_path: Path) -> None:
    absent = cli("eval", "--reranking", str(tmp_path / "nowhere"))
    assert absent.returncode == ExitCode.PREFLIGHT
    assert "The reranking directory is not there" in absent.stderr
    path = cli("eval", "--reranking", str(tmp_path), "--tasks", "../mine.jsonl")
    assert path.returncode == ExitCode.USAGE
    assert "Not a file name" in path.stderr
