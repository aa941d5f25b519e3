"""How often `syncse compare` errs, and what it finds: studies whose true difference is known, cell by cell.

    python scripts/study_verdicts.py --studies 1000 --jobs 2
    python scripts/study_verdicts.py --studies 1000 --only map,41 --only tables

A recipe has a quality and its own view of the items; a training run draws noise around both. `Made` states how much.

Prints, with their standard errors: wrong, the share of studies with any verdict between equal recipes; found, that of right
verdicts where the first is better by `EFFECT` standard errors. Both also for the reference, a linear mixed model with items,
recipes x items and runs as random effects (REML, by its estimators for balanced data; Satterthwaite's degrees of freedom) on
the same data, the calibration's runs among them: it knows that all recipes scatter alike, `syncse` does not.
"""

import argparse
import hashlib
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

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
"""Resamples where a verdict rests on them: of two fixed encoders."""
CALIBRATION = 5
"""Runs of a calibration, as `syncse calibrate` trains them by default."""
MANY = 300
"""Items from which on the jackknife of a correlation, which costs their square, makes way for its influence function."""


@dataclass(frozen=True)
class Made:
    """Standard deviations on the scale of an item's own ease (1), near those of 24 trainings of the starter encoder on 1,600
    and 640 human triplets: of a recipe's view of an item, of a run's, and of a run's quality."""

    view: float
    noise: float
    quality: float


MADE = {"spearman": Made(0.25, 0.12, 0.012), "map": Made(0.09, 0.16, 0.02), "accuracy": Made(0.17, 0.25, 0.017)}


class Recipes:
    """Recipes of one metric on some items; each has its view of them."""

    def __init__(self, metric: str, items: int, recipes: int, rng: np.random.Generator) -> None:
        self.metric, self.made, self.rng = metric, MADE[metric], rng
        self.ease, self.gold, self.noise = rng.normal(size=items), rng.random(items) * 5, rng.normal(size=items)
        self.views = self.made.view * _heavy(rng, recipes, items)

    def run(self, recipe: int, better: float, fixed: bool = False) -> Columns:
        """One training run's predictions; `better` is added to its quality, which of a fixed encoder is all there is."""
        rng, made = self.rng, self.made
        quality = better + (0 if fixed else made.quality * rng.normal())
        view = self.views[recipe] + made.noise * _heavy(rng, 1, len(self.ease))[0]
        if self.metric == "spearman":
            return {"gold": self.gold, "spearman": self.gold + 2 * np.exp(-quality) * (self.noise + view)}
        level = 0.45 + quality + self.ease + view
        if self.metric == "map":  # as of some 20 candidates
            return {"map": np.round(20 * stats.norm.cdf(level)) / 20}
        return {"accuracy": (level > 0).astype(np.float64), "gold": np.ones(len(level))}


def _heavy(rng: np.random.Generator, *shape: int) -> Floats:
    """Student's t with 5 degrees of freedom, of variance 1: items that one encoder sees quite differently are no rarity."""
    drawn: Floats = rng.standard_t(5, size=shape) * math.sqrt(3 / 5)
    return drawn


def row(metric: str, columns: Sequence[Columns], setting: Setting | None, name: str = "made-up") -> ComparisonRow:
    """A task with the runs' figures; without a setting no resamples of them, where no verdict rests on any."""
    items = len(next(iter(columns[0].values())))
    task = TaskRuns(name, metric, "items", items, "", columns)
    if setting or (metric == "spearman" and items < MANY):
        found = task.figures(setting or Setting(draws=2), lambda: None)
    else:
        values = np.array([spread_out(metric, each) for each in columns])
        estimate = values.mean(axis=1)
        found = Figures(estimate, np.repeat(estimate[:, None], 2, axis=1), (values,), (float(items),))
    return ComparisonRow(name, metric, "items", items, [task], found)


