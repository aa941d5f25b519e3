"""The socket guard: loopback passes, everything else is refused, counted, and blamed on its caller."""

import json
import os
import subprocess
import sys

import pytest

from syncse_local import airgap

SCRIPT = '''
import json, socket, sys
from syncse_local import airgap
airgap.install()
refused = []
def attempt(name, action):
    try:
        action()
    except airgap.AirgapRefusal:
        refused.append(name)
    except OSError:
        pass
import urllib.request
attempt("connect", lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.2))
attempt("name", lambda: socket.getaddrinfo("example.org", 80))
attempt("datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)))
attempt("ipv6", lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)))
attempt("listen", lambda: socket.socket().bind(("0.0.0.0", 0)))
class Lies(str):
    def __str__(self):
        return "127.0.0.1"
udp = lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
attempt("connect to a name", lambda: socket.socket().connect(("a.invalid", 80)))
attempt("connect_ex to a name", lambda: socket.socket().connect_ex(("b.invalid", 80)))
attempt("send to a name", lambda: udp().sendto(b"x", ("c.invalid", 53)))
attempt("send a message to a name", lambda: udp().sendmsg([b"x"], [], 0, ("d.invalid", 53)))
attempt("bind to a name", lambda: socket.socket().bind(("e.invalid", 0)))
attempt("name of an address", lambda: socket.getnameinfo(("192.0.2.1", 80), 0))
attempt("listen without bind", lambda: socket.socket().listen(1))
attempt("a name that lies", lambda: socket.socket().connect((Lies("192.0.2.1"), 80)))
attempt("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
import _socket
attempt("without checks", lambda: _socket.socket(socket.AF_INET, socket.SOCK_STREAM))
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5).close()
child_script = """
from syncse_local import airgap
airgap.install_if_ordered()
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=0.2)
except airgap.AirgapRefusal:
    print("refused")
except OSError:
    print("tried")
"""
import subprocess
child = subprocess.run([sys.executable, "-c", child_script], capture_output=True, text=True).stdout.strip()
print(json.dumps({"refused": refused, "counted": airgap.refused(), "child": child}))
'''


def test_everything_beyond_loopback_is_refused_and_counted() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    later = [
        *("connect to a name", "connect_ex to a name", "send to a name", "send a message to a name", "bind to a name"),
        *("name of an address", "listen without bind", "a name that lies", "packets", "raw", "without checks"),
    ]
    assert found["refused"] == ["connect", "name", "datagram", "ipv6", "listen", *later]
    assert [address for _, address in found["counted"]] == [
        *("192.0.2.1", "example.org", "192.0.2.1", "2001:db8::1", "0.0.0.0"),
        *("a.invalid", "b.invalid", "c.invalid", "d.invalid", "e.invalid", "192.0.2.1", "0.0.0.0", "192.0.2.1"),
        *("address family 17", "a raw socket", "a socket without checks"),
    ]
    assert {module for module, _ in found["counted"]} == {"__main__"}
    assert found["child"] == "refused"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("0.0.0.0", False),
        ("fe80::1%eth0", False),
    ],
)
def test_what_counts_as_this_machine(host: str, local: bool) -> None:
    assert airgap.is_local(host) is local


def test_the_switches_are_set_before_any_library() -> None:
    script = "import os, syncse_local.cli.main as m; m.main(['--version'])"
    code = f"import sys\ntry:\n    {script}\nexcept SystemExit:\n    pass\nimport os, json; print(json.dumps(dict(os.environ)))"
    env = {name: value for name, value in os.environ.items() if name not in airgap.SWITCHES}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    seen = json.loads(done.stdout.splitlines()[-1])
    assert {name: seen.get(name) for name in airgap.SWITCHES} == airgap.SWITCHES
