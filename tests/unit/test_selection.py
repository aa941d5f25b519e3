"""Choosing the best step: the names, the sets they stand for, and the mean of their Spearmans."""

from collections.abc import Callable
from pathlib import Path

import pytest

from syncse_local.cli.flags import spec_of
from syncse_local.cli.main import build
from syncse_local.config import Settings
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.prepare import train as prepare
from syncse_local.specs.train import SELECTIONS, TrainSpec
from syncse_local.training.loop import train
from syncse_local.training.selection import dev_scores, mean_score, read_dev_sets
from tests.unit.training_setup import Listener, dev_pairs, options, triplets

HEADER = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"


@pytest.fixture
def senteval(tmp_path: Path) -> Path:
    """STS-B dev and SICK's trial split in SentEval's layout, a few pairs each."""
    pairs = dev_pairs()
    bench, sick = tmp_path / "senteval" / "downstream" / "STS" / "STSBenchmark", tmp_path / "senteval/downstream/SICK"
    bench.mkdir(parents=True)
    sick.mkdir(parents=True)
    rows = [f"main\tcaptions\t2014\t{i}\t{p.gold}\t{p.first}\t{p.second}" for i, p in enumerate(pairs[:20])]
    (bench / "sts-dev.csv").write_text("\n".join(rows) + "\n")
    rows = [f"{i}\t{p.first}\t{p.second}\t{1 + p.gold / 2}\tNEUTRAL" for i, p in enumerate(pairs[10:])]
    (sick / "SICK_trial.txt").write_text("\n".join([HEADER, *rows]) + "\n")
    return tmp_path / "senteval"


def test_both_is_the_mean_of_stsb_dev_and_sick_trial(senteval: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    sets = read_dev_sets(SELECTIONS["both"], senteval)
    assert {name: len(pairs) for name, pairs in sets.items()} == {"STSB-dev": 20, "SICKR-dev": 25}
    listener = Listener()
    result = train(options(tiny_encoder, tmp_path), triplets(), sets, listener)
    curves = {name: dict(points) for name, points in listener.points.items()}
    for step, mean in curves["dev"].items():
        assert mean == pytest.approx((curves["dev STSB-dev"][step] + curves["dev SICKR-dev"][step]) / 2)
    assert result.best_score == max(curves["dev"].values())
    assert result.best_parts == {name: curves[f"dev {name}"][result.best_step] for name in sets}
    one = dev_scores(Encoder.load(options(tiny_encoder, tmp_path).output), sets)
    assert mean_score(one) == pytest.approx(result.best_score, abs=1e-6)


def test_the_mean_is_chosen_over_either_set() -> None:
    assert mean_score({"a": 0.5, "b": 0.7}) == pytest.approx(0.6)
    assert mean_score({"a": 0.5, "b": None}) is None
    assert mean_score({}) is None


@pytest.mark.parametrize(
    ("arguments", "sets"),
    [
        ([], ["starter-dev"]),
        (["--select", "stsb-dev"], ["STSB-dev"]),
        (["--select", "sickr-dev"], ["SICKR-dev"]),
        (["--select", "both"], ["STSB-dev", "SICKR-dev"]),
        (["--select", "none"], []),
        (["--dev"], []),
        (["--dev", "stsb-DEV", "starter-dev"], ["STSB-dev", "starter-dev"]),
    ],
)
def test_the_flags_name_the_sets(arguments: list[str], sets: list[str], tmp_path: Path) -> None:
    data = tmp_path / "triplets.csv"
    data.write_text("anchor,positive,negative\nA dog runs.,A dog is running.,A dog sleeps.\n", encoding="utf-8")
    spec = spec_of(build().parse_args(["train", "--data", str(data), "--force", *arguments]), TrainSpec)
    assert list(prepare.train(spec, Settings(), str(tmp_path / "out"), str).dev or ()) == sets


def test_select_and_dev_exclude_each_other() -> None:
    with pytest.raises(SyncseError, match="not allowed with") as caught:
        build().parse_args(["train", "--data", "x.csv", "--select", "both", "--dev", "STSB-dev"])
    assert caught.value.code == ExitCode.USAGE


def _cut(path: Path) -> None:
    path.write_text(path.read_text().rstrip().rsplit("\t", 1)[0])


def _no_gold(path: Path) -> None:
    path.write_text(path.read_text().replace("captions\t2014\t0\t", "captions\t2014\t0\tvery close"))


def _one_pair(path: Path) -> None:
    path.write_text(path.read_text().splitlines()[0] + "\n")


@pytest.mark.parametrize(
    ("damage", "says", "code"),
    [
        (_cut, "line 20: has 6 tab-separated columns where 7", ExitCode.FAILED),
        (_no_gold, "line 1: the gold score", ExitCode.FAILED),
        (_one_pair, "STSB-dev has 1", ExitCode.USAGE),
        (Path.unlink, "STSB-dev was looked for at .*sts-dev.csv", ExitCode.PREFLIGHT),
    ],
    ids=["truncated", "gold", "one pair", "absent"],
)
def test_a_faulty_dev_set_is_named(senteval: Path, damage: Callable[[Path], None], says: str, code: ExitCode) -> None:
    file = senteval / "downstream" / "STS" / "STSBenchmark" / "sts-dev.csv"
    damage(file)
    with pytest.raises(SyncseError, match=says) as caught:
        read_dev_sets(["STSB-dev"], senteval)
    assert caught.value.code == code
