"""Runs a chat template from a model file as the hostile code it may be: no attributes, bounded loops, sizes and time.

Knows Jinja, not chat. A bound that is met raises jinja2's SecurityError.
"""

import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.filters import do_round
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

TODAY = 1_735_689_600
"""The day that every prompt is rendered on, as seconds since 1970: 1 January 2025."""
MAX_STEPS = 200_000
"""Rounds of loops and calls in one rendering: far beyond what some dozen messages need."""
MAX_SECONDS = 2.0
"""For one rendering, on a slow machine too: every row is rendered."""
MAX_TEXT = 4_000_000
"""Characters of one value: more than any context holds."""
MAX_OUTPUT = 16_000_000
"""Characters that a rendering may write, in all its pieces."""
_WIDE = re.compile(r"\d{4}|\{[^{}]*\{")
"""In a format: a width of more than three digits, or one that an argument gives."""
_PLACES = 20
"""Decimal places that a template may round to: more than a number has."""
_GROWING = {"center", "ljust", "rjust", "zfill", "expandtabs", "translate"}
_FILTERS = {
    "trim", "tojson", "length", "count", "upper", "lower", "capitalize", "title", "first", "last", "default", "d",
    "items", "string", "int", "float", "safe", "list", "map", "select", "reject", "selectattr", "rejectattr", "join",
    "replace", "unique", "reverse", "sort", "dictsort", "round", "abs", "min", "max", "sum", "escape", "e", "indent",
}  # fmt: skip


class Budget:
    """Steps and seconds left of one rendering."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin a new rendering."""
        self._steps = MAX_STEPS
        self._output = MAX_OUTPUT
        self._end = time.monotonic() + MAX_SECONDS

    def spend(self, steps: int = 1) -> None:
        """Use up steps; raises SecurityError when none or no time is left."""
        self._steps -= steps
        if self._steps < 0 or time.monotonic() > self._end:
            raise SecurityError("the template runs too long")

    def written(self, value: Any) -> Any:
        """A value on its way into the text; raises SecurityError when too much has been written."""
        self._output -= len(value) if isinstance(value, str) else 1
        if self._output < 0:
            raise SecurityError("the template writes without end")
        return value

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """`items`, each costing a step."""
        for item in items:
            self.spend()
            yield item


def _checked(value: Any) -> Any:
    if isinstance(value, (str, list, tuple)) and len(value) > MAX_TEXT:
        raise SecurityError("the template builds a value that is too large")
    return value


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """A Jinja environment in which every loop, call, concatenation and output is bounded."""

    intercepted_binops = frozenset({"+", "*", "**", "%", "//", "/", "-"})

    def __init__(self) -> None:
        self.budget = Budget()
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
            finalize=self.budget.written,
        )
        self.filters = {name: made for name, made in self.filters.items() if name in _FILTERS}
        self.filters.update(
            _counted=self.budget.counted, _concat=self._concat, tojson=_tojson, join=self._join, indent=self._indent,
            replace=self._replace, round=_round,
        )  # fmt: skip
        self.globals.update(range=self._range, raise_exception=_raise, strftime_now=_strftime_now)
        for name in ("lipsum", "cycler"):
            self.globals.pop(name, None)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
        _rewrite_concat(tree)
        return tree

    def call(self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Every call in a template comes through here."""
        self.budget.spend()
        name = getattr(__obj, "__name__", "")
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, str) and name in ("replace", "join"):
            kwargs = {key: value for key, value in kwargs.items() if not key.startswith("_")}
            return self._replace(owner, *args, **kwargs) if name == "replace" else self._join(args[0], owner)
        return _checked(super().call(__context, __obj, *args, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Jinja's own rule, without the methods that make a text of any length from a number."""
        grows = isinstance(obj, (int, float)) or (isinstance(obj, (str, bytes)) and attr in _GROWING)
        return super().is_safe_attribute(obj, attr, value) and not grows

    def wrap_str_format(self, value: Any) -> Any:
        """`str.format`, which can pad to any width, with no width of more than three digits and none from its arguments."""
        inner = super().wrap_str_format(value)
        if inner is None:
            return None

        def formatted(*args: Any, **kwargs: Any) -> str:
            if _WIDE.search(value.__self__):
                raise SecurityError("the template pads a text by str.format, which is not allowed")
            return str(_checked(inner(*args, **kwargs)))

        return formatted

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic in a template: growth is refused before it is computed."""
        self.budget.spend()
        if operator == "**" or (operator == "%" and isinstance(left, (str, bytes))):
            raise SecurityError(f"the template uses the operator {operator}, which is not allowed")
        if operator == "*" and not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise SecurityError("the template multiplies a text or a list")
        if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) > 1 << 62:
            raise SecurityError("the template computes with numbers that are too large")
        return _checked(super().call_binop(context, operator, left, right))

    def _concat(self, left: Any, right: Any) -> str:
        self.budget.spend()
        return str(_checked(f"{left}{right}"))

    def _join(self, items: Iterable[Any], glue: str = "", attribute: str | None = None) -> str:
        parts = [str(_attribute(item, attribute)) for item in self.budget.counted(items)]
        if sum(map(len, parts)) + len(parts) * len(glue) > MAX_TEXT:
            raise SecurityError("the template builds a text that is too large")
        return str(glue).join(parts)

    def _replace(self, text: str, old: str, new: str, count: int = -1) -> str:
        text = str(text)
        if len(text) + (text.count(old) if old else len(text) + 1) * len(new) > MAX_TEXT:
            raise SecurityError("the template builds a text that is too large")
        return text.replace(old, new, -1 if count is None else count)

    def _indent(self, text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
        pad = width if isinstance(width, str) else " " * min(max(int(width), 0), 64)
        lines = self.budget.counted(str(text).splitlines(keepends=True))
        out = [pad + line if (i or first) and (blank or line.strip()) else line for i, line in enumerate(lines)]
        return self._join(out)

    def _range(self, *bounds: int) -> range:
        made = range(*bounds)
        self.budget.spend(len(made))
        return made


def _rewrite_concat(tree: nodes.Node) -> None:
    for node in list(tree.iter_child_nodes()):
        _rewrite_concat(node)
    for name in tree.fields:
        value = getattr(tree, name)
        if isinstance(value, nodes.Concat):
            setattr(tree, name, _folded(value))
        elif isinstance(value, list):
            value[:] = [_folded(item) if isinstance(item, nodes.Concat) else item for item in value]


def _folded(concat: nodes.Concat) -> nodes.Expr:
    made = concat.nodes[0]
    for part in concat.nodes[1:]:
        made = nodes.Filter(made, "_concat", [part], [], None, None, lineno=concat.lineno)
    return made


def _attribute(item: Any, name: str | None) -> Any:
    return item if name is None else item.get(name, "") if isinstance(item, dict) else ""


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    return float(do_round(value, max(-_PLACES, min(int(precision), _PLACES)), method))  # type: ignore[arg-type]


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=None if indent is None else min(int(indent), 16))


def _raise(message: str) -> None:
    raise SecurityError(str(message)[:500])


def _strftime_now(form: str) -> str:
    # A prompt must not depend on the day it was rendered, or a resumed run would differ.
    return time.strftime(str(form)[:100], time.gmtime(TODAY))


class _Generation(Extension):
    """`{% generation %}` marks a model's own words for training frameworks; what stands in it is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)