def spread_out(metric: str, columns: Columns) -> Floats:
    """The figure as a value an item, whose mean it is: of a mean the items' own; of Spearman's correlation by its influence
    function (Croux and Dehon 2010)."""
    if metric != "spearman":
        return np.asarray(columns[metric], dtype=np.float64)
    items = len(columns["gold"])
    ranks = [stats.rankdata(columns[name]) for name in ("gold", "spearman")]
    x, y = ((rank - 0.5) / items for rank in ranks)
    above_x, above_y = _above(x, y), _above(y, x)
    influence = x * y + above_x + above_y
    rho = float(np.corrcoef(*ranks)[0, 1])
    found: Floats = rho + 12 * (influence - influence.mean())
    return found


def _above(x: Floats, y: Floats) -> Floats:
    """For each item the sum of `y` over those from its `x` on, by the number of items."""
    order, found = np.argsort(x), np.empty_like(x)
    found[order] = np.cumsum(y[order][::-1])[::-1] / len(x)
    return found


def verdicts(arms: Sequence[Arm], rows: Sequence[ComparisonRow], setting: Setting, calibrated: Arm | None) -> list[str]:
    """Of the first pair, by row."""
    found = study(arms, rows, setting, None, calibrated)["rows"]
    return [str(entry["comparisons"][0]["verdict"]) for entry in found]


def mixed_model(values: Floats, arms: Sequence[Arm], borrowed: Arm | None) -> float:
    """The p-value of a difference by the mixed model; `values` are (runs, items). Of fixed arms the paired t-test's."""
    n, first, second = values.shape[1], list(arms[0].rows), list(arms[1].rows)
    by_item = values[first].mean(axis=0) - values[second].mean(axis=0)
    items = by_item.var(ddof=1) / n
    groups = [list(arm.rows) for arm in (*arms, borrowed) if arm and not arm.fixed and len(arm.rows) > 1]
    freedom = sum(len(group) - 1 for group in groups)
    share = sum(1 / len(arm.rows) for arm in arms if not arm.fixed)
    seeds = rest = 0.0
    for group in groups if share else []:
        own = values[group]
        seeds += ((own.mean(axis=1) - own.mean()) ** 2).sum() / freedom * share
        left = own - own.mean(axis=0) - own.mean(axis=1, keepdims=True) + own.mean()
        rest += (left**2).sum() / (freedom * (n - 1)) / n * share
    total = max(items - rest, 0) + max(seeds, rest)
    below = items**2 / (n - 1) + (seeds**2 / freedom if freedom else 0)
    return float(2 * stats.t.sf(abs(by_item.mean()) / math.sqrt(total), total**2 / below)) if total > 0 else 1.0


@dataclass(frozen=True)
class Cell:
    """Two arms on `items` items of a metric, of `runs` training runs each, 0 of a fixed encoder; `calibrated` or not."""

    metric: str
    items: int
    runs: tuple[int, int]
    calibrated: bool = False

    @property
    def name(self) -> str:
        """As `--only` takes it."""
        words = {0: "fixed", 1: "one run", 3: "three runs"}
        first, second = (words[count] for count in self.runs)
        pair = (
            f"{first} against {second}"
            if first != second
            else f"two {first}"
            if first == "fixed"
            else f"{first} an arm"
        )
        return f"{self.metric},{self.items},{pair}{', calibrated' * self.calibrated}"

    def study(self, rng: np.random.Generator, better: float) -> tuple[str, bool]:
        """What is said of a first recipe better by that much, and whether the mixed model says that they differ."""
        recipes = Recipes(self.metric, self.items, 3, rng)
        columns, arms = list[Columns](), list[Arm]()
        for at, (count, gain) in enumerate(zip(self.runs, (better, 0.0), strict=True)):
            made = [recipes.run(at, gain, fixed=count == 0) for _ in range(max(count, 1))]
            arms.append(Arm.of("ab"[at], range(len(columns), len(columns) + len(made)), count == 0))
            columns += made
        calibrated = Arm.of("calibration", range(len(columns), len(columns) + CALIBRATION)) if self.calibrated else None
        columns += [recipes.run(2, 0) for _ in calibrated.rows] if calibrated else []
        drawn = Setting(draws=DRAWS, seed=int(rng.integers(1 << 30)))
        task = row(self.metric, columns, None if any(self.runs) else drawn)
        told = verdicts(arms, [task], drawn if not any(self.runs) else Setting(draws=2), calibrated)[0]
        known = max(self.runs) != 1 or self.calibrated
        model = known and mixed_model(task.figures.values[0], arms, calibrated) <= 0.05
        return told, model and (better == 0 or task.figures.difference(arms[0], arms[1]) > 0)

    def step(self) -> float:
        """How much better the first recipe is, where it is: `EFFECT` standard errors, of components measured on 40,000 items."""

        def values(*runs: tuple[int, float]) -> list[Floats]:
            recipes = Recipes(self.metric, 40_000, 2, np.random.default_rng(0))
            return [spread_out(self.metric, recipes.run(at, better, fixed=True)) for at, better in runs]

        one, again, other = values((0, 0.0), (0, 0.0), (1, 0.0))
        slope = float(values((0, 0.1))[0].mean() - one.mean()) / 0.1
        run = float((one - again).var()) / 2
        view = max(float((one - other).var()) / 2 - run, 0)
        items = 2 * view + run * sum(1 / max(count, 1) for count in self.runs)
        seeds = (slope * MADE[self.metric].quality) ** 2 * sum(1 / count for count in self.runs if count)
        noise = items / self.items + seeds
        return EFFECT * math.sqrt(noise) / slope


