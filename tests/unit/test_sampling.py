"""The sampler: the distribution it draws from is the one its parameters describe, and each row has its own stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from syncse_local.backends.sampling import BROKEN, RowSampler, sample
from syncse_local.records import Sampling

Floats = NDArray[np.float64]


def reference(logits: Floats, sampling: Sampling) -> Floats:
    """The filtered distribution, written plainly: temperature, top-k, top-p, min-p."""
    weights = np.exp((logits - logits.max()) / sampling.temperature)
    p = weights / weights.sum()
    order = np.argsort(-p)
    keep = np.zeros(len(p), bool)
    keep[order[: sampling.top_k or len(p)]] = True
    p = np.where(keep, p, 0)
    p /= p.sum()
    if sampling.top_p < 1:
        above = np.cumsum(p[order]) - p[order]
        p[order[above >= sampling.top_p]] = 0
    p[weights < sampling.min_p] = 0
    result: Floats = p / p.sum()
    return result


def frequencies(logits: Floats, sampling: Sampling, draws: int) -> Floats:
    """Relative frequencies of `draws` rows with different seeds."""
    rows = [RowSampler(sampling, seed) for seed in range(draws)]
    tokens = sample(np.tile(logits.astype(np.float32), (draws, 1)), rows)
    found: Floats = np.bincount(tokens, minlength=len(logits)) / draws
    return found


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0, top_p=1.0),
        Sampling(temperature=1.0, top_p=0.9),
        Sampling(temperature=1.3, top_p=0.95),
        Sampling(temperature=0.5, top_p=1.0, top_k=4),
        Sampling(temperature=2.0, top_p=0.6, top_k=7),
        Sampling(temperature=1.0, top_p=1.0, min_p=0.15),
        Sampling(temperature=1.0, top_p=0.8, top_k=9, min_p=0.05),
    ],
)
@pytest.mark.parametrize("spread", [0.1, 2.0])
def test_the_distribution_is_the_one_described(sampling: Sampling, spread: float) -> None:
    logits = np.random.default_rng(3).normal(0, spread, 40)
    expected = reference(logits, sampling)
    draws = 5_000
    found = frequencies(logits, sampling, draws)
    assert not found[expected == 0].any()
    error = np.sqrt(expected * (1 - expected) / draws)
    assert (np.abs(found - expected) <= 5 * error + 5 / draws).all()


@settings(deadline=None)
@given(
    st.lists(st.floats(-30, 30), min_size=2, max_size=50),
    st.integers(0, 2**70),
    st.floats(0.05, 3),
    st.floats(0.01, 1),
    st.integers(0, 60),
    st.floats(0, 1),
)
def test_only_tokens_of_the_filtered_set_are_drawn(
    logits: list[float], seed: int, temperature: float, top_p: float, top_k: int, min_p: float
) -> None:
    values = np.array(logits, np.float32)
    sampling = Sampling(temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p)
    token = sample(values[None, :].copy(), [RowSampler(sampling, seed)])[0]
    weights = np.exp((values - values.max()).astype(np.float64) / temperature)
    assert weights[token] >= min_p * (1 - 1e-5)
    if top_k:
        assert (weights > weights[token] * (1 + 1e-5)).sum() < top_k
    above = weights[weights > weights[token] * (1 + 1e-5)].sum()
    assert above <= top_p * weights.sum() * (1 + 1e-4)


def test_a_row_draws_the_same_alone_and_among_others() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (9, 300)).astype(np.float32)
    sampling = Sampling(temperature=1.1, top_p=0.9)
    together = [RowSampler(sampling, seed) for seed in range(9)]
    alone = [RowSampler(sampling, seed) for seed in range(9)]
    for _ in range(80):
        tokens = sample(logits.copy(), together)
        assert tokens == [sample(logits[i : i + 1].copy(), [alone[i]])[0] for i in range(9)]


def test_greedy_and_sampled_rows_mix() -> None:
    logits = np.random.default_rng(1).normal(0, 1, (4, 50)).astype(np.float32)
    rows = [RowSampler(Sampling(temperature=0.0 if i % 2 else 1.0), i) for i in range(4)]
    tokens = sample(logits.copy(), rows)
    assert [tokens[1], tokens[3]] == [int(logits[1].argmax()), int(logits[3].argmax())]
    assert (
        sample(logits.copy(), [RowSampler(Sampling(temperature=0.0), i) for i in range(4)]) == logits.argmax(1).tolist()
    )


def test_penalties_count_the_rows_own_tokens() -> None:
    sampling = Sampling(temperature=0.0, presence_penalty=1.0, frequency_penalty=0.5)
    row = RowSampler(sampling, 0)
    logits = np.array([[3.0, 2.0, 1.0, 0.9]], np.float32)
    made = []
    for _ in range(5):
        made.append(sample(logits.copy(), [row])[0])
        row.accept(made[-1])
    # 3 -> 1.5 after one use; then 2 -> 0.5; then 1.5 -> 1.0; a tie at 1.0 goes to the first; then 1 and 0.9 lead.
    assert made == [0, 1, 0, 0, 2]
    repeat = RowSampler(Sampling(temperature=0.0, repeat_penalty=2.0), 0)
    repeat.accept(0)
    repeat.accept(3)
    assert sample(np.array([[3.0, 2.0, 1.0, -1.0]], np.float32), [repeat]) == [1]


def test_numbers_that_are_none_are_reported() -> None:
    bad = np.zeros((3, 8), np.float32)
    bad[0, 3] = np.nan
    bad[1, :] = np.inf
    rows = [RowSampler(Sampling(temperature=t), 0) for t in (1.0, 1.0, 1.0)]
    assert sample(bad.copy(), rows)[:2] == [BROKEN, BROKEN]
    greedy = [RowSampler(Sampling(temperature=0.0), 0) for _ in range(3)]
    assert sample(bad.copy(), greedy)[:2] == [BROKEN, BROKEN]


@pytest.mark.parametrize("seed", [0, -5, 2**63, 2**80])
def test_any_integer_is_a_seed(seed: int) -> None:
    first, second = RowSampler(Sampling(), seed), RowSampler(Sampling(), seed)
    numbers = [first.uniform() for _ in range(200)]
    assert numbers == [second.uniform() for _ in range(200)]
    assert all(0 <= number < 1 for number in numbers)
    assert 0.3 < float(np.mean(numbers)) < 0.7
