"""The pages of docs/extend as a newcomer follows them: what they say to write, in a copy of the package, and that it works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(repo: Path, page: str, language: str) -> list[str]:
    """A page's code blocks of one language."""
    text = (repo / "docs" / "extend" / page).read_text(encoding="utf-8")
    return [body for name, body in FENCE.findall(text) if name == language]


@pytest.fixture
def package(repo: Path, tmp_path: Path) -> Path:
    """A copy of the package, to write into."""
    shutil.copytree(
        repo / "syncse_local", tmp_path / "syncse_local", ignore=shutil.ignore_patterns("__pycache__", "*.so")
    )
    (tmp_path / "models").symlink_to(repo / "models")
    return tmp_path / "syncse_local"


def added(path: Path, after: str, text: str) -> None:
    """Put text behind a line that stands there once."""
    before = path.read_text(encoding="utf-8")
    assert before.count(after) == 1, f"{path.name} has {before.count(after)} times {after!r}"
    path.write_text(before.replace(after, after + text), encoding="utf-8")


def ran(package: Path, code: str) -> str:
    """What a program prints that uses the copy."""
    env = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run([sys.executable, "-c", code], cwd=package.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_filter_is_added_as_its_page_says(repo: Path, package: Path) -> None:
    file, settings, field, reason, line = blocks(repo, "filter.md", "python")
    filters = package / "synthesis" / "filters"
    (filters / "question.py").write_text(file, encoding="utf-8")
    path = filters / "settings.py"
    text = path.read_text(encoding="utf-8")
    marker = "@dataclass(frozen=True, slots=True)\nclass FilterSettings:"
    assert text.count(marker) == 1
    path.write_text(text.replace(marker, settings + marker), encoding="utf-8")
    added(path, "    contamination: Contamination = field(default_factory=Contamination)\n", field)
    added(filters / "verdict.py", '    UNMEASURED = "unmeasured"\n', reason)
    apply = filters / "apply.py"
    text = apply.read_text(encoding="utf-8").replace("length, lexical\n", "length, lexical, question\n")
    apply.write_text(text, encoding="utf-8")
    added(apply, "    found = [form.check(settings.form)] if settings.form.enabled else []\n", line)
    said = ran(
        package,
        "from syncse_local.synthesis.filters.apply import single_checks\n"
        "from syncse_local.synthesis.filters.instruments import Instruments\n"
        "from syncse_local.synthesis.filters.settings import FilterSettings\n"
        "from syncse_local.synthesis.filters.verdict import Candidate\n"
        "import syncse_local.synthesis.filters.question as page\n"
        "on = FilterSettings.from_dict({'question': {'enabled': True}}, 'filters')\n"
        "check = page.check(on.question)\n"
        "row = Candidate(0, 'k', 'He left.', 'Did he leave?', 'He stayed.')\n"
        "print(check.judge(row), check.judge(row._replace(positive='He went away.')).verdict)\n"
        "assert FilterSettings().question.enabled is False\n",
    )
    assert "question" in said
    assert said.rstrip().endswith("keep")


def test_a_migration_is_added_as_its_page_says(repo: Path, package: Path, tmp_path: Path) -> None:
    (sql,) = blocks(repo, "migration.md", "sql")
    numbers = sorted(file.name for file in (package / "store" / "migrations").glob("[0-9]*.sql"))
    name = f"{int(numbers[-1][:4]) + 1:04d}_note.sql"
    (package / "store" / "migrations" / name).write_text(sql, encoding="utf-8")
    said = ran(
        package,
        "from pathlib import Path\n"
        "from syncse_local.store.database import connect, writing\n"
        f"made = connect(Path({str(tmp_path / 'w' / 'syncse.db')!r}))\n"
        "with writing(made):\n"
        "    made.execute(\"INSERT INTO run (id, kind, name, options, created, queued) VALUES ('r', 'train', '', '{}', 0, 0)\")\n"
        "    made.execute(\"INSERT INTO note VALUES ('r', 'keep')\")\n"
        "print(made.execute('PRAGMA user_version').fetchone()[0], made.execute('SELECT text FROM note').fetchone()[0])\n",
    )
    assert said.split() == [str(int(numbers[-1][:4]) + 1), "keep"]


def test_a_kind_of_run_is_added_as_its_page_says(repo: Path, package: Path, tmp_path: Path) -> None:
    spec, kind, stage, line, verb = blocks(repo, "run-kind.md", "python")
    (package / "specs" / "count.py").write_text(spec, encoding="utf-8")
    (package / "synthesis" / "count.py").write_text(stage, encoding="utf-8")
    (package / "cli" / "count.py").write_text(verb, encoding="utf-8")
    imported = "from syncse_local.specs.compare import CompareSpec\n"
    added(package / "specs" / "kinds.py", imported, "from syncse_local.specs.count import CountSpec\n")
    added(package / "specs" / "kinds.py", '"""Runs that have a row and a worker of their own."""\n', kind)
    added(package / "registry.py", "STAGES: dict[str, str] = {\n", line)
    added(package / "cli" / "main.py", "    compare,\n    doctor,\n", "    count,\n")
    added(package / "cli" / "main.py", "VERBS = (\n", "    count,\n")
    (tmp_path / "notes.txt").write_text("A dog runs.\nRain falls on the town.\n", encoding="utf-8")
    said = ran(
        package,
        "from syncse_local.api import Workspace\n"
        "from syncse_local.cli.main import main\n"
        "from syncse_local.errors import SyncseError\n"
        "with Workspace('w') as opened:\n"
        "    started = opened.start('count', {'input': 'TEXT', 'least': 3})\n"
        "    print(opened.handle(started.id).wait().result)\n"
        "    try:\n"
        "        opened.start('count', {'input': 'TEXT', 'least': 0})\n"
        "    except SyncseError as refused:\n"
        "        print(refused.detail)\n"
        "assert main(['count', 'notes.txt', '--least', '3', '-w', 'w']) == 0\n"
        "with Workspace('w') as opened:\n"
        "    print([run.result['words'] for run in opened.runs()])\n".replace("TEXT", str(tmp_path / "notes.txt")),
    )
    assert "{'words': 6}" in said
    assert "`least` is 0" in said
    assert said.rstrip().endswith("[6, 6]")
