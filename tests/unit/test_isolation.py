"""The kernel's layers: the filter's instructions, what a confined process can reach, what its watcher counts."""

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from syncse_local.isolation import kernel, landlock, seccomp
from syncse_local.isolation.attempts import FILES
from syncse_local.isolation.inside import Confined
from syncse_local.isolation.outside import Watcher
from syncse_local.isolation.rules import Rules, whole

REPO = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(not kernel.machine(), reason="the layers are Linux's, on x86-64 or aarch64")
INSIDE = "import sys; from syncse_local.isolation.inside import enter; enter(int(sys.argv[1]))\n"
PYTHON = whole([*("/usr", "/lib", "/lib64", "/bin", "/etc"), sys.prefix, sys.base_prefix, REPO, *sys.path[1:]])


def answer(sockets: seccomp.Sockets, machine: str, name: str, *arguments: int) -> int:
    """What the filter says to a call: the kernel's machine in a few lines."""
    code = seccomp.program(sockets, seccomp.REFUSE, machine)
    given = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    record = struct.pack("IIQ6Q", kernel.number(name, machine), seccomp.ARCHITECTURE[machine], 0, *given)
    place = value = 0
    while True:
        operation, yes, no, constant = struct.unpack_from("HBBI", code, 8 * place)
        place += 1
        if operation == seccomp.LOAD:
            value = struct.unpack_from("I", record, constant)[0]
        elif operation == seccomp.AND:
            value &= constant
        elif operation == seccomp.RETURN:
            return int(constant)
        else:
            holds = value == constant if operation == seccomp.EQUAL else value >= constant
            place += yes if holds else no


@pytest.mark.parametrize("machine", [kernel.X86, kernel.ARM])
def test_the_filter_leaves_only_connected_pairs(machine: str) -> None:
    for family in range(46):
        assert answer("none", machine, "socket", family, socket.SOCK_STREAM) == seccomp.REFUSE
    for kind, said in ((1, seccomp.ALLOW), (5, seccomp.ALLOW), (1 | 0x80000, seccomp.ALLOW), (2, seccomp.REFUSE)):
        assert answer("none", machine, "socketpair", socket.AF_UNIX, kind) == said
    assert answer("none", machine, "socketpair", socket.AF_INET, 1) == seccomp.REFUSE
    assert answer("none", machine, "sendto", 3, 0, 1, 0, 0, 0) == seccomp.ALLOW
    assert answer("none", machine, "sendto", 3, 0, 1, 0, 0x7FFF_0000_0000, 16) == seccomp.REFUSE
    assert answer("none", machine, "sendto", 3, 0, 1, 0, 0x10, 16) == seccomp.REFUSE
    for name in (*seccomp.AROUND, *seccomp.SPEAKING):
        assert answer("none", machine, name) == seccomp.REFUSE
    assert answer("none", machine, "seccomp") == seccomp.ALLOW


@pytest.mark.parametrize("machine", [kernel.X86, kernel.ARM])
def test_a_network_of_its_own_has_internet_sockets_and_no_others(machine: str) -> None:
    allowed = {
        (f, k) for f in range(46) for k in range(1, 6) if answer("loopback", machine, "socket", f, k) == seccomp.ALLOW
    }
    netlink = {(16, kind) for kind in range(1, 6)}
    assert allowed - netlink == {(2, 1), (2, 2), (10, 1), (10, 2)}
    assert answer("loopback", machine, "socket", 16, 3, 12) == seccomp.REFUSE  # netfilter's
    assert answer("loopback and unix", machine, "socket", 1, 1) == seccomp.ALLOW
    assert answer("loopback", machine, "connect") == seccomp.ALLOW
    assert all(answer("loopback", machine, name) == seccomp.REFUSE for name in seccomp.AROUND)


def test_another_table_of_system_calls_is_fatal() -> None:
    code = seccomp.program("none", seccomp.REFUSE, kernel.X86)
    first, second, third = (struct.unpack_from("HBBI", code, 8 * place) for place in range(3))
    assert (first[0], first[3]) == (seccomp.LOAD, seccomp.ARCH)
    assert second[1:] == (1, 0, seccomp.ARCHITECTURE[kernel.X86])
    assert third[3] == seccomp.KILL


def confined(rules: Rules, script: str, *words: str, **environment: str) -> tuple[Watcher, str]:
    """A process under these rules that has run the script; its output."""
    watcher = Watcher(rules)
    process = subprocess.Popen(
        [sys.executable, "-c", INSIDE + script, str(watcher.descriptor), *words],
        pass_fds=[watcher.descriptor],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPO), **environment},
    )
    watcher.start()
    output, _ = process.communicate(timeout=60)
    watcher.close()
    assert watcher.reported.wait(10)
    return watcher, output


