"""How often `syncse compare` errs, and what it finds: studies whose true difference is known, cell by cell.

    python scripts/study_verdicts.py --studies 1000
    python scripts/study_verdicts.py --studies 1000 --only map,41 --only tables
    python scripts/study_verdicts.py --workspace W --equal RUN,RUN,... --other RUN,RUN,...

A recipe has a quality and its own view of the items; a training run draws noise around both. `Made` states how much. With a
workspace, runs and items are resampled from its evaluations instead: two arms of `--equal`, or one of it and one of `--other`.

Prints, with their standard errors: wrong, the share of studies with any verdict between equal recipes; found, that of right
verdicts where the first is better by `EFFECT` standard errors. Both also for the reference, a linear mixed model with items,
recipes x items and runs as random effects (REML, by its estimators for balanced data; Satterthwaite's degrees of freedom) on
the same data, the calibration's runs among them: it knows that all recipes scatter alike, `syncse` does not.
"""

import argparse
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.rows import ComparisonRow, Setting, TaskRuns
from syncse_local.compare.statistics import Columns
from syncse_local.compare.study import study

Floats = NDArray[np.float64]
EFFECT = 2.8
"""Standard errors between unequal recipes: what a test at 5 % that knows them all finds 80 times in 100."""
DRAWS = 999
CALIBRATION = 5


@dataclass(frozen=True)
class Made:
    """Standard deviations on the scale of the noise within items, near those of 14 and 10 trainings of the starter encoder on
    1,600 and 640 human triplets: of a recipe's view of an item, of a run's, and of a run's quality; `slope` is the metric's
    change by one unit of quality, `recipe`, `run` and `seed` its standard deviations an item and a run, from `measured`."""

    view: float
    noise: float
    quality: float


MADE = {"spearman": Made(0.25, 0.12, 0.012), "map": Made(0.09, 0.16, 0.02), "accuracy": Made(0.17, 0.25, 0.017)}


class Recipes:
    """Recipes of one metric on some items; each has its view of them."""

    def __init__(self, metric: str, items: int, recipes: int, rng: np.random.Generator) -> None:
        self.metric, self.made, self.rng = metric, MADE[metric], rng
        self.ease, self.gold, self.noise = rng.normal(size=items), rng.random(items) * 5, rng.normal(size=items)
        self.views = self.made.view * rng.standard_t(5, size=(recipes, items)) * math.sqrt(3 / 5)

    def run(self, recipe: int, better: float, fixed: bool = False) -> Columns:
        """One training run's predictions; `better` is added to its quality. A fixed encoder is its recipe's view itself."""
        rng, made = self.rng, self.made
        quality = better + (0 if fixed else made.quality * rng.normal())
        own = 0 if fixed else made.noise * rng.standard_t(5, size=len(self.ease)) * math.sqrt(3 / 5)
        view = self.views[recipe] + own
        if self.metric == "spearman":
            return {"gold": self.gold, "spearman": self.gold + 2 * np.exp(-quality) * (self.noise + view)}
        level = 0.45 + quality + self.ease + view
        if self.metric == "map":  # as of some 20 candidates
            return {"map": np.round(20 * stats.norm.cdf(level)) / 20}
        return {"accuracy": (level > 0).astype(np.float64), "gold": np.ones(len(level))}


def figures(
    metric: str, columns: Sequence[Columns], setting: Setting, name: str = "made-up"
) -> tuple[TaskRuns, Figures]:
    task = TaskRuns(name, metric, "items", len(next(iter(columns[0].values()))), "", columns)
    return task, task.figures(setting, lambda: None)


def verdict(arms: Sequence[Arm], rows: Sequence[ComparisonRow], setting: Setting, calibrated: Arm | None) -> list[str]:
    """Of the first pair, by row."""
    found = study(arms, rows, setting, None, calibrated)["rows"]
    return [str(row["comparisons"][0]["verdict"]) for row in found]


