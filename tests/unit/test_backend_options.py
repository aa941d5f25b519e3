"""Backend options from plain data: converted, checked, and refused with the names that exist."""

from typing import Any

import pytest

from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.options import read_options
from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.registry import backend_spec


def test_text_becomes_what_the_option_is() -> None:
    given = {"max_model_len": "4096", "gpu_memory_utilization": 1, "enforce_eager": "true", "dtype": "bfloat16"}
    found = read_options(VllmOptions, "vllm", given)
    assert (found.max_model_len, found.gpu_memory_utilization, found.enforce_eager) == (4096, 1.0, True)
    assert (found.dtype, found.quantization) == ("bfloat16", "auto")
    assert read_options(VllmOptions, "vllm", {"gpu_memory_utilization": "0.5"}).gpu_memory_utilization == 0.5


@pytest.mark.parametrize(
    "given", [{"n_ctx": "many"}, {"n_ctx": True}, {"n_ctx": 1.5}, {"kv_type": "q4"}, {"threads": None}, {"theads": 1}]
)
def test_what_does_not_fit_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SyncseError) as caught:
        read_options(LlamaOptions, "llamacpp", given)
    assert caught.value.code == ExitCode.USAGE
    assert caught.value.hint


def test_settings_become_the_options_that_an_engine_names() -> None:
    settings = Settings(base_urls=" http://a/v1, http://b/v1,", threads=3, n_ctx=512, max_spend=2.0, vllm_python="py")
    assert backend_spec("openai_compat").chosen(settings) == {
        "base_urls": ["http://a/v1", "http://b/v1"], "api_key_file": "", "max_spend": 2.0, "prices": {},
    }  # fmt: skip
    assert backend_spec("llamacpp").chosen(settings) == {"threads": 3, "n_gpu_layers": 0, "n_ctx": 512}
    assert backend_spec("vllm").chosen(settings) == {"python": "py", "threads": 3, "max_model_len": 512}
    assert backend_spec("echo").chosen(settings) == {}


def test_an_option_that_holds_several_takes_a_list_or_a_text() -> None:
    read = backend_spec("openai_compat").read
    assert read({"base_urls": ["http://a", "http://b", "http://a"]}).base_urls == ("http://a", "http://b")
    assert read({"base_urls": "http://a, http://b"}).base_urls == ("http://a", "http://b")
    wrong: list[dict[str, Any]] = [{"base_urls": 3}, {"base_urls": []}, {"base_urls": "u", "prices": 1}]
    for given in (*wrong, {"base_urls": "u", "retries": -1}):
        with pytest.raises(SyncseError) as caught:
            read(given)
        assert (caught.value.code, caught.value.title) == (ExitCode.USAGE, "Bad backend option")
