"""Which scored pairs choose the best step: named sets of the evaluation tasks, and the mean of their Spearmans.

Knows no optimizer and no schedule.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.readers import read_tasks
from syncse_local.records import ScoredPair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syncse_local.encoders.transformer import Encoder

DevSets = Mapping[str, Sequence[ScoredPair]]


def read_dev_sets(names: Sequence[str], senteval: Path | None) -> dict[str, list[ScoredPair]]:
    """The scored pairs of these STS tasks by task name; SICKR-dev is SICK's trial split.

    Raises SyncseError: PREFLIGHT for a set whose file is not there, USAGE for an unknown task, one of another family,
    or a set of fewer than two pairs.
    """
    from syncse_local.evaluation.sts import scored_pairs

    data, missing = read_tasks(names, senteval) if names else ([], [])
    for absent in missing:
        raise SyncseError(
            "The dev set is missing",
            f"{absent.task} was looked for at {absent.looked_for}.",
            "Give its directory with --senteval DIR, or choose the bundled set with --select starter-dev.",
            ExitCode.PREFLIGHT,
        )
    sets = {task.name: scored_pairs([task]) for task in data}
    check_sizes(sets)
    return sets


def check_sizes(sets: DevSets) -> None:
    """Raise SyncseError (usage) for a set that no rank correlation can be taken of."""
    for name, pairs in sets.items():
        if len(pairs) < 2:
            detail = f"A rank correlation needs at least two pairs; {name} has {len(pairs)}."
            raise SyncseError("Too few dev pairs", detail, "Give more pairs, or none.", code=ExitCode.USAGE)


def as_sets(dev: DevSets | Sequence[ScoredPair]) -> dict[str, Sequence[ScoredPair]]:
    """Named sets as they are, checked; a plain list of pairs is one set called `dev`, an empty one none."""
    sets = dict(dev) if isinstance(dev, Mapping) else {"dev": dev} if dev else {}
    check_sizes(sets)
    return sets


def dev_scores(
    encoder: "Encoder", sets: DevSets, cancelled: Callable[[], bool] | None = None
) -> dict[str, float | None]:
    """Spearman's rho of cosine and gold for each set, in [-1, 1]; None where it is undefined.

    Every sentence of all sets is encoded once. Raises FloatingPointError for embeddings that are not finite, and
    SyncseError, with code INTERRUPTED, when `cancelled` says so.
    """
    from syncse_local.evaluation.sts import correlation

    return {name: correlation(gold, found) for name, (gold, found) in _cosines(encoder, sets, cancelled).items()}


def dev_intervals(encoder: "Encoder", sets: DevSets, seed: int) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of the sets' Spearmans over their pairs, and of the `mean` of several.

    They say how far the pairs decide the figure; not that this step was chosen by it, nor what another seed gives.
    """
    import numpy as np

    from syncse_local.training.bootstrap import interval, spearman_draws

    drawn = {name: spearman_draws(gold, found, seed) for name, (gold, found) in _cosines(encoder, sets).items()}
    if len(drawn) > 1:
        drawn["mean"] = np.mean(list(drawn.values()), axis=0)
    return {name: found for name, draws in drawn.items() if (found := interval(draws)) is not None}


def _cosines(
    encoder: "Encoder", sets: DevSets, cancelled: Callable[[], bool] | None = None
) -> "dict[str, tuple[NDArray[Any], NDArray[Any]]]":
    """(gold, cosines) of each set's pairs."""
    import numpy as np

    from syncse_local.evaluation.metrics import paired_cosine

    sides = (text for pairs in sets.values() for pair in pairs for text in (pair.first, pair.second))
    place = {text: row for row, text in enumerate(dict.fromkeys(sides))}
    vectors = encoder.encode(list(place), stop=cancelled and (lambda _: cancelled()))
    if not np.isfinite(vectors).all():
        raise FloatingPointError("embeddings of the dev pairs are not finite")
    found = {}
    for name, pairs in sets.items():
        first, second = ([place[getattr(pair, side)] for pair in pairs] for side in ("first", "second"))
        found[name] = np.array([pair.gold for pair in pairs]), paired_cosine(vectors[first], vectors[second])
    return found


def mean_score(scores: Mapping[str, float | None]) -> float | None:
    """The mean over the sets; None where one of them is undefined, for then the steps cannot be compared."""
    defined = [value for value in scores.values() if value is not None]
    return sum(defined) / len(defined) if defined and len(defined) == len(scores) else None
