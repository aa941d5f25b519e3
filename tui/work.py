"""Coroutines of a widget: one that works on beside the keys, and one that waits until keys on their way have come.

Knows nothing of what they do.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode
from textual.message_pump import MessagePump


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False) -> None:
    """Run `work` in the event loop while `node` lives; `exclusive` ends the one before it in this group.

    The function is handed over, not its coroutine: one that is never begun would be left unawaited.
    """
    node.run_worker(cast(Any, work), group=group, exclusive=exclusive)


async def drained(node: MessagePump) -> None:
    """Wait until `node` has handled what was sent to it before: the keys of a burst that are still on their way."""
    done = asyncio.Event()
    if node.call_later(done.set):
        await done.wait()
