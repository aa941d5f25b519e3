"""Prefixes shared in every kind of memory: the same numbers as prompts computed whole, in each way that the engine shares."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from syncse_local.backends.llamacpp.choose import has_gpu
from syncse_local.backends.llamacpp.engine import LlamaCppBackend
from syncse_local.backends.llamacpp.native import STATES, Decoder, Model, Shape
from syncse_local.backends.llamacpp.rows import RowJob
from syncse_local.backends.llamacpp.sizes import PREFIX_SEQUENCES as PREFIXES
from syncse_local.backends.llamacpp.sizes import STATE_BYTES, rows_with_states
from syncse_local.modelfiles.gguf import model_info
from tests.contract import odd_models
from tests.contract.test_llamacpp import GREEDY, contexts

ROWS, HOLDER = 4, 4
PREFIX = 40  # beyond the window of 16 tokens
KINDS = [(kind, make) for kind, makers in odd_models.MEMORY_KINDS.items() for make in makers]
SHARE = 1e-3  # of the spread of logits: batching alone gives up to 1e-4, a wrong state 0.03 and more
NOISE = 4  # times what a prompt in two calls differs from one in one: on a GPU, whose products are of 16 bits, 0.003 to 0.08


@pytest.fixture(scope="module", params=KINDS, ids=lambda pair: f"{pair[0]}-{pair[1].__name__}")
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Model]]:
    """(kind, file, loaded model)."""
    kind, make = request.param
    path = tmp_path_factory.mktemp("odd") / f"{make.__name__}.gguf"
    make(path)
    model = Model(path, 0)
    yield kind, path, model
    model.close()


def fed(decoder: Decoder, *rows: tuple[int, int, list[int]]) -> NDArray[np.float32]:
    """Logits after the last token of each (sequence, first position, tokens), decoded in one call."""
    count = 0
    for sequence, start, tokens in rows:
        for i, token in enumerate(tokens):
            decoder.tokens[count], decoder.positions[count], decoder.sequences[count] = token, start + i, sequence
            decoder.outputs[count] = i == len(tokens) - 1
            count += 1
    assert decoder.decode(count)
    return decoder.logits(len(rows)).copy()


def tokens(seed: int, count: int) -> list[int]:
    return [int(t) for t in np.random.default_rng(seed).integers(300, 390, count)]


def apart(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.abs(first - second).max() / second.std())


def test_logits_are_those_of_whole_prompts(found: tuple[str, Path, Model]) -> None:
    kind, _, model = found
    assert model.memory == kind
    prefix = tokens(0, PREFIX)
    suffixes = [tokens(row + 1, 5 + 3 * row) for row in range(ROWS)]
    more = tokens(99, 3)
    alone = Decoder(model, Shape(512, 1, 256, 1, "f32", "off"))
    wanted = []
    for suffix in suffixes:
        alone.clear()
        steps = [fed(alone, (0, 0, prefix + suffix))[0]]
        steps += [fed(alone, (0, PREFIX + len(suffix) + i, [t]))[0] for i, t in enumerate(more)]
        wanted.append(np.array(steps))
    pieces = []
    for suffix in suffixes:
        alone.clear()
        fed(alone, (0, 0, prefix))
        pieces.append(fed(alone, (0, PREFIX, suffix))[0])
    alone.close()
    allowed = max(SHARE, NOISE * apart(np.array(pieces), np.array([steps[0] for steps in wanted])))

    shared = Decoder(model, Shape(1024, ROWS + 1, 256, 1, "f32", "off"))
    for _ in range(2):  # the second time with sequences that were used and forgotten
        fed(shared, (HOLDER, 0, prefix[:7]))  # in pieces, as a long prefix comes
        fed(shared, (HOLDER, 7, prefix[7:]))
        for row in range(ROWS):
            shared.share(HOLDER, row, PREFIX)
        first = fed(shared, *((row, PREFIX, suffix) for row, suffix in enumerate(suffixes)))
        steps = [first]
        for i, token in enumerate(more):
            steps.append(fed(shared, *((row, PREFIX + len(s) + i, [token]) for row, s in enumerate(suffixes))))
        got = np.array(steps).swapaxes(0, 1)
        assert apart(got, np.array(wanted)) < allowed
        # One row leaves and comes back while the others' memory stands.
        shared.forget(1)
        shared.share(HOLDER, 1, PREFIX)
        assert apart(fed(shared, (1, PREFIX, suffixes[1])), wanted[1][:1]) < allowed
        for sequence in range(ROWS + 1):
            shared.forget(sequence)
    shared.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_texts_are_those_of_rows_alone(found: tuple[str, Path, Model], threads: int) -> None:
    kind, path, _ = found
    backend = LlamaCppBackend(path, n_seq=6, threads=threads, kv_type="f32")
    assert backend.settings()["memory"] == kind
    assert backend.warnings == ["The model brings no chat template: prompts are plain text."]
    attends = backend.settings()["attention"]
    assert attends == "llama.cpp"  # cells of 32 bits
    together = {c.key: c for c in backend.generate(contexts(2, 8, GREEDY), lambda: False)}
    assert min(c.cached_tokens for c in together.values()) > 0
    alone = LlamaCppBackend(path, n_seq=1, threads=1, kv_type="f32")
    single: dict[str, str] = {}
    for context in contexts(2, 8, GREEDY):
        for row in context.rows:
            one = replace(context, rows=[row])
            single.update({c.key: c.text for c in alone.generate([one], lambda: False)})
    assert {key: c.text for key, c in together.items()} == single
    backend.close()
    alone.close()


def test_attention_over_shared_prefixes_knows_every_layer_of_these(found: tuple[str, Path, Model]) -> None:
    """Windows, caps on scores and layers without attention: whatever attends here is ours, and agrees with llama.cpp's."""
    kind, path, _ = found
    backend = LlamaCppBackend(path, n_seq=4, threads=1, flash_attn="on")
    assert backend.settings()["attention"] == ("llama.cpp" if kind == "recurrent" or has_gpu() else "shared prefixes")
    assert len(list(backend.generate(contexts(2, 8, GREEDY), lambda: False))) == 16
    assert not any("another result" in warning for warning in backend.warnings)
    backend.close()


