"""What a worker does before anything else: enter the layers, try every way out, and say what holds.

Must run while the process has one thread: the kernel confines the thread that asks, and those that it starts.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.isolation import attempts, landlock, namespace, seccomp
from syncse_local.isolation.door import Door, open_by
from syncse_local.isolation.rules import Rules

Report = dict[str, Any]
PATIENCE = 10.0
"""Seconds for the watcher to take the report: it does at once, or has been killed."""
MOST_SHOWN = 200
"""Paths of a sort in the record: an ordinary run has twenty."""


def enter(descriptor: int) -> "Confined":
    """Take the rules from the watcher at the other end of `descriptor`, enter the layers, and report to it."""
    door = open_by(descriptor)
    rules = Rules.of(door.receive())
    report = confine(rules, door)
    with suppress(OSError, EOFError):  # a killed watcher's process goes on, as confined
        door.ask({"report": report}, PATIENCE)  # waited for: what is refused from here on is no part of the self-test
    return Confined(rules, report)


def confine(rules: Rules, door: Door | None = None) -> Report:
    """Enter every layer that the kernel has; `door` gets the descriptor by which the watcher hears of refusals."""
    began = time.perf_counter()
    missing: dict[str, str] = {}
    report: Report = {"sockets": rules.sockets, "missing": missing, "servers": [f"{h}:{p}" for h, p in rules.servers]}
    if rules.network and namespace.is_empty():
        how = "the processes of a launcher share a network with loopback only"
        report["namespace"] = {"how": how, "inode": namespace.inode()}
    elif rules.network:
        missing["network namespace"] = "the processes of a launcher speak to each other over this machine's network"
    else:
        try:
            report["namespace"] = {"how": namespace.enter(), "inode": namespace.inode()}
        except OSError as error:
            missing["network namespace"] = str(error.strerror or error)
    try:
        allowed = [
            *((path, landlock.LOOK) for path in rules.read),
            *((path, landlock.RUN) for path in rules.run),
            *((path, landlock.CHANGE) for path in rules.write),
            *((path, landlock.DEVICE) for path in rules.devices),
        ]
        version = landlock.restrict(allowed, tcp=rules.sockets == "none")
        report["landlock"] = {
            "version": version,
            "tcp": version >= 4 and rules.sockets == "none",
            "abstract": version >= 6,
            **_files(rules),
        }
    except OSError as error:
        missing["Landlock"] = str(error.strerror or error)
    filtered = False
    if rules.sockets == "none" or "namespace" in report or rules.network:
        try:
            watcher = seccomp.install(rules.sockets)
            filtered = True
            report["seccomp"] = {"refusals": "not counted" if watcher is None else "counted"}
            if watcher is not None:
                _hand_over(watcher, door)
        except OSError as error:
            missing["seccomp"] = str(error.strerror or error)
    report["tried"] = attempts.run(rules.targets, rules.sockets, filtered, "namespace" in report)
    report["unrouted"] = namespace.unrouted()
    report["seconds"] = round(time.perf_counter() - began, 4)
    return report


def _hand_over(watcher: int, door: Door | None) -> None:
    """Nobody in here may keep the descriptor: a refused call would wait for an answer for ever."""
    try:
        with suppress(OSError):
            door.tell({"watch": True}, (watcher,)) if door else None
    finally:
        os.close(watcher)


def _files(rules: Rules) -> dict[str, list[str]]:
    """The paths for the record; a model may be thousands of links."""
    found = {"read": [*rules.read, *rules.run], "write": [*rules.write], "devices": [*rules.devices]}
    left_out = {name: len(paths) - MOST_SHOWN for name, paths in found.items() if len(paths) > MOST_SHOWN}
    return {
        n: [*paths[:MOST_SHOWN], *([f"and {left_out[n]} more"] if n in left_out else [])] for n, paths in found.items()
    }


@dataclass(frozen=True, slots=True)
class Confined:
    """The rules that this process asked for, and what came of them."""

    rules: Rules
    report: Report

    @property
    def network_is_shut(self) -> bool:
        """Whether the kernel keeps this process from the network: by a namespace, or by a filter that leaves no sockets."""
        return "namespace" in self.report or ("seccomp" in self.report and self.rules.sockets == "none")

    @property
    def open_ways(self) -> list[str]:
        """The ways of the self-test that were open."""
        return [name for name, outcome in self.report["tried"].items() if outcome["result"] == "open"]

    @property
    def lacking(self) -> str:
        """The layers that are missing, and why, in a line; empty where there are all."""
        return "; ".join(f"{name}: {why}" for name, why in self.report["missing"].items())

    def too_little(self) -> SyncseError | None:
        """The error (BLOCKED) where the rules are strict and do not hold."""
        ways = [name for name in self.open_ways if name not in attempts.FILES]
        if not self.rules.strict or (self.network_is_shut and not ways):
            return None
        why = f"open: {', '.join(ways)}" if ways else self.lacking
        detail = f"--airgap=strict, and the kernel does not shut the network here ({why})."
        hint = "See `syncse doctor --airgap`; or run with --airgap, which says what is missing and goes on."
        return SyncseError("The air gap does not hold", detail[:1000], hint, ExitCode.BLOCKED)
