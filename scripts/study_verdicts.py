"""How often `syncse compare` errs: studies of made-up recipes whose true difference is known.

    python scripts/study_verdicts.py --studies 1000

A recipe has a quality; a training run draws noise around it, and its predictions follow the gold scores up to that noise. Prints
the share of verdicts that are wrong between equal recipes, and that are right where one is better, for one run an arm on a
calibrated machine and without calibration, and for three runs an arm. Training noise is about as large as that of the items.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from syncse_local.compare.figures import Arm
from syncse_local.compare.rows import ComparisonRow, Setting, TaskRuns
from syncse_local.compare.study import study

Floats = NDArray[np.float64]
ITEMS, NOISE, SCATTER = 150, 0.3, 0.15


def trained(rng: np.random.Generator, gold: Floats, noise: float) -> Floats:
    """One run's predictions."""
    found: Floats = gold + noise * np.exp(SCATTER * rng.normal()) * rng.normal(size=len(gold))
    return found


def verdict(rng: np.random.Generator, seeds: int, calibrated: bool, better: float) -> str:
    """What is said of a first recipe whose noise is `better` times smaller than the second's."""
    gold = rng.random(ITEMS)
    runs = [trained(rng, gold, NOISE / better) for _ in range(seeds)] + [
        trained(rng, gold, NOISE) for _ in range(seeds)
    ]
    columns = [{"gold": gold, "spearman": run} for run in runs]
    task = TaskRuns("made-up", "spearman", "pairs", ITEMS, "", columns)
    setting = Setting(draws=400, seed=int(rng.integers(1 << 30)))
    row = ComparisonRow(task.task, task.metric, task.unit, ITEMS, [task], task.figures(setting, lambda: None))
    places: Sequence[Sequence[int]] = (range(seeds), range(seeds, 2 * seeds))
    arms = [Arm.of(name, at, setting.draws, setting.seed) for name, at in zip("ab", places, strict=True)]
    values = [float(stats.spearmanr(gold, trained(rng, gold, NOISE)).statistic) for _ in range(5)]
    known = {"id": 1, "floors": {task.task: {"metric": task.metric, "items_sha256": "", "values": values}}}
    (found,) = study(arms, [row], setting, known if calibrated else None)["rows"]
    return str(found["comparisons"][0]["verdict"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cases = {"one run, not calibrated": (1, False), "one run, calibrated (5 runs)": (1, True), "three runs": (3, False)}
    for name, (seeds, calibrated) in cases.items():
        rng = np.random.default_rng(options.seed)
        shares = []
        for better in (1.0, 1.5, 2.5):
            said = [verdict(rng, seeds, calibrated, better) for _ in range(options.studies)]
            told = sum(each != "cannot tell" for each in said) if better == 1 else said.count("better")
            shares.append(f"{'wrong' if better == 1 else f'found at {better:g}x'} {100 * told / len(said):.1f} %")
        print(f"{name}: {', '.join(shares)}", flush=True)


if __name__ == "__main__":
    main()
