"""Whether `torchrun` or `accelerate launch` started this process as one of several. Imports nothing heavy."""

from collections.abc import Mapping

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def launched(environment: Mapping[str, str]) -> bool:
    """By the variables that torch.distributed reads; one process alone was not."""
    return all(environment.get(name) for name in NEEDED) and environment["WORLD_SIZE"] != "1"
