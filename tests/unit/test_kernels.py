"""Which number types llama.cpp reads slowly, and what is said of them."""

from pathlib import Path

import pytest

from syncse_local.backends.llamacpp.kernels import prompt_speed, slow_type
from syncse_local.config import Settings
from syncse_local.modelfiles.entry import ModelEntry
from syncse_local.prepare.fits import remarks_on


@pytest.mark.parametrize(
    ("name", "like"), [("Q4_K_M", "Q4_K"), ("Q5_K_S", "Q5_K"), ("Q4_1", "Q4_1"), ("IQ4_XS", "IQ4_XS")]
)
def test_a_file_type_is_known_by_its_family(name: str, like: str) -> None:
    assert prompt_speed(name) == prompt_speed(like) != 1.0 or like == "Q4_0"


def test_what_was_not_measured_is_not_called_slow() -> None:
    assert slow_type("MXFP4") == slow_type("none") == slow_type("") == ""


def test_slow_types_name_faster_ones() -> None:
    assert slow_type("Q4_0") == slow_type("Q8_0") == ""
    assert "Q4_0 3.6x" in slow_type("Q4_1")


def test_remarks_are_the_engines_that_run_the_model() -> None:
    entry = ModelEntry("m", "path", "llm", Path("m.gguf"), quantisation="Q4_1", backends=("llamacpp",))
    assert remarks_on(entry, Settings()) == [slow_type("Q4_1")]
    assert remarks_on(entry, Settings(n_gpu_layers=-1)) == []
    assert (
        remarks_on(ModelEntry("m", "path", "llm", Path("m"), quantisation="Q4_1", backends=("vllm",)), Settings()) == []
    )