def mixed_model(values: Floats, arms: Sequence[Arm], borrowed: Arm | None) -> float:
    """The p-value of a difference by the mixed model; `values` are (runs, items). Of fixed arms the paired t-test's."""
    n, first, second = values.shape[1], list(arms[0].rows), list(arms[1].rows)
    by_item = values[first].mean(axis=0) - values[second].mean(axis=0)
    items = by_item.var(ddof=1) / n
    groups = [list(arm.rows) for arm in (*arms, borrowed) if arm and not arm.fixed and len(arm.rows) > 1]
    freedom = sum(len(group) - 1 for group in groups)
    share = sum(1 / len(arm.rows) for arm in arms if not arm.fixed)
    seeds = rest = 0.0
    for group in groups:
        own = values[group]
        seeds += ((own.mean(axis=1) - own.mean()) ** 2).sum() / freedom * share
        left = own - own.mean(axis=0) - own.mean(axis=1, keepdims=True) + own.mean()
        rest += (left**2).sum() / (freedom * (n - 1)) / n * share
    total = max(items - rest, 0) + max(seeds, rest)
    below = items**2 / (n - 1) + (seeds**2 / freedom if freedom else 0)
    return float(2 * stats.t.sf(abs(by_item.mean()) / math.sqrt(total), total**2 / below)) if total > 0 else 1.0


@dataclass(frozen=True)
class Cell:
    """Two arms of `seeds` runs on `items` items of a metric, the second one `fixed`, `calibrated` or not."""

    metric: str
    items: int
    seeds: int
    fixed: bool = False
    calibrated: bool = False

    @property
    def name(self) -> str:
        runs = f"{self.seeds} runs against fixed" if self.fixed else f"{self.seeds} run{'s' * (self.seeds > 1)} an arm"
        return f"{self.metric},{self.items},{runs}{', calibrated' * self.calibrated}"

    def study(self, rng: np.random.Generator, better: float) -> tuple[str, bool]:
        """What is said of a first recipe better by that much, and whether the mixed model says that they differ."""
        recipes = Recipes(self.metric, self.items, 3, rng)
        columns = [recipes.run(0, better) for _ in range(self.seeds)]
        columns += [recipes.run(1, 0, self.fixed) for _ in range(1 if self.fixed else self.seeds)]
        arms = [Arm.of("a", range(self.seeds)), Arm.of("b", range(self.seeds, len(columns)), self.fixed)]
        calibrated = Arm.of("calibration", range(len(columns), len(columns) + CALIBRATION)) if self.calibrated else None
        columns += [recipes.run(2, 0) for _ in calibrated.rows] if calibrated else []
        setting = Setting(draws=DRAWS, seed=int(rng.integers(1 << 30)))
        task, found = figures(self.metric, columns, setting)
        row = ComparisonRow(task.task, task.metric, task.unit, task.items, [task], found)
        right = found.difference(*arms) > 0
        told = verdict(arms, [row], setting, calibrated)[0]
        model = (self.seeds > 1 or self.calibrated) and mixed_model(found.values[0], arms, calibrated) <= 0.05
        return told, model and (right or better == 0)

    def step(self) -> float:
        """How much better the first recipe is, where it is: `EFFECT` standard errors, of components measured on 40,000 items."""
        rng = np.random.default_rng(0)
        recipes = Recipes(self.metric, 40_000, 2, rng)
        own = MADE[self.metric]
        value: Callable[[Columns], Floats] = (
            (lambda c: _pseudo(c))
            if self.metric == "spearman"
            else lambda c: np.asarray(c.get("map", c.get("accuracy")))
        )
        one, again, other = (value(recipes.run(at, 0)) for at in (0, 0, 1))
        slope = (value(recipes.run(0, 0.1, True)).mean() - value(recipes.run(0, 0, True)).mean()) / 0.1
        run = float((one - again).var()) / 2
        view = max(float((one - other).var()) / 2 - run, 0)
        k = self.seeds
        noise = 2 * view / self.items + (run / self.items + (slope * own.quality) ** 2) * (
            1 / k + (0 if self.fixed else 1 / k)
        )
        return float(EFFECT * math.sqrt(noise) / slope)


