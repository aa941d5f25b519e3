"""`syncse study`: one question, many runs, one answer. Reads the words; what they ask for is imported when it is done."""

import argparse
from typing import Any

from syncse_local.cli.common import parser
from syncse_local.cli.steps import detach_flag
from syncse_local.errors import ExitCode
from syncse_local.registry import DEFAULT_BACKEND
from syncse_local.specs.study import QUESTIONS

ACTS = ("new", "check", "plan", "run", "show", "list", "cancel", "report")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    example = "syncse study new which-llm --models a.gguf b.gguf --input notes.txt"
    made = parser(
        verbs, "study", "which model writes the best training data, and is the difference real?", example, run
    )
    made.add_argument("act", choices=ACTS, help="what to do")
    made.add_argument("name", nargs="?", default="", help="the study's name")
    made.add_argument("--models", nargs="+", default=[], metavar="NAME", help="for `new`: the generators")
    made.add_argument("--backend", default=DEFAULT_BACKEND, help="for `new`: their engine (default: %(default)s)")
    made.add_argument("--input", default="", metavar="FILE", help="for `new`: the sentences")
    made.add_argument("--question", choices=QUESTIONS, default="which-llm", help="for `new`: what is varied")
    made.add_argument("--html", default="", metavar="FILE", help="for `report`: one page with everything")
    made.add_argument("--latex", action="store_true", help="for `report`: LaTeX tables instead of Markdown")
    made.add_argument("--pilot", action="store_true", help="for `plan`: measure 32 rows of each synthesis first")
    made.add_argument("--force", action="store_true", help="for `new`: replace the file")
    detach_flag(made)


def run(options: argparse.Namespace) -> ExitCode:
    """Do what was asked."""
    from syncse_local.cli import study_acts

    return study_acts.run(options)
