"""What is done to messages before anything renders them: system turns merged, special tokens in data broken up."""

import re
from collections.abc import Callable, Sequence

from syncse_local.records import Message


def merge_system(messages: Sequence[Message]) -> list[Message]:
    """Messages without system turns: their text begins the next user turn, or becomes a user turn of its own."""
    merged: list[Message] = []
    waiting = ""
    for message in messages:
        if message.role == "system":
            waiting = f"{waiting}\n\n{message.content}".strip()
        elif waiting:
            turn = f"{waiting}\n\n{message.content}" if message.role == "user" else waiting
            merged.append(Message("user", turn))
            if message.role != "user":
                merged.append(message)
            waiting = ""
        else:
            merged.append(message)
    return [*merged, Message("user", waiting)] if waiting else merged


def guard(specials: Sequence[str]) -> Callable[[str], str]:
    """A function that breaks up special tokens inside data, so that a sentence cannot end a turn or start one."""
    listed = sorted({s for s in specials if len(s) > 2}, key=len, reverse=True)
    if not listed:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, listed)))
    return lambda text: pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def with_turn(prefix: Sequence[Message], turn: str) -> list[Message]:
    """The messages of a row; an empty turn means that the prefix is the whole prompt."""
    return [*prefix, Message("user", turn)] if turn else list(prefix)
