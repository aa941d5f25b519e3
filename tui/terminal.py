"""What is said to the terminal beside the screen: its title, and a notification. Knows escape codes; knows no run.

Sources: xterm's control sequences (OSC 2, XTWINOPS 22 and 23); OSC 9 as iTerm2 defined it, which kitty, WezTerm, Ghostty
and ConEmu take; OSC 777 `notify` of rxvt-unicode, which foot and the terminals made with VTE take; tmux(1),
`allow-passthrough`.
"""

from collections.abc import Mapping

from syncse_local.text.display import safe

LONGEST = 200
"""Characters of a title or a notification: what desktops show of one."""
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
OSC_777 = ("foot", "rxvt")
"""What TERM begins with in terminals that take OSC 777 and not OSC 9; those made with VTE set VTE_VERSION."""


def title(text: str) -> str:
    """Names the terminal's window; inside tmux its pane."""
    return f"\x1b]2;{safe(text, LONGEST)}\x1b\\"


def notification(heading: str, text: str, environment: Mapping[str, str]) -> str:
    """Asks the terminal to notify the person, in the way that it takes, through tmux where that stands between."""
    heading, text = (safe(part, LONGEST).replace(";", ",") for part in (heading, text))
    takes_777 = environment.get("TERM", "").startswith(OSC_777) or "VTE_VERSION" in environment
    sequence = f"\x1b]777;notify;{heading};{text}\x1b\\" if takes_777 else f"\x1b]9;{heading}: {text}\x1b\\"
    if not environment.get("TMUX"):
        return sequence
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
