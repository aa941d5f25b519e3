"""What importing and using the front end loads: nothing heavy, and at first nothing of the core but its API."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.tui.conftest import Rows

HEAVY = '{"torch", "transformers", "llama_cpp", "vllm", "numpy", "scipy", "pyarrow", "sentence_transformers"}'
IMPORTED = f"""
import sys, tui.app
print(sorted({HEAVY} & {{name.split(".")[0] for name in sys.modules}}))
print(sorted(name for name in sys.modules if name.startswith(("syncse_local.synthesis", "syncse_local.training",
    "syncse_local.evaluation", "syncse_local.backends", "syncse_local.cli"))))
"""
USED = f"""
import asyncio, sys
from pathlib import Path
from syncse_local.api import Workspace
from tui.app import SyncseApp
from tui.modes import MODES
async def main():
    with Workspace(Path(sys.argv[1])) as workspace:
        app = SyncseApp(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            for mode in MODES:
                await pilot.press(mode.key)
                await pilot.pause(0.2)
            await pilot.press("5")
            while app.screen.triplet is None:
                await pilot.pause(0.05)
            await pilot.press("a", "f")
            await pilot.pause(0.5)
            assert app.screen_stack[0].triplet.data["reviews"]
asyncio.run(main())
print(sorted({HEAVY} & {{name.split(".")[0] for name in sys.modules}}))
"""


def test_importing_the_front_end_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_using_every_screen_loads_nothing_heavy(rows: Rows) -> None:
    rows.fill()
    command = [sys.executable, "-c", USED, str(rows.directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr[-2000:]
