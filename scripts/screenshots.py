"""Takes the pictures of README and docs/guide/tui.md: a short starter run in a new workspace, then every screen as SVG.

    python scripts/screenshots.py [--limit 400]

What is on them is real, so figures differ from one making to the next; the names of the files do not.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from html import escape, unescape
from pathlib import Path

from textual.pilot import Pilot

from syncse_local.api import Workspace
from tui.app import SyncseApp
from tui.modes import MODES
from tui.screens.compare import CompareScreen
from tui.screens.frame import Frame
from tui.screens.home import HomeScreen
from tui.screens.run_frame import RunFrame

REPO = Path(__file__).resolve().parents[1]
PICTURES = REPO / "docs" / "pictures"
SIZE = (120, 40)
MOST_BYTES = 150_000
PATIENCE = 1200.0
FONTS = "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace"
SHOWN = {
    "models": ("starter-encoder", [], "fits"),
    "recipes": ("syncse-scratch", ["j", "j", "v"], "negative of row 1"),
    "compare": ("Scores", [], "Differences"),
    "runs": ("generate", ["j", "j"], "loss"),
}
"""What a screen shows first, what to press then, and what its picture has to show; others are taken as they come."""


class Photographer:
    """Waits for what a picture should show and writes it."""

    def __init__(self, pilot: Pilot[int], hidden: dict[str, str]) -> None:
        self.pilot, self.app, self.hidden = pilot, pilot.app, hidden

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the program go on until the condition holds. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {PATIENCE:.0f} s on the screen {self.app.current_mode}")
            await self.pilot.pause()
            await asyncio.sleep(0.1)

    def shows(self, words: str) -> bool:
        """Whether the words stand on the screen."""
        return any(words in strip.text for strip in self.app.screen._compositor.render_strips())

    async def open(self, mode: str) -> Frame:
        """The screen of this name once it has read the workspace."""
        await self.pilot.press(next(known.key for known in MODES if known.name == mode))
        await self.until(lambda: isinstance(self.app.screen, Frame) and mode == self.app.screen.MODE)
        screen = self.app.screen
        assert isinstance(screen, Frame)
        await self.until(lambda: screen.snapshot is not None)
        return screen

    async def take(self, name: str, rest: float = 1.5) -> None:
        """Write `name`.svg of what is to be seen after a rest."""
        await asyncio.sleep(rest)
        await self.until(lambda: not self.app.screen._compositor._dirty_regions)
        picture = cleaned(self.app.export_screenshot(title="syncse"), self.hidden)
        size = len(picture.encode())
        if size > MOST_BYTES:
            raise ValueError(f"{name}.svg has {size} bytes, more than {MOST_BYTES}")
        (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(f"{name}.svg  {size:,} bytes", flush=True)


def cleaned(svg: str, hidden: dict[str, str]) -> str:
    """The picture without fonts from afar and without this machine's paths; texts keep their length, which SVG stretches to."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: (Fira Code|arial)[^;]*;", f"font-family: {FONTS};", svg)

    def shown(found: re.Match[str]) -> str:
        text = unescape(found[2])
        for place, instead in hidden.items():
            text = text.replace(place, instead)
        return found[1] + escape(text[: len(unescape(found[2]))].ljust(len(unescape(found[2])), "\xa0")) + "</text>"

    svg = re.sub(r"(<text [^>]*>)([^<]*)</text>", shown, svg)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


async def tour(app: SyncseApp, hidden: dict[str, str], words: list[str]) -> None:
    """Start the starter run by its key, look at its stages while they are at work, then at every screen."""
    async with app.run_test(size=SIZE) as pilot:
        app.animation_level = "none"
        camera = Photographer(pilot, hidden)
        home = await camera.open("home")
        assert isinstance(home, HomeScreen)
        home.starter = ("run", *words)
        await pilot.press("s")
        for mode, wanted in (("generate", 0.5), ("train", 0.9)):
            screen = await camera.open(mode)
            await camera.until(partial(reached, screen, wanted))
            await camera.take(mode)
        await camera.open("home")
        await camera.until(lambda: home.check_action("starter", ()) is True and len(home.snapshot.runs) >= 4)  # type: ignore[union-attr]
        await camera.take("home", rest=3.0)
        await pilot.press("enter", "s")
        await camera.until(lambda: isinstance(app.screen, CompareScreen))
        await camera.until(lambda: isinstance(app.screen, CompareScreen) and app.screen._part == "#result")
        for name in (mode.name for mode in MODES if mode.name not in ("home", "generate", "train")):
            await camera.open(name)
            first, keys, shown = SHOWN.get(name, ("", [], ""))
            await camera.until(partial(camera.shows, first))
            await pilot.press(*keys)
            await camera.until(partial(camera.shows, shown))
            await camera.take(name)


def reached(screen: Frame, wanted: float) -> bool:
    """Whether the run on a screen is so far, 0 to 1."""
    run = screen.run_shown if isinstance(screen, RunFrame) else None
    if run is None:
        return False
    done, total = run.progress.get("done", 0), run.progress.get("total", 0)
    return run.state == "done" or (bool(total) and done / total >= wanted)


def main() -> int:
    """Make all pictures anew."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--limit", default="600", help="sentences of the starter run")
    given = options.parse_args()
    os.environ.pop("NO_COLOR", None)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        hidden = {str(REPO): "~/syncse", str(Path(place).resolve()): "~/data", str(Path.home()): "~"}
        with Workspace(Path("workspace").resolve()) as workspace:
            asyncio.run(tour(SyncseApp(workspace), hidden, ["--limit", given.limit, "--epochs", "6"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