def basic(**more: Any) -> Rules:
    return Rules(run=PYTHON, read=("/proc",), devices=("/dev/null", "/dev/urandom"), **more)


@linux
def test_every_way_out_is_shut_and_counted() -> None:
    watcher, output = confined(
        basic(),
        """
import ctypes, socket
for attempt in (socket.socket, lambda: socket.create_connection(("127.0.0.1", 9)), lambda: ctypes.CDLL(None).socket(2, 1, 0)):
    try:
        print(attempt())
    except OSError as error:
        print(error.errno)
left, right = socket.socketpair()
left.send(b"x")
print(right.recv(1))
""",
    )
    assert output.splitlines() == ["13", "13", "-1", "b'x'"]
    report = Confined(watcher.rules, watcher.report)
    if "seccomp" not in report.report:
        pytest.skip(f"no filter here: {report.lacking}")
    assert report.network_is_shut
    ways = {way: outcome["result"] for way, outcome in report.report["tried"].items()}
    files = set() if landlock.abi() else set(FILES)
    assert {way for way, result in ways.items() if result != "shut"} <= files
    if report.report["seccomp"]["refusals"] == "counted":
        assert watcher.refused == {"socket": 3}
        assert report.report["refused_in_self_test"] >= 12


@linux
def test_files_that_no_rule_names_are_shut(tmp_path: Path) -> None:
    if not landlock.abi():
        pytest.skip("this kernel has no Landlock")
    for name in ("read", "write", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text", encoding="utf-8")
    (tmp_path / "write" / "program").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "write" / "program").chmod(0o755)
    _, output = confined(
        Rules(run=PYTHON, read=("/proc", str(tmp_path / "read")), write=(str(tmp_path / "write"),)),
        """
import os, sys, subprocess
place = sys.argv[2]
def attempt(work):
    try:
        work()
        print("did")
    except OSError as error:
        print(error.errno)
for name in ("read", "write", "outside"):
    attempt(lambda: open(f"{place}/{name}/file").read())
    attempt(lambda: open(f"{place}/{name}/new", "w").write("x"))
    attempt(lambda: os.rename(f"{place}/{name}/file", f"{place}/{name}/moved"))
attempt(lambda: os.symlink(f"{place}/outside/file", f"{place}/write/link"))
attempt(lambda: open(f"{place}/write/link").read())
attempt(lambda: subprocess.run([f"{place}/write/program"]))
""",
        str(tmp_path),
    )
    assert output.split() == ["did", "13", "13", "did", "did", "did", "13", "13", "13", "did", "13", "13"]
    assert (tmp_path / "outside" / "file").read_text(encoding="utf-8") == "text"


@linux
def test_the_door_leads_to_the_named_server_and_nowhere_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        script = """
import sys
from syncse_local.isolation.door import opened
for port in sys.argv[2:]:
    try:
        with opened().connect(("127.0.0.1", int(port)), 5) as made:
            made.sendall(b"question")
            print(made.getpeername()[1])
    except OSError as error:
        print(error.errno)
"""
        ports = [str(each.getsockname()[1]) for each in (server, other)]
        _, output = confined(basic(servers=(("127.0.0.1", int(ports[0])),)), script, *ports)
        assert output.split() == [ports[0], "13"]
        connection, _ = server.accept()
        with connection:
            assert connection.recv(100) == b"question"
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


WITHOUT = """
import errno, struct, sys
from syncse_local.isolation import kernel, seccomp
def without(names):
    code = [seccomp._load(seccomp.NUMBER)]
    for name in names:
        code += [seccomp._jump(seccomp.EQUAL, kernel.number(name), 0, 1), seccomp._answer(0x00050000 | errno.ENOSYS)]
    kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
    seccomp._install(b"".join([*code, seccomp._answer(seccomp.ALLOW)]), 0)
without(sys.argv[2].split(","))
"""
"""What a process does before it enters: the kernel's features that are named are gone, as in an older or a guarded one."""
LACKING = {
    "landlock_create_ruleset": ({"Landlock"}, True, {*FILES}),
    "unshare": ({"network namespace"}, True, set[str]()),
    "seccomp": ({"seccomp"}, True, {"a Unix socket by path", "io_uring", "the virtual machine's host"}),
    "unshare,landlock_create_ruleset": ({"network namespace", "Landlock"}, True, {*FILES}),
    "unshare,seccomp": ({"network namespace", "seccomp"}, False, None),
}
"""Features that lack, the layers missing then, whether the network is shut, and the ways that are open at most."""


