"""Which device and which precision a name stands for on this machine. Imports torch only when asked."""

from syncse_local.errors import ExitCode, SyncseError


def pick_device(name: str) -> str:
    """`cpu`, `cuda` or `mps` for one of those or `auto`; SyncseError (preflight) where it is not there."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(kind for kind, here in there.items() if here)
    if name not in there:
        detail = f"{name!r} is no device; known are auto, {', '.join(there)}."
        raise SyncseError("No such device", detail, "Use auto.", code=ExitCode.USAGE)
    if not there[name]:
        detail = f"The device {name} is not available on this machine."
        raise SyncseError("No such device", detail, "Use device auto or cpu.", code=ExitCode.PREFLIGHT)
    return name


def pick_precision(device: str) -> str:
    """The precision that `auto` stands for: bf16 on a GPU that computes it (compute capability 8 and later), else fp32.

    A CPU stays at fp32, so that the same run gives the same numbers on machines with and without bf16.
    """
    import torch

    return "bf16" if device == "cuda" and torch.cuda.get_device_capability() >= (8, 0) else "fp32"
