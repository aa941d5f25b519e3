"""Tests of the parts that compute on an NVIDIA GPU; each is skipped where there is none."""

import pytest

from syncse_local import machine


@pytest.fixture(autouse=True, scope="session")
def _gpu() -> None:
    """Skips where the driver names no GPU, or this torch has no CUDA."""
    if not machine.gpus():
        pytest.skip("this machine has no NVIDIA GPU")
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this torch has no CUDA")
