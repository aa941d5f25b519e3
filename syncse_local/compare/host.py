"""A machine in one line: where a noise floor holds. Has no host name in it. Light."""

from collections.abc import Mapping
from typing import Any

from syncse_local.training import hardware


def line(found: Mapping[str, Any]) -> str:
    """Processor, cores and the GPUs that were used, of a record that `training.hardware` made."""
    gpus = ", ".join(sorted(gpu["name"] for gpu in found["gpus"])) or "no GPU"
    return f"{found['processor']}, {found['cores']} cores, {gpus}"


def here() -> tuple[str, ...]:
    """This machine with its GPUs, and as it is where they are not used."""
    return tuple(dict.fromkeys(line(hardware.describe(device)) for device in ("cuda", "cpu")))
