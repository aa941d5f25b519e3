"""Starts a coroutine as a worker of a screen. Knows nothing of what it does."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False) -> None:
    """Run `work` in the event loop while `node` lives; `exclusive` ends the one before it in this group.

    The function is handed over, not its coroutine: one that is never begun would be left unawaited.
    """
    node.run_worker(cast(Any, work), group=group, exclusive=exclusive)
