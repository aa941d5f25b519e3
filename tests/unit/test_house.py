"""Rules of the house that no other tool holds: a name means one thing, and a number has its reason beside it."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "syncse_local").rglob("*.py"))


def test_no_class_name_stands_twice_in_the_core() -> None:
    places = defaultdict(list)
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
