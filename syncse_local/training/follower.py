"""What a process of rank 1 and up does under `torchrun`: takes the options from rank 0's worker and computes its share.

Rank 0 is an ordinary run; its directory must be seen by all machines. Writes nothing. Knows no store.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from syncse_local import airgap
from syncse_local.errors import SyncseError
from syncse_local.jobs import shared_cores
from syncse_local.text.display import safe
from syncse_local.training.loop import train
from syncse_local.training.options import TrainOptions
from syncse_local.training.ranks import Ranks

PLACES = ("encoder", "output", "checkpoint")


class Silent:
    """A reporter for nobody: rank 0's speaks for all."""

    def progress(self, done: int, total: int, **data: object) -> None:
        """Nothing."""

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Rank 0 is asked, not this one."""
        return False


def join_as_first(options: TrainOptions) -> Ranks:
    """Rank 0: meet the others, where a launcher started some, and tell them the options."""
    ranks = Ranks.join()
    told = {**options.numbers(), **{name: str(getattr(options, name)) for name in PLACES}}
    ranks.share(json.dumps(told))
    return ranks


def follow() -> None:
    """Any other rank: meet rank 0 and train with it to its end."""
    ranks = Ranks.join()
    told: dict[str, Any] = json.loads(ranks.share(""))
    options = TrainOptions(**{**told, **{name: Path(told[name]) for name in PLACES}})
    train(options, (), (), Silent(), ranks=ranks)


if __name__ == "__main__":
    airgap.set_switches()
    airgap.install_if_ordered()
    shared_cores.watch()
    try:
        follow()
    except SyncseError as error:
        print(f"rank {os.environ['RANK']}: {safe(error.title)}: {safe(error.detail)}", file=sys.stderr)
        sys.exit(int(error.code))
