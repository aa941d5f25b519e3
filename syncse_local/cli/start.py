"""The console script: the terminal UI opens without importing the other verbs, which would take a third of its start."""

import sys

from syncse_local.cli import streams

streams.interrupts_end_quietly()
streams.import_nothing_from_here()


def entry() -> None:
    """`syncse`: the UI, or the command with all its verbs."""
    from syncse_local.cli import program

    given = program.verb_first(sys.argv[1:])
    if given[:1] not in ([], ["tui"]):
        from syncse_local.cli import main

        sys.exit(main.main(given))
    from syncse_local.cli import tui

    sys.exit(program.run((tui,), given))


if __name__ == "__main__":
    entry()
