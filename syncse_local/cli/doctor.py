"""`syncse doctor`: what is installed, which models are there, where settings come from, what the air-gap would refuse."""

import argparse
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from syncse_local import __version__, paths
from syncse_local.cli.common import parser, settings
from syncse_local.cli.inventory import machine_checks, model_checks
from syncse_local.cli.output import emit, table
from syncse_local.cli.surroundings import surroundings
from syncse_local.config import Settings, as_dict
from syncse_local.errors import ExitCode
from syncse_local.registry import BACKENDS, backend_spec
from syncse_local.text.display import safe
from syncse_local.text.figures import size

LIBRARIES = {
    "torch": ("torch", "training and evaluation", True),
    "transformers": ("transformers", "training and evaluation", True),
    "scipy": ("scipy", "evaluation", True),
    "textual": ("textual", "the terminal UI", True),
    "sqlite_utils": ("sqlite-utils", "the store", True),
    "pyarrow": ("pyarrow", "Parquet files", False),
}


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser(verbs, "doctor", "check the installation, the models and the settings", "syncse doctor", run)


def run(options: argparse.Namespace) -> ExitCode:
    """Print the checks; fails (PREFLIGHT) when something needed is missing. With --airgap, the proof that nothing leaves."""
    if options.airgap:
        from syncse_local.cli.audit import audit

        return audit(options.json)
    chosen = settings(options)
    checks = [
        *_libraries(),
        *_engines(chosen),
        *_models(),
        *model_checks(chosen),
        *surroundings(chosen),
        *machine_checks(),
    ]
    sources = {n: {"value": v, "from": chosen.origin.get(n, "default")} for n, v in as_dict(chosen).items()}
    if options.json:
        emit(
            {
                "version": __version__,
                "checks": [dict(zip(("what", "state", "detail"), c, strict=True)) for c in checks],
                "settings": sources,
            }
        )
    else:
        print(table(["what", "state", "detail"], checks))
        print()
        print(table(["setting", "value", "from"], [[n, safe(s["value"]), safe(s["from"])] for n, s in sources.items()]))
    return ExitCode.PREFLIGHT if any(state == "missing" for _, state, _ in checks) else ExitCode.OK


def _libraries() -> list[tuple[str, str, str]]:
    found = []
    for module, (name, use, needed) in LIBRARIES.items():
        if find_spec(module):
            found.append((name, "ok", metadata.version(name)))
        else:
            found.append((name, "missing" if needed else "absent", f"needed for {use}"))
    return found


def _engines(chosen: Settings) -> list[tuple[str, str, str]]:
    """What each engine says of itself."""
    return [
        (what, state, safe(detail)) for name in BACKENDS for what, state, detail in backend_spec(name).checks(chosen)
    ]


def _models() -> list[tuple[str, str, str]]:
    bundled = {
        "starter LLM": paths.starter_llm(),
        "starter encoder": paths.starter_encoder() / "model.safetensors",
        "starter STS set": paths.starter_sts(),
        "starter sentences": paths.starter_sentences(),
    }
    return [(name, "ok" if path.exists() else "missing", f"{path} ({_size(path)})") for name, path in bundled.items()]


def _size(path: Path) -> str:
    return size(path.stat().st_size) if path.exists() else "not there"
