"""An encoder that brings Python code: refused, unless its very directory was named; then trained and saved with its code."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.encoder_files import TRUSTED
from syncse_local.training.loop import train
from tests.unit.training_setup import Listener, options, triplets

CODE = """
from pathlib import Path
from transformers import BertConfig, BertModel

Path({mark!r}).touch()

class OddConfig(BertConfig):
    model_type = "odd"

class OddModel(BertModel):
    config_class = OddConfig
"""


@pytest.fixture
def odd(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encoder whose code leaves a mark when it runs."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    path = Path(shutil.copytree(tiny_encoder, tmp_path / "odd"))
    (path / "odd.py").write_text(CODE.format(mark=str(tmp_path / "ran")))
    config = json.loads((path / "config.json").read_text())
    classes = {"AutoConfig": "odd.OddConfig", "AutoModel": "odd.OddModel"}
    (path / "config.json").write_text(json.dumps({**config, "model_type": "odd", "auto_map": classes}))
    return path


@pytest.mark.parametrize("trusted", ["", "elsewhere", "odd/.."])
def test_code_is_not_run_unless_its_directory_is_named(
    odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    monkeypatch.setenv(TRUSTED, str(tmp_path / trusted) if trusted else "")
    with pytest.raises(SyncseError, match="Encoder wants to run code") as caught:
        Encoder.load(odd)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert TRUSTED in caught.value.hint
    assert not (tmp_path / "ran").exists()


def test_named_code_runs_trains_and_is_saved_beside_the_weights(
    odd: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opts = options(odd, tmp_path, max_steps=2)
    monkeypatch.setenv(TRUSTED, f"{tmp_path}:{odd}:{opts.output}")
    texts = ["A man is playing a guitar."]
    assert np.abs(Encoder.load(odd).encode(texts) - Encoder.load(tiny_encoder).encode(texts)).max() < 1e-6
    assert (tmp_path / "ran").exists()
    train(opts, triplets(), [], Listener())
    assert (opts.output / "odd.py").exists()
    assert np.isfinite(Encoder.load(opts.output).encode(texts)).all()
    monkeypatch.delenv(TRUSTED)
    with pytest.raises(SyncseError, match="wants to run code"):
        Encoder.load(opts.output)
