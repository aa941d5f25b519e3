"""Rules of the house that no other tool holds: a class name means one thing, and a number has its reason beside it."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "syncse_local").rglob("*.py"))
MODULES = [*CORE, *sorted((ROOT / "tui").rglob("*.py"))]
WORDS = re.compile(r"#\s*(?!fmt:|type:|noqa)\S")
"""A comment for people."""


def is_numeric(value: ast.AST) -> bool:
    """Whether the value is a number, made of numbers, or a collection that has some."""
    match value:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.UnaryOp(operand=operand):
            return is_numeric(operand)
        case ast.BinOp(left=left, right=right):
            return is_numeric(left) or is_numeric(right)
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(values=items):
            return any(map(is_numeric, items))
    return False


def without_reason(source: str) -> list[str]:
    """The module-level numbers that have no comment on their lines or above, and no docstring below."""
    lines, body = source.split("\n"), ast.parse(source).body
    found = []
    for node, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None or not is_numeric(node.value):
            continue
        above = node.lineno > 1 and lines[node.lineno - 2].startswith("#")
        commented = above or any(map(WORDS.search, lines[node.lineno - 1 : node.end_lineno]))
        documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if not commented and not documented:
            found.append(lines[node.lineno - 1])
    return found


def test_no_class_name_stands_twice_in_the_core() -> None:
    places = defaultdict(list)
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("A = 3", ["A = 3"]),
        ("A = 3  # why", []),
        ("A = 3  # fmt: skip", ["A = 3  # fmt: skip"]),
        ("# why\nA = 3", []),
        ('A = 3\n"""Why."""', []),
        ("B = 1  # why\nA = 3", ["A = 3"]),
        ("A: int = 2 * 1024", ["A: int = 2 * 1024"]),
        ("A, B = 1, 2", ["A, B = 1, 2"]),
        ("A = {\n    'a': 1,\n}", ["A = {"]),
        ("A = 'text'\nB = True\nC: int\nD = len('x')", []),
    ],
)
def test_a_number_without_a_reason_is_seen(source: str, found: list[str]) -> None:
    assert without_reason(source) == found


def test_every_number_of_a_module_has_its_reason_beside_it() -> None:
    found = {str(path.relative_to(ROOT)): without_reason(path.read_text(encoding="utf-8")) for path in MODULES}
    assert {path: lines for path, lines in found.items() if lines} == {}