def test_a_state_is_shared_whole_or_not_at_all(found: tuple[str, Path, Model]) -> None:
    """A row that leaves the common prefix before its end: cells are shared up to there, a state is not."""
    kind, path, _ = found
    backend = LlamaCppBackend(path, n_seq=2, threads=1)
    prompter = backend._schedulers[0]._tokeniser
    (context,) = contexts(1, 2, GREEDY)
    prefix = prompter.open(context)
    prefix.tokens = np.append(prefix.tokens, np.int32(7))  # as where a row's first letter joins the token before it
    job = next(prefix.rows)
    assert isinstance(job, RowJob)
    assert job.shared == (0 if kind in STATES else len(prefix.tokens) - 1)
    backend.close()


def test_the_forecast_counts_cells_and_states_as_llama_cpp_does(
    found: tuple[str, Path, Model], caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes of the cache and of the states, from the header alone, against what llama.cpp says it took (to 0.01 MiB)."""
    _, path, model = found
    sizes = model_info(path).dimensions
    caplog.set_level(logging.DEBUG, "syncse_local.llamacpp")
    Decoder(model, Shape(16_384, 200, 256, 1, "f32", "off")).close()
    taken = {"llama_kv_cache": 0.0, "llama_memory_recurrent": 0.0}
    for message in caplog.messages:
        name, _, rest = message.partition(":")
        if name in taken and (said := re.match(r" size = +([\d.]+) MiB", rest)):
            taken[name] += float(said[1])
    cells, states = (16_384 * 4 * sizes.kv_values / 2**20, 200 * STATE_BYTES * sizes.state_values / 2**20)
    assert taken["llama_kv_cache"] == pytest.approx(cells, abs=0.011 * 2)
    assert taken["llama_memory_recurrent"] == pytest.approx(states, abs=0.011)
    assert states > 0.3 or model.memory not in STATES


def test_rows_in_flight_keep_to_the_memory_that_their_states_may_take() -> None:
    mib = 1 << 20
    assert rows_with_states(64, 0, 1) == 64
    assert rows_with_states(64, 10 * mib, 100_000 * mib) == 64
    few = rows_with_states(64, 150 * mib, 16_000 * mib)
    assert 1 < few < 64
    assert (few + PREFIXES) * 150 * mib <= 0.3 * 16_000 * mib
    assert rows_with_states(64, 150 * mib, 0) == 1
