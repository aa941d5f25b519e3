"""Backend options from plain data: converted, checked, and refused with the names that exist."""

from typing import Any

import pytest

from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.options import read_options
from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.errors import ExitCode, SyncseError


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