@linux
@pytest.mark.parametrize("names", LACKING)
def test_what_holds_where_the_kernel_lacks_a_feature(names: str) -> None:
    missing, shut, at_most = LACKING[names]
    watcher = Watcher(basic())
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT + INSIDE, str(watcher.descriptor), names],
        pass_fds=[watcher.descriptor],
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )
    watcher.start()
    assert process.wait(60) == 0
    watcher.close()
    assert watcher.reported.wait(10)
    held = Confined(watcher.rules, watcher.report)
    assert set(held.report["missing"]) >= missing
    if set(held.report["missing"]) != missing:
        pytest.skip(f"this machine lacks more: {held.lacking}")
    assert held.network_is_shut is shut
    if at_most is not None:
        assert set(held.open_ways) <= at_most
    tried = {way: outcome["result"] for way, outcome in held.report["tried"].items()}
    assert (tried["TCP"], tried["DNS"]) == (("shut", "shut") if shut else ("not tried", "not tried"))


def ended(script: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own that ran the script; it may have killed itself, and its child goes on with its output."""
    words, about = [sys.executable, "-c", script], {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env=about, check=False)


@linux
def test_a_refused_call_fails_when_the_watcher_is_gone() -> None:
    """A killed supervisor leaves its worker behind: what was shut stays shut, and nothing hangs."""
    outer = f"""
import os, subprocess, sys
from syncse_local.isolation.outside import Watcher
from syncse_local.isolation.rules import Rules
watcher = Watcher(Rules(run={PYTHON!r}, read=("/proc",), devices=("/dev/null",)))
script = {INSIDE!r} + '''
import os, socket, time
parent = int(sys.argv[2])
while os.getppid() == parent:
    time.sleep(0.01)
try:
    socket.socket()
    print("made")
except OSError as error:
    print("shut", flush=True)
'''
process = subprocess.Popen([sys.executable, "-c", script, str(watcher.descriptor), str(os.getpid())], pass_fds=[watcher.descriptor])
watcher.start()
watcher.reported.wait(30)
os.kill(os.getpid(), 9)
"""
    done = ended(outer)
    assert done.stdout.split() == ["shut"], done.stderr


@linux
def test_a_watcher_killed_at_once_leaves_a_process_as_confined() -> None:
    outer = f"""
import os, subprocess, sys
from syncse_local.isolation.outside import Watcher
from syncse_local.isolation.rules import Rules
watcher = Watcher(Rules(run={PYTHON!r}, read=("/proc",), devices=("/dev/null",)))
script = '''import os, sys
parent = int(sys.argv[2])
while os.getppid() == parent:
    pass
from syncse_local.isolation.inside import enter
held = enter(int(sys.argv[1]))
print(held.network_is_shut, held.open_ways, flush=True)
'''
words = [sys.executable, "-c", script, str(watcher.descriptor), str(os.getpid())]
subprocess.Popen(words, pass_fds=[watcher.descriptor])
os.kill(os.getpid(), 9)
"""
    done = ended(outer)
    if "False" in done.stdout:
        pytest.skip("this kernel shuts nothing here")
    assert done.stdout.strip() == "True []", done.stderr


def test_strict_rules_refuse_where_the_kernel_shuts_nothing() -> None:
    bare: Mapping[str, Any] = {"missing": {"seccomp": "no"}, "tried": {"TCP": {"result": "not tried", "said": ""}}}
    assert Confined(Rules(), dict(bare)).too_little() is None
    error = Confined(Rules(strict=True), dict(bare)).too_little()
    assert error is not None
    assert (error.code, "seccomp: no" in error.detail) == (5, True)
    shut = {**bare, "namespace": {"inode": 1}}
    assert Confined(Rules(strict=True), shut).too_little() is None
    hole = {**shut, "tried": {"a Unix socket by path": {"result": "open", "said": "it worked"}}}
    assert Confined(Rules(strict=True), hole).too_little() is not None
    file = {**shut, "tried": {"reading a file outside": {"result": "open", "said": "it worked"}}}
    assert Confined(Rules(strict=True), file).too_little() is None


def test_rules_cross_the_wire_unchanged() -> None:
    rules = Rules("loopback", ("/a",), ("/b",), ("/c",), ("/d",), (("127.0.0.1", 1),), True, True, {"unix": "/e"})
    assert Rules.of(json.loads(json.dumps(rules.as_dict()))) == rules


@linux
def test_rules_with_thousands_of_paths_arrive() -> None:
    many = tuple(f"/nowhere/{'x' * 80}/{number}" for number in range(10_000))
    watcher, output = confined(Rules(run=PYTHON, read=("/proc", *many)), "print('ran')")
    assert output.strip() == "ran"
    assert watcher.report["tried"]
    if "landlock" in watcher.report:
        assert watcher.report["landlock"]["read"][-1].startswith("and ")
        assert len(watcher.report["landlock"]["read"]) == 201


def test_paths_beneath_others_and_links_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = whole([tmp_path / "a", tmp_path / "a" / "b", tmp_path / "link", tmp_path / "ab", tmp_path / "none"])
    assert found == (str(tmp_path / "a"), str(tmp_path / "ab"))
