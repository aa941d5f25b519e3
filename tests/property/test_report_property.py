"""Diversity within its bounds and blind to order; samples are the same whatever the order; charts hold any text."""

import math
import random
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.charts import svg, terminal
from syncse_local.charts.bars import Bars, Series
from syncse_local.synthesis.report.lexical import compression_ratio, distinct, grams, self_bleu
from syncse_local.synthesis.report.sample import Sample, rank
from syncse_local.synthesis.report.tally import Histograms, Measured, Tally
from syncse_local.synthesis.report.vectors import mean_cosine, vendi_score

texts = st.lists(st.lists(st.sampled_from("abcde"), max_size=7), min_size=2, max_size=9)
hostile = st.text(st.characters(codec=None), max_size=30)


def plain_bleu(texts: list[list[str]]) -> float | None:
    """Self-BLEU as its definition reads: every text against every other."""
    full = [text for text in texts if text]
    scores = []
    for place, own in enumerate(full):
        others = full[:place] + full[place + 1 :]
        logs = []
        for n in range(1, min(4, len(own)) + 1):
            counts = Counter(grams(own, n))
            hits = sum(min(c, max(Counter(grams(o, n))[g] for o in others)) for g, c in counts.items())
            logs.append(math.log((hits or 0.1) / sum(counts.values())))
        closest = min((abs(len(o) - len(own)), len(o)) for o in others)[1]
        brevity = 1.0 if len(own) >= closest else math.exp(1 - closest / len(own))
        scores.append(brevity * math.exp(sum(logs) / len(logs)))
    return sum(scores) / len(scores)


@settings(deadline=None)
@given(found=texts, seed=st.integers(0, 99))
def test_lexical_measures(found: list[list[str]], seed: int) -> None:
    mixed = random.Random(seed).sample(found, len(found))
    for n in (1, 2):
        value = distinct(found, n)
        assert value is None or 0 < value <= 1
        assert value == distinct(mixed, n)
    bleu = self_bleu(found)
    if sum(map(bool, found)) < 2:
        assert bleu is None
        return
    assert bleu is not None
    assert 0 < bleu <= 1 + 1e-12
    assert bleu == pytest.approx(plain_bleu(found))
    assert bleu == pytest.approx(self_bleu(mixed))
    doubled = self_bleu([*found, *found])
    assert doubled == pytest.approx(1.0)


@settings(deadline=None)
@given(found=st.lists(hostile, max_size=20))
def test_any_text_can_be_compressed(found: list[str]) -> None:
    value = compression_ratio(found)
    assert value is None or value > 0


@settings(deadline=None)
@given(n=st.integers(1, 12), d=st.integers(1, 12), seed=st.integers(0, 999))
def test_vector_measures(n: int, d: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    score, cosine = vendi_score(rows), mean_cosine(rows)
    assert score is not None
    assert 1 - 1e-9 <= score <= min(n, d) + 1e-6
    assert score == pytest.approx(vendi_score(rows[::-1]), rel=1e-6)
    assert score == pytest.approx(vendi_score(np.concatenate([rows, rows])), rel=1e-6)
    if cosine is not None:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        pairs = (unit @ unit.T)[~np.eye(n, dtype=bool)]
        assert cosine == pytest.approx(pairs.mean(), abs=1e-9)


@given(count=st.integers(0, 60), size=st.integers(1, 30), seed=st.integers(0, 5), shuffle=st.integers(0, 99))
def test_a_sample_is_the_same_in_any_order_and_grows_at_its_end(count: int, size: int, seed: int, shuffle: int) -> None:
    items = [(rank(seed, f"key {i}", 0), f"text {i % 7}") for i in range(count)]
    first, second = Sample(size), Sample(size)
    for item in items:
        first.add(*item)
    for item in random.Random(shuffle).sample(items, count):
        second.add(*item)
    assert first.texts(size) == second.texts(size)
    assert first.seen == count
    assert len(first.texts(size)) == min(size, count)
    assert first.texts(size)[:5] == first.texts(5)


@given(rows=st.lists(st.tuples(hostile, hostile, hostile), min_size=1, max_size=12))
def test_every_triplet_falls_into_one_bin(rows: list[tuple[str, str, str]]) -> None:
    tally, histograms = Tally(), Histograms()
    for row in rows:
        found = Measured.of(*row)
        tally.add(found)
        histograms.add(found)
    for counts in (*histograms.words.values(), *histograms.overlap.values()):
        assert sum(counts) == len(rows)
    data = tally.to_dict()
    assert 0 <= data["negative_nearer"] + data["ties"] <= 1
    assert all(0 <= data[name] <= 1 for name in ("positive_overlap", "negative_overlap"))


@settings(deadline=None)
@given(
    names=st.lists(hostile, min_size=1, max_size=5),
    values=st.lists(st.none() | st.floats(0, 1e9), min_size=5, max_size=5),
    width=st.integers(20, 120),
)
def test_charts_hold_any_text_and_value(names: list[str], values: list[float | None], width: int) -> None:
    series = tuple(Series(name, tuple(values[: len(names)])) for name in names[:2])
    chart = Bars(names[0], tuple(names), series)
    drawn = terminal.draw(chart, width)
    assert "\x1b" not in drawn
    assert len(drawn.splitlines()) >= len(names)
    root = ElementTree.fromstring(svg.document([chart, chart]))
    assert not {element.tag.rpartition("}")[2] for element in root.iter()} - {"svg", "g", "rect", "text"}
