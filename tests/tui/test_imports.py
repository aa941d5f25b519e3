"""What importing the front end loads: nothing heavy, and nothing of the core but its door."""

import subprocess
import sys

PROGRAM = """
import sys, tui.app
heavy = {"torch", "transformers", "llama_cpp", "vllm", "numpy", "scipy", "pyarrow", "sentence_transformers"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
print(sorted(name for name in sys.modules if name.startswith(("syncse_local.synthesis", "syncse_local.training",
    "syncse_local.evaluation", "syncse_local.backends", "syncse_local.cli"))))
"""


def test_importing_the_front_end_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
