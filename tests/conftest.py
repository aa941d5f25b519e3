"""Fixtures that every kind of test shares: where the research data lies, a tiny encoder, a workspace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
for name in ("NO_COLOR", "TEXTUAL_THEME"):  # they change what a screen looks like
    os.environ.pop(name, None)
os.environ.setdefault("OMP_NUM_THREADS", "2")
sys.path.insert(0, str(REPO / "scripts"))

from syncse_local import airgap  # noqa: E402
from syncse_local.jobs.supervise import SPINS  # noqa: E402

airgap.set_switches()
os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # before torch is loaded: tests may share their cores


@pytest.fixture(scope="session")
def repo() -> Path:
    """The project's root."""
    return REPO


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The research data (SYNCSE_DATA, or `shared/data` beside the checkout); skips where it is absent."""
    path = Path(os.environ.get("SYNCSE_DATA") or REPO.parent / "shared" / "data")
    if not (path / "MANIFEST.json").exists():
        pytest.skip(f"research data is not at {path}; set SYNCSE_DATA")
    return path


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The tiny research models (SYNCSE_MODELS, or `shared/models` beside the checkout); skips where absent."""
    path = Path(os.environ.get("SYNCSE_MODELS") or REPO.parent / "shared" / "models")
    if not path.is_dir():
        pytest.skip(f"research models are not at {path}; set SYNCSE_MODELS")
    return path


@pytest.fixture(scope="session")
def random_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama directory with random weights and a chat template."""
    from random_llama import write

    return write(tmp_path_factory.mktemp("random-llama"))


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """Forty of the bundled sentences as a text file."""
    text = (REPO / "models" / "starter-sentences" / "sentences.txt").read_text(encoding="utf-8")
    path = tmp_path / "sentences.txt"
    path.write_text("\n".join(text.splitlines()[:40]) + "\n", encoding="utf-8")
    return path


class Cli:
    """Runs `syncse` in a process of its own, as a user would, on a workspace of the test's."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace

    def __call__(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "syncse_local.cli.main", *arguments]
        env = {**os.environ, "SYNCSE_WORKSPACE": str(self.workspace), **environment}
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=REPO, timeout=600)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """The same, not waited for."""
        command = [sys.executable, "-m", "syncse_local.cli.main", *arguments]
        env = {**os.environ, "SYNCSE_WORKSPACE": str(self.workspace), **environment}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=REPO)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line on a fresh workspace."""
    return Cli(tmp_path / "workspace")


WORDS = "a the man dog train rain red car green is was play run ##ning ##ing ##s guitar not some one no every body."
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'?!"


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of three layers and hidden size 32, with dropout 0.1, as safetensors with a WordPiece tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("tiny-encoder")
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{c}" for c in LETTERS), *WORDS.split()]
    vocabulary = {name: i for i, name in enumerate(dict.fromkeys(names))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, mask_token="[MASK]", model_max_length=64, **special
    ).save_pretrained(path)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(path)
    return path