@dataclass(frozen=True)
class Table:
    """`arms` recipes of three runs on six STS tasks and their average; `real`: all but the last are better on all but one."""

    arms: int
    real: bool = False

    @property
    def name(self) -> str:
        """As `--only` takes it."""
        return f"tables,{self.arms} arms, 6 tasks and their average{', a true difference on 5' * self.real}"

    def study(self, rng: np.random.Generator, better: float) -> tuple[str, bool]:
        """Whether any verdict is given that is not true (then not `cannot tell`)."""
        arms = [Arm.of(f"arm {at}", range(3 * at, 3 * at + 3)) for at in range(self.arms)]
        rows = []
        for at in range(6):
            recipes = Recipes("spearman", 400, self.arms, rng)
            gain = [0.5 if self.real and at and arm < self.arms - 1 else 0.0 for arm in range(self.arms)]
            columns = [recipes.run(a, gain[a]) for a in range(self.arms) for _ in range(3)]
            rows.append(row("spearman", columns, None, f"T{at}"))
        tasks, figures = [each.tasks[0] for each in rows], Figures.average([each.figures for each in rows])
        rows.append(ComparisonRow("average", "spearman", "items", 2400, tasks, figures, average=True))
        made = study(arms, rows, Setting(draws=2), None)["rows"]
        null = [c for at, entry in enumerate(made) for c in entry["comparisons"] if not (at and self._differ(c))]
        wrong = [c["verdict"] for c in null if c["verdict"] != "cannot tell"]
        return (wrong or ["cannot tell"])[0], False

    def _differ(self, comparison: dict[str, str]) -> bool:
        return self.real and f"arm {self.arms - 1}" in (comparison["first"], comparison["second"])

    def step(self) -> float:
        """No power is asked for."""
        return 0.0


def cells() -> Iterator[Cell | Table]:
    """All of them, the quick ones first."""
    for items in (41, 100, 300, 1000, 3000):
        for metric in MADE:
            for runs in ((1, 1), (3, 3), (3, 0)):
                yield from (Cell(metric, items, runs), Cell(metric, items, runs, True))
            if items <= MANY:  # beyond, resamples are costly, and it is few items that they err on
                yield Cell(metric, items, (0, 0))
    yield from (Table(2), Table(4), Table(2, True), Table(4, True))


def generator(seed: int, name: str) -> np.random.Generator:
    """Each cell's own, so that a cell alone gives what it gives among others."""
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
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--only", action="append", default=[], help="cells whose name begins so")
    options = parser.parse_args()
    wanted = [cell for cell in cells() if cell.name.startswith(tuple(options.only) or "")]
    print("cell | wrong % | reference wrong % | found % | reference found %\n---|---|---|---|---")
    with ProcessPoolExecutor(options.jobs) as pool:
        asked = [pool.submit(report, cell, options.studies, options.seed) for cell in wanted]
        for each in asked:
            print(each.result(), flush=True)


if __name__ == "__main__":
    main()
