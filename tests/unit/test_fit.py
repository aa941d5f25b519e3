"""Whether it fits: the sums by hand, the engine's own numbers, the refusal with its arithmetic."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncse_local import machine, paths
from syncse_local.backends.llamacpp.fit import llamacpp_fit
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.llamacpp.sizes import cells_for
from syncse_local.backends.preflight import check_generate
from syncse_local.backends.vllm.fit import VLLM_WINDOW, vllm_fit
from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine import Gpu
from syncse_local.machine_memory import GIB, FreeMemory
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Dimensions, Found, ModelEntry
from syncse_local.training.memory import train_fit
from syncse_local.training.options import TrainOptions
from syncse_local.training.preflight import check_train
from tests.unit.model_files import BERT, CAUSAL, directory

# The sizes of an 8 B Llama: 32 layers, 8 key-value heads of 128.
LLAMA = ModelEntry(
    name="llama",
    source="path",
    kind="llm",
    path=Path("llama.gguf"),
    parameters=8_030_000_000,
    bytes=4_920_000_000,
    quantisation="Q4_K_M",
    context=131_072,
    dimensions=Dimensions(32, 4096, 32, 2 * 32 * 8 * 128, 128_256, 14_336),
)


def _gpu(free: int | None, total: int | None = None, index: int = 0) -> Gpu:
    return Gpu(index, "a GPU", total if total is not None else free, free)


def _sizes(fit: Any) -> dict[str, float]:
    return {what.split(" (")[0]: size for what, size in fit.needs}


def test_llama_cpp_in_main_memory() -> None:
    (fit,) = llamacpp_fit(LLAMA, LlamaOptions(n_ctx=8192), FreeMemory(5 * GIB))
    assert fit.place == "main memory"
    assert _sizes(fit)["weights"] == 4_920_000_000
    assert _sizes(fit)["KV cache"] == 8192 * 65_536 * 2  # 1 GiB: 128 KiB a cell
    assert not fit.fits
    assert llamacpp_fit(LLAMA, LlamaOptions(n_ctx=2048, kv_type="q8_0"), FreeMemory(5 * GIB))[0].fits


def test_attention_scores_take_room_where_they_are_kept() -> None:
    flash, plain = (
        llamacpp_fit(LLAMA, LlamaOptions(n_ctx=8192, n_seq=1, flash_attn=way), FreeMemory(GIB))[0]
        for way in ("auto", "off")
    )
    assert _sizes(plain)["work space"] - _sizes(flash)["work space"] == 4 * 128 * 8192 * 33


def test_a_cache_that_nobody_sized_shrinks_to_what_is_left() -> None:
    roomy, tight = (llamacpp_fit(LLAMA, LlamaOptions(threads=4), FreeMemory(size * GIB))[0] for size in (64, 7))
    assert _sizes(roomy)["KV cache"] == 2 * cells_for(32, 131_072, 131_072.0, 60 * GIB) * 131_072
    assert _sizes(tight)["KV cache"] < _sizes(roomy)["KV cache"]
    assert tight.fits


def test_layers_on_the_gpu_take_their_share_with_them() -> None:
    memory = FreeMemory(16 * GIB, (_gpu(8 * GIB),))
    on_gpu, in_main = llamacpp_fit(LLAMA, LlamaOptions(n_gpu_layers=11, n_ctx=3072), memory)
    assert on_gpu.place == "GPU memory"
    assert _sizes(on_gpu)["weights"] == pytest.approx(4_920_000_000 / 3)
    assert _sizes(on_gpu)["KV cache"] + _sizes(in_main)["KV cache"] == pytest.approx(3072 * 131_072)
    for layers in (-1, 33, 99):
        (alone,) = llamacpp_fit(LLAMA, LlamaOptions(n_gpu_layers=layers, n_ctx=3072), memory)
        assert (alone.place, alone.free) == ("GPU memory", 8 * GIB)


def test_several_gpus_add_up_and_an_unknown_one_is_no_reason_to_refuse() -> None:
    options = LlamaOptions(n_gpu_layers=-1, n_ctx=8192)
    (two,) = llamacpp_fit(LLAMA, options, FreeMemory(GIB, (_gpu(4 * GIB), _gpu(4 * GIB, index=1))))
    assert (two.free, two.fits) == (8 * GIB, True)
    (unknown,) = llamacpp_fit(LLAMA, options, FreeMemory(GIB, (_gpu(None),)))
    assert unknown.fits
    assert "unknown" in str(unknown)


def test_without_a_gpu_everything_is_in_main_memory() -> None:
    (fit,) = llamacpp_fit(LLAMA, LlamaOptions(n_gpu_layers=-1), FreeMemory(64 * GIB))
    assert fit.place == "main memory"


def test_vllm_by_number_type_and_length() -> None:
    stored = ModelEntry(
        "m", "path", "llm", Path("m"), parameters=1_000_000_000, bytes=4_000_000_000, quantisation="F32"
    )
    memory = FreeMemory(GIB, (_gpu(20 * GIB, 24 * GIB),))
    half = vllm_fit(stored, VllmOptions(dtype="auto"), memory)[0]
    assert _sizes(half)["weights"] == 2_000_000_000
    assert half.free == 20 * GIB
    assert _sizes(vllm_fit(stored, VllmOptions(dtype="float32"), memory)[0])["weights"] == 4_000_000_000
    assert vllm_fit(stored, VllmOptions(gpu_memory_utilization=0.5), memory)[0].free == 12 * GIB
    packed = ModelEntry("m", "p", "llm", Path("m"), parameters=8 * 10**9, bytes=5 * 10**9, quantisation="awq 4 bit")
    assert _sizes(vllm_fit(packed, VllmOptions(dtype="float16"), memory)[0])["weights"] == 5 * 10**9
    long = vllm_fit(LLAMA, VllmOptions(max_model_len=65_536), memory)[0]
    assert _sizes(long)["KV cache"] == 65_536 * 65_536 * 2
    assert _sizes(long)["activations"] == pytest.approx(0.1 * (_sizes(long)["weights"] + _sizes(long)["KV cache"]))
    assert f"{VLLM_WINDOW:,} tokens" in str(vllm_fit(LLAMA, VllmOptions(), memory)[0])


def test_training(tmp_path: Path) -> None:
    base = ModelEntry(
        "b", "path", "encoder", Path("b"), parameters=125_000_000, dimensions=Dimensions(12, 768, 12, 0, 50_265, 3072)
    )
    options = TrainOptions(tmp_path, tmp_path, tmp_path, batch_size=64, max_length=32, device="cpu")
    (fit,) = train_fit(base, options, FreeMemory(8 * GIB, (_gpu(GIB),)))
    assert fit.place == "main memory"
    sizes = _sizes(fit)
    assert (sizes["weights"], sizes["gradients"], sizes["AdamW state"]) == (500_000_000, 500_000_000, 1_000_000_000)
    (adapters,) = train_fit(base, replace(options, lora_rank=8), FreeMemory(8 * GIB))
    assert _sizes(adapters)["gradients"] == 4 * 8 * 12 * (8 * 768 + 3 * (768 + 3072))
    assert adapters.needed < fit.needed - 1_400_000_000
    assert _sizes(fit)["activations"] == 64 * 3 * 32 * 768 * 12 * 17 * 4
    large = TrainOptions(tmp_path, tmp_path, tmp_path, batch_size=512, max_length=32, chunk_tokens=4096)
    (cached,) = train_fit(base, large, FreeMemory(8 * GIB, (_gpu(GIB),)))
    assert (cached.place, cached.fits) == ("GPU memory", False)
    assert _sizes(cached)["activations"] == 4096 * 768 * 12 * 17 * 4  # one chunk: the gradients are cached


def test_a_refusal_shows_the_sum_and_the_next_step(tmp_path: Path) -> None:
    folder = directory(tmp_path / "m", CAUSAL)
    with pytest.raises(SyncseError) as refused:
        check_generate("vllm", folder, {}, FreeMemory(100))
    assert refused.value.code == ExitCode.PREFLIGHT
    assert all(word in refused.value.detail for word in ("weights", "KV cache", "activations", "GiB are free in main"))
    assert "--force" in refused.value.hint
    assert check_generate("vllm", folder, {}, FreeMemory(GIB))[0].fits
    encoder = directory(tmp_path / "e", BERT)
    with pytest.raises(SyncseError, match="AdamW"):
        check_train(TrainOptions(encoder, tmp_path, tmp_path, device="cpu"), FreeMemory(100))


def test_what_cannot_be_judged_is_left_to_the_engine(tmp_path: Path) -> None:
    assert check_generate("llamacpp", tmp_path / "none.gguf", {}, FreeMemory(0)) == []
    assert check_generate("openai_compat", Path("a-name"), {}, FreeMemory(0)) == []
    with pytest.raises(SyncseError, match="no backend named 'another'"):
        check_generate("another", paths.starter_llm(), {}, FreeMemory(0))


def test_the_engine_comes_to_the_same_numbers() -> None:
    from syncse_local.backends.llamacpp.engine import LlamaCppBackend
    from syncse_local.backends.vllm import engine

    entry = describe(Found("starter", "path", paths.starter_llm()))
    backend = LlamaCppBackend(paths.starter_llm(), threads=2)
    assert backend.info.dimensions == entry.dimensions
    (fit,) = llamacpp_fit(entry, LlamaOptions(threads=2), FreeMemory(machine.memory().free))
    assert f"{backend.settings()['n_ctx']:,} cells" in str(fit)
    backend.close()
    assert engine.engine_arguments(VllmOptions(), Path("m"), 0)["max_model_len"] == VLLM_WINDOW
