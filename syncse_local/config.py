"""Settings from flags, environment, project file, user file and defaults, in that order of strength.

Knows names, types and where they came from; knows nothing of what uses them.
"""

import codecs
import difflib
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.paths import expanded, home, user_number
from syncse_local.registry import DEFAULT_BACKEND

PROJECT_FILE = "syncse.toml"
PATHS = (
    "workspace",
    "senteval",
    "reranking",
    "model",
    "encoder",
    "recipe",
    "vllm_python",
    "api_key_file",
    "model_dirs",
)
"""Settings in which `~` is the home directory; some may be a name instead."""


CHOICES = {"isolation": ("auto", "strict", "off")}
"""Settings that are one of a few words."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set once for many commands. Empty text means: not set."""

    workspace: str = "workspace"
    airgap: bool = False
    isolation: str = "auto"
    senteval: str = ""
    reranking: str = ""
    backend: str = DEFAULT_BACKEND
    model: str = ""
    model_dirs: str = ""
    encoder: str = ""
    recipe: str = "starter"
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    n_gpu_layers: int = 0
    n_ctx: int = 0
    vllm_python: str = ""
    base_urls: str = ""
    api_key_file: str = ""
    max_spend: float = 0.0
    prices: dict[str, Any] = field(default_factory=dict, hash=False)
    author: str = ""
    theme: str = ""
    notify: list[str] = field(default_factory=list, hash=False)
    keys: dict[str, Any] = field(default_factory=dict, hash=False)
    origin: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each setting that is not a default came from."""


ABOUT: Mapping[str, str] = {
    "workspace": "where runs, models and results are kept",
    "airgap": "refuse every connection beyond this machine, in every process",
    "isolation": "how the kernel keeps a worker from the network: auto, strict or off",
    "senteval": "SentEval's data directory, for STS, transfer and dev sets",
    "reranking": "the directory with the reranking sets",
    "backend": "the engine that writes triplets",
    "model": "the language model: a path, or a name of `syncse models`; empty: the bundled one",
    "model_dirs": "more directories with models, with ':' between them",
    "encoder": "the encoder to train and evaluate; empty: the bundled one",
    "recipe": "how triplets are asked for: a name of `syncse recipes`, or a file",
    "device": "where encoders run: auto, cpu, cuda or mps",
    "precision": "of a training: auto, fp32 or bf16",
    "threads": "threads of the engine; 0: one for each core",
    "n_gpu_layers": "layers of the language model on the GPU; 0: none, -1: all",
    "n_ctx": "tokens of the engine's window; 0: as many as the rows need",
    "vllm_python": "the Python of the environment that has vLLM",
    "base_urls": "addresses of OpenAI-compatible servers, with commas between them",
    "api_key_file": "a file with the key for them, which only you can read",
    "max_spend": "stop when the answers have cost so much, by `prices`; 0: no limit",
    "prices": "a table: what a million tokens cost, by model",
    "author": "your name beside your decisions on triplets",
    "theme": "dark, light, high-contrast or colour-blind",
    "notify": "a command and its arguments, run when a run has ended; {title} and {text} are replaced; your own file only",
    "keys": "a table: other keys for what the terminal UI does, by the ids of docs/guide/keys.md",
}
"""Each setting in a phrase: for the settings screen and for the template that a new file begins with."""
PERSONAL = ("notify",)
"""Settings that start a program: a file that comes with a directory, or the environment, must not set them."""

TYPES = {name: get_origin(kind) or kind for name, kind in get_type_hints(Settings).items() if name != "origin"}


def user_file() -> Path:
    """The user's settings file (XDG)."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "syncse-local" / "config.toml"


def load(flags: Mapping[str, Any] | None = None, directory: Path | None = None) -> Settings:
    """Settle every setting; flags that are None are not given.

    Raises SyncseError (USAGE) for an unknown key or a value of the wrong type, naming its source.
    """
    project = (directory or Path.cwd()) / PROJECT_FILE
    layers: list[tuple[str, Mapping[str, Any]]] = [(str(path), _read(path)) for path in (user_file(), project)]
    _refuse_personal(*layers[1])
    shared = [name for name in TYPES if name not in PERSONAL]
    variables = {name: os.environ[key] for name in shared if (key := f"SYNCSE_{name.upper()}") in os.environ}
    layers += [("the environment", variables), ("a flag", {k: v for k, v in (flags or {}).items() if v is not None})]
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source, layer in layers:
        values |= (settled := check(layer, source))
        origin |= dict.fromkeys(settled, source)
    return Settings(**values, origin=origin)


def _refuse_personal(source: str, layer: Mapping[str, Any]) -> None:
    """Raise SyncseError (USAGE) where a project's file would start a program."""
    if name := next((name for name in PERSONAL if name in layer), ""):
        detail = f"{source} sets {name}, which starts a program: a directory may have come from anywhere."
        raise SyncseError("Not taken from here", detail, f"Move it to {user_file()}.", ExitCode.USAGE)


def check(layer: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The values of one layer in their types. Raises SyncseError (USAGE) for an unknown key or a wrong type."""
    for name in layer:
        if name not in TYPES:
            raise unknown_key(name, list(TYPES), source)
    return {name: _convert(name, value, source) for name, value in layer.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text_of(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        if path == user_file() and is_of_another(home()):
            return {}
        raise _unreadable(path, error) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> SyncseError:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return SyncseError("A settings file cannot be read", f"{path}: {said}.", "Mend or remove it.", ExitCode.USAGE)


def text_of(path: Path) -> str:
    """The text of a settings file: UTF-8, or UTF-16 with the mark that PowerShell writes. Raises OSError, ValueError."""
    content = path.read_bytes()
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n")


def is_of_another(directory: Path) -> bool:
    """Whether a home directory is another user's, as where a container was given a number and kept root's HOME."""
    try:
        return directory.stat().st_uid != user_number()
    except OSError:
        return False


def _convert(name: str, value: Any, source: str) -> Any:
    kind = TYPES[name]
    if (
        isinstance(value, str)
        and kind is bool
        and value.lower() in ("1", "true", "yes", "on", "0", "false", "no", "off", "")
    ):
        return value.lower() in ("1", "true", "yes", "on")
    if isinstance(value, str) and kind is int:
        with suppress(ValueError):
            return int(value)
    if kind is float and isinstance(value, (int, str)) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            return float(value)
    if isinstance(value, str) and name in PATHS:
        return os.pathsep.join(map(expanded, value.split(os.pathsep))) if name == "model_dirs" else expanded(value)
    if name not in CHOICES and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    if value in CHOICES.get(name, ()):
        return value
    wanted = " or ".join(CHOICES.get(name, (kind.__name__,)))
    raise SyncseError(
        "A setting has the wrong type",
        f"{name} = {value!r} (from {source}) should be {wanted}.",
        "Mend the value; `syncse doctor` shows every setting and its source.",
        ExitCode.USAGE,
    )


def unknown_key(name: str, known: list[str], source: str) -> SyncseError:
    """The error for a key nobody knows, with the nearest known one."""
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(sorted(known))}."
    return SyncseError("Unknown key", f"{source} has the key {name!r}.", hint, ExitCode.USAGE)


def as_dict(settings: Settings) -> dict[str, Any]:
    """The settings without their origin, as plain data."""
    return {f.name: getattr(settings, f.name) for f in fields(settings) if f.name != "origin"}
