"""Names resolve to parts lazily, and a wrong name is answered with the nearest one."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.registry import BACKENDS, DEFAULT_BACKEND, STAGES, backend_spec, load, load_backend, offered_backends


def test_every_name_resolves() -> None:
    for name in STAGES:
        assert callable(load(STAGES, name))
    for name in BACKENDS:
        assert backend_spec(name).name == name
        assert load_backend(name).name == name  # type: ignore[attr-defined]


def test_the_default_is_one_of_the_engines_that_are_offered() -> None:
    assert DEFAULT_BACKEND in offered_backends()


def test_a_wrong_name_gets_the_nearest() -> None:
    with pytest.raises(SyncseError) as caught:
        load(BACKENDS, "lamacpp", "backend")
    assert caught.value.code == ExitCode.USAGE
    assert caught.value.hint == "Did you mean 'llamacpp'?"
    with pytest.raises(SyncseError) as caught:
        load(BACKENDS, "zzz", "backend")
    assert "llamacpp" in caught.value.hint


def test_a_missing_library_says_what_to_install() -> None:
    with pytest.raises(SyncseError) as caught:
        load({"x": "no_such_library_here:Thing"}, "x")
    assert caught.value.code == ExitCode.PREFLIGHT


def test_light_parts_load_nothing_heavy(repo: Path) -> None:
    code = (
        "import sys, syncse_local.registry as registry, syncse_local.backends.base, syncse_local.modelfiles.gguf;"
        "list(map(registry.backend_spec, registry.BACKENDS));"
        "print([m for m in ('numpy', 'llama_cpp', 'torch', 'jinja2') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
