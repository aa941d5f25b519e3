"""Where the bundled models and data lie: beside a checkout's packages, or inside an installed wheel."""

from pathlib import Path

HERE = Path(__file__).resolve().parent


def bundled() -> Path:
    """The `models/` directory that ships with the project."""
    beside = HERE.parent / "models"
    return beside if beside.is_dir() else HERE / "_models"


def starter_llm() -> Path:
    """The bundled language model, a GGUF file."""
    return bundled() / "starter-llm" / "starter-llm.gguf"


def starter_encoder() -> Path:
    """The bundled encoder's directory."""
    return bundled() / "starter-encoder"


def starter_sts() -> Path:
    """The bundled STS smoke test."""
    return bundled() / "starter-sts" / "pairs.tsv"


def starter_sentences() -> Path:
    """The bundled sentences to generate from."""
    return bundled() / "starter-sentences" / "sentences.txt"
