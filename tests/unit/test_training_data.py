"""What goes into a step and when: batches, chunks, rates, and options that are refused."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.encoders.device import pick_precision
from syncse_local.encoders.tokens import OVERHEAD, Ints, TokenRows, chunks
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.prompts import Prompts
from syncse_local.records import ScoredPair, Triplet
from syncse_local.training import tokenfile
from syncse_local.training.data import BatchPlan, TripletData
from syncse_local.training.loop import learning_rate, train
from tests.unit.training_setup import Listener, dev_pairs, options, triplets


def test_plan_is_a_function_of_seed_and_step(tiny_encoder: Path, tmp_path: Path) -> None:
    index = np.arange(63, dtype=np.uint64).reshape(21, 3)
    opts = options(tiny_encoder, tmp_path, batch_size=10, epochs=3)
    plan, other = BatchPlan(index, opts), BatchPlan(index, opts)
    assert (plan.count(0), plan.total, plan.alone) == (2, 6, 1)  # one row has no negative to be told from
    forward = [plan.rows(step).tolist() for step in range(6)]
    assert [other.rows(step).tolist() for step in reversed(range(6))] == forward[::-1]
    assert all(len(set(forward[2 * e] + forward[2 * e + 1])) == 20 for e in range(3))
    assert forward[0] != forward[2]
    assert BatchPlan(index, dataclasses.replace(opts, seed=1)).rows(0).tolist() != forward[0]


def test_batches_without_duplicates(tiny_encoder: Path, tmp_path: Path) -> None:
    rows = [Triplet(f"a {i % 4}", f"the {i}", f"no {i % 5}") for i in range(20)]
    opts = options(tiny_encoder, tmp_path, batch_size=20, no_duplicates=True)
    data = TripletData.prepare(rows, Encoder.load(tiny_encoder), opts)
    plan = BatchPlan(data.keys, opts)
    for epoch in range(3):
        steps = range(sum(map(plan.count, range(epoch))), sum(map(plan.count, range(epoch + 1))))
        batches = [plan.rows(step) for step in steps]
        assert all(len(np.unique(data.keys[batch])) == data.keys[batch].size >= 6 for batch in batches)
        taken = np.concatenate(batches).tolist()
        assert len(taken) == len(set(taken)) >= 18  # rows wait for a later batch; only ones left alone are lost


def test_chunks_cover_every_row_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 200)
    parts = chunks(lengths, 128)
    assert sorted(np.concatenate(parts).tolist()) == list(range(200))
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= 128 for part in parts)
    padding = sum(len(part) * lengths[part].max() for part in parts) / lengths.sum()
    assert padding < 1.25


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 200))
def test_chunks_are_cut_where_it_costs_least(lengths: list[int], budget: int) -> None:
    def cost(parts: list[Ints]) -> float:
        return float(sum(len(part) * max(1, lengths[part[0]]) + OVERHEAD * budget for part in parts))

    rows_of = np.array(lengths, dtype=np.int64)
    parts = chunks(rows_of, budget)
    assert sorted(row for part in parts for row in part.tolist()) == list(range(len(lengths)))
    for cut in range(
        41
    ):  # no single cut, nor none, would have cost less, with what is between two cuts padded to its longest
        bound = 0.0
        for rows in (rows_of[rows_of > cut], rows_of[rows_of <= cut]):
            if len(rows):
                longest = max(1, int(rows.max()))
                bound += len(rows) * longest + -(-len(rows) // max(1, budget // longest)) * OVERHEAD * budget
        assert cost(parts) <= bound + 1e-6


def test_padded_rows_are_the_rows() -> None:
    rows = TokenRows.of([[5, 6, 7], [8], [9, 10]], pad=1)
    ids, mask = rows.padded(np.array([1, 2]), torch.device("cpu"))
    assert ids.tolist() == [[8, 1], [9, 10]]
    assert mask.tolist() == [[1, 0], [1, 1]]


def test_learning_rate_warms_up_and_falls(tmp_path: Path) -> None:
    opts = options(tmp_path, tmp_path, warmup_ratio=0.2, learning_rate=1.0)
    rates = [learning_rate(opts, step, 10) for step in range(11)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[10] == 0.0
    assert sorted(rates[2:], reverse=True) == rates[2:]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"pooling": "sum"}, "pooling"),
        ({"batch_size": 1}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"temperature": 0.0}, "temperature"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"chunk_tokens": 16}, "chunk_tokens"),
        ({"warmup_ratio": 1.0}, "warmup_ratio"),
        ({"precision": "fp8"}, "precision"),
        ({"device": "tpu"}, "device"),
        ({"epochs": 0}, "epochs"),
        ({"mlm_weight": -0.1}, "mlm_weight"),
    ],
)
def test_bad_options_are_refused_by_name(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(SyncseError, match=f"`{word}`") as caught:
        options(tmp_path, tmp_path, **changes)
    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize(("rows", "dev"), [([], []), (triplets(1), []), (triplets(), dev_pairs()[:1])])
def test_too_little_data_is_refused(
    tiny_encoder: Path, tmp_path: Path, rows: list[Triplet], dev: list[ScoredPair]
) -> None:
    with pytest.raises(SyncseError, match="Too few"):
        train(options(tiny_encoder, tmp_path), rows, dev, Listener())


def test_where_every_row_shares_a_text_there_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    keys = np.array([[1, 2, 3], [1, 4, 5], [1, 6, 7]], np.uint64)
    with pytest.raises(SyncseError, match="Too few triplets"):
        BatchPlan(keys, options(tmp_path, tmp_path, no_duplicates=True))


def test_token_ids_are_kept_until_texts_tokenizer_or_length_change(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder, opts = Encoder.load(tiny_encoder), options(tiny_encoder, tmp_path)
    rows = triplets(tokenfile.BLOCK // 3 + 5)  # more texts than are tokenised at once
    data = TripletData.prepare(rows, encoder, opts)
    texts = [text for row in rows for text in (row.sentence, row.positive, row.negative)]
    wanted = encoder.tokenize(texts, opts.max_length)
    assert (data.tokens.flat == wanted.flat).all()
    assert (data.tokens.offsets == wanted.offsets).all()
    assert isinstance(data.tokens.flat, np.memmap)
    made = (opts.token_folder / "tokens.npy").stat().st_mtime_ns
    assert TripletData.prepare(rows, encoder, opts).key == data.key
    assert (opts.token_folder / "tokens.npy").stat().st_mtime_ns == made
    shorter = dataclasses.replace(opts, max_length=5)
    assert TripletData.prepare(rows, encoder, shorter).tokens.lengths(np.arange(99)).max() == 5
    assert TripletData.prepare(rows[1:], encoder, opts).keys.shape == (len(rows) - 1, 3)
    encoder.prompts = Prompts({"query": "query: "}, "query")
    assert TripletData.prepare(rows[1:], encoder, opts).tokens.flat.shape > wanted.flat.shape
    assert sorted(path.name for path in opts.token_folder.iterdir()) == [
        "about.json", "keys.npy", "offsets.npy", "tokens.npy",
    ]  # fmt: skip


@pytest.mark.parametrize("broken", ["{", "[]", '{"rows": 3}'])
def test_a_broken_token_folder_is_made_anew(tiny_encoder: Path, tmp_path: Path, broken: str) -> None:
    encoder, opts = Encoder.load(tiny_encoder), options(tiny_encoder, tmp_path)
    key = TripletData.prepare(triplets(), encoder, opts).key
    (opts.token_folder / "about.json").write_text(broken)
    assert TripletData.prepare(triplets(), encoder, opts).key == key


@pytest.mark.parametrize(
    ("device", "capability", "precision"),
    [("cpu", (9, 0), "fp32"), ("mps", (9, 0), "fp32"), ("cuda", (7, 5), "fp32"), ("cuda", (8, 0), "bf16")],
)
def test_auto_is_bf16_on_a_gpu_that_computes_it(
    device: str, capability: tuple[int, int], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert pick_precision(device) == precision
