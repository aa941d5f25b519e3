"""What `doctor --airgap` prints for an auditor: the kernel's layers as they hold here, and every way out that was tried."""

import platform
from typing import Any

from syncse_local import airgap
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode
from syncse_local.isolation import kernel
from syncse_local.isolation.attempts import FILES
from syncse_local.jobs import confine
from syncse_local.text.display import safe

Row = tuple[str, str, str]


def audit(as_json: bool) -> ExitCode:
    """Start a process as confined as a worker, and print what it could not do. BLOCKED where the network is not shut."""
    report = confine.tried() if kernel.machine() else {}
    if as_json:
        emit({"kernel": platform.release(), "guard": sorted(airgap.SWITCHES), "isolation": report})
    else:
        print(f"{platform.system()} {platform.release()} on {platform.machine()}\n")
        print(table(["layer", "state", "detail"], layers(report)))
        print()
        print(table(["way out", "result", "the kernel said"], _ways(report)))
        counted = report.get("refused_in_self_test", 0)
        print(f"\nsystem calls that the filter refused and its watcher counted in this test: {counted}")
    shut = report and not [way for way, result, _ in _ways(report) if result != "shut" and way not in FILES]
    return ExitCode.OK if shut else ExitCode.BLOCKED


def layers(report: dict[str, Any]) -> list[Row]:
    """Each layer, whether it is in force, and how or why not."""
    missing = report.get("missing", {"the kernel's layers": "they need Linux on x86-64 or aarch64"})
    found: list[Row] = [("Python guard", "ok", "refuses and counts what Python code tries, under --airgap")]
    if space := report.get("namespace"):
        found.append(("network namespace", "ok", f"{safe(space['how'])}; inode {space['inode']}"))
    if filtered := report.get("seccomp"):
        found.append(
            ("system-call filter", "ok", f"no sockets but connected pairs; refusals are {filtered['refusals']}")
        )
    if land := report.get("landlock"):
        held = {"files": True, "TCP": land["tcp"], "abstract sockets": land["abstract"]}
        has = [name for name, there in held.items() if there]
        found.append(("Landlock", "ok", f"version {land['version']}: {', '.join(has)}"))
    return [*found, *((safe(name), "missing", safe(why)) for name, why in missing.items())]


def _ways(report: dict[str, Any]) -> list[Row]:
    tried = report.get("tried", {})
    return [(safe(way), safe(outcome["result"]), safe(outcome["said"])) for way, outcome in tried.items()]