def _pseudo(columns: Columns) -> Floats:
    """Spearman's correlation spread out over items, by its influence function (Croux and Dehon 2010)."""
    x, y = (stats.rankdata(columns[name]) / len(columns[name]) for name in ("gold", "spearman"))
    rho = 12 * float(((x - 0.5) * (y - 0.5)).mean())
    order_x, order_y = np.argsort(x), np.argsort(y)
    above_x, above_y = np.empty_like(x), np.empty_like(y)
    above_x[order_x] = np.cumsum(y[order_x][::-1])[::-1] / len(x)
    above_y[order_y] = np.cumsum(x[order_y][::-1])[::-1] / len(x)
    influence: Floats = -3 * rho - 9 + 12 * (x * y + above_x + above_y)
    return rho + influence - influence.mean()


@dataclass(frozen=True)
class Table:
    """`arms` recipes of three runs on six STS tasks and their average; `real`: all but the last are better on all but one."""

    arms: int
    real: bool = False

    @property
    def name(self) -> str:
        return f"tables,{self.arms} arms, 6 tasks and their average{', a true difference on 5' * self.real}"

    def study(self, rng: np.random.Generator, better: float) -> tuple[str, bool]:
        """Whether any verdict is given that is not true (then not `cannot tell`)."""
        setting = Setting(draws=199, seed=int(rng.integers(1 << 30)))
        arms = [Arm.of(f"arm {at}", range(3 * at, 3 * at + 3)) for at in range(self.arms)]
        rows = []
        for at in range(6):
            recipes = Recipes("spearman", 400, self.arms, rng)
            gain = [0.5 if self.real and at and arm < self.arms - 1 else 0.0 for arm in range(self.arms)]
            task, found = figures(
                "spearman", [recipes.run(a, gain[a]) for a in range(self.arms) for _ in range(3)], setting, f"T{at}"
            )
            rows.append(ComparisonRow(task.task, task.metric, task.unit, task.items, [task], found))
        tasks = [row.tasks[0] for row in rows]
        mean = ComparisonRow(
            "average", "spearman", "items", 2400, tasks, Figures.average([row.figures for row in rows]), average=True
        )
        made = study(arms, [*rows, mean], setting, None)["rows"]
        null = [
            c for at, row in enumerate(made) for c in row["comparisons"] if not (self.real and at and self._differ(c))
        ]
        wrong = [c["verdict"] for c in null if c["verdict"] != "cannot tell"]
        return (wrong or ["cannot tell"])[0], False

    def _differ(self, comparison: dict[str, str]) -> bool:
        last = f"arm {self.arms - 1}"
        return last in (comparison["first"], comparison["second"])

    def step(self) -> float:
        """No power is asked for."""
        return 0.0


def cells() -> Iterator[Cell | Table]:
    """All of them, the quick ones first."""
    for items in (41, 59, 100, 300, 1000, 3000):
        for metric in MADE:
            for seeds, fixed, calibrated in (
                *((1, False, False), (1, False, True), (3, False, False), (3, False, True), (5, False, False)),
                *((3, True, False), (3, True, True), (5, True, False)),
            ):
                yield Cell(metric, items, seeds, fixed, calibrated)
    yield from (Table(2), Table(4), Table(2, True), Table(4, True))


def generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")])


def share(hits: int, of: int) -> str:
    """A share of studies in per cent, with its standard error."""
    p = hits / of
    return f"{100 * p:.1f} ± {100 * math.sqrt(max(p * (1 - p), 1 / of / 4) / of):.1f}"


def report(cell: Cell | Table, studies: int, seed: int) -> str:
    """A line of the table."""
    rng, step = generator(seed, cell.name), cell.step()
    same = [cell.study(rng, 0.0) for _ in range(studies)]
    told = [cell.study(rng, step) for _ in range(studies)] if step else []
    figures = [share(sum(said != "cannot tell" for said, _ in same), studies)]
    if told:
        figures += [
            share(sum(model for _, model in same), studies),
            share(sum(said == "better" for said, _ in told), studies),
        ]
        figures.append(share(sum(model for _, model in told), studies))
    return " | ".join([cell.name.replace(",", ", ", 2), *figures])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], help="cells whose name begins so")
    options = parser.parse_args()
    print("cell | wrong % | reference wrong % | found % | reference found %\n---|---|---|---|---")
    for cell in cells():
        if not options.only or any(cell.name.startswith(name) for name in options.only):
            print(report(cell, options.studies, options.seed), flush=True)


if __name__ == "__main__":
    main()
