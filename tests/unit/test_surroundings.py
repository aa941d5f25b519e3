"""Machines as they are: no home, users without a name, streams that are closed or narrow, what `doctor` says of each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local import config, paths
from syncse_local.airgap import environment
from syncse_local.api import Workspace
from syncse_local.cli import surroundings
from syncse_local.config import Settings
from syncse_local.encoders.saving import check_target
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs import gpu_queue, liveness
from syncse_local.store import locks
from syncse_local.text.clean import storable

SYNCSE = (sys.executable, "-m", "syncse_local.cli.start")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user number without a name and no HOME, as in a container started with --user 12345."""

    def nobody(*_: object) -> None:
        raise KeyError("getpwuid(): uid not found: 12345")

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "USER", "LOGNAME",
                 "LNAME", "USERNAME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.usefixtures("homeless")
def test_without_a_home_there_is_no_settings_file_and_that_is_all(tmp_path: Path) -> None:
    assert config.load({}, tmp_path).backend == "llamacpp"
    assert not config.user_file().exists()
    with Workspace(tmp_path / "ws") as workspace:
        assert workspace.models()
        assert workspace._author == f"user {os.getuid()}"
    assert gpu_queue.lock_path(0).is_relative_to(tmp_path)
    descriptor = liveness.acquire(gpu_queue.lock_path(0))
    assert descriptor is not None
    os.close(descriptor)
    checks = {what: (state, detail) for what, state, detail in surroundings.surroundings(Settings())}
    assert checks["home"][0] == "absent"
    with pytest.raises(SyncseError, match="No home directory"):
        config.load({"workspace": "~/ws"}, tmp_path)


def test_a_home_of_another_user_brings_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(SyncseError, match="cannot be read"):
        config.load({}, tmp_path / "elsewhere")
    monkeypatch.setattr(config, "user_number", lambda: 12345)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(SyncseError, match=r"syncse\.toml"):
        config.load({}, tmp_path / "elsewhere")


@pytest.mark.parametrize("source", ["file", "environment", "flag"])
def test_tilde_is_the_home_wherever_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    values = dict.fromkeys(config.PATHS, "~/place") | {"model_dirs": f"~/a{os.pathsep}/b{os.pathsep}~/c"}
    if source == "file":
        text = "".join(f'{name} = "{value}"\n' for name, value in values.items())
        (tmp_path / config.PROJECT_FILE).write_text(text, encoding="utf-8")
    elif source == "environment":
        for name, value in values.items():
            monkeypatch.setenv(f"SYNCSE_{name.upper()}", value)
    found = config.load(values if source == "flag" else {}, tmp_path)
    assert {getattr(found, name) for name in config.PATHS if name != "model_dirs"} == {str(tmp_path / "place")}
    assert found.model_dirs.split(os.pathsep) == [str(tmp_path / "a"), "/b", str(tmp_path / "c")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_settings_saved_by_notepad_or_powershell(tmp_path: Path, encoding: str) -> None:
    (tmp_path / config.PROJECT_FILE).write_bytes('threads = 3\r\nauthor = "Zo\u00eb"\r\n'.encode(encoding))
    found = config.load({}, tmp_path)
    assert (found.threads, found.author) == (3, "Zo\u00eb")


@pytest.mark.parametrize("text", [f"threads = {'9' * 5000}", "x = " + "[" * 20_000, "threads = \xff"])
def test_settings_that_no_parser_takes_are_one_error(tmp_path: Path, text: str) -> None:
    (tmp_path / config.PROJECT_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(SyncseError) as caught:
        config.load({}, tmp_path)
    assert caught.value.code == ExitCode.USAGE
    assert len(caught.value.detail) < 600


@pytest.mark.parametrize("value", ["\u00b2", "9" * 5000, "1e", ""])
def test_numbers_in_the_environment_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SYNCSE_THREADS", value)
    with pytest.raises(SyncseError, match="should be int"):
        config.load({}, tmp_path)


def test_a_directory_that_nobody_may_write_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/self")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert paths.own_directory("XDG_STATE_HOME", ".local/state").parent == tmp_path
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "new" / "state"))
    assert paths.own_directory("XDG_STATE_HOME", ".local/state") == tmp_path / "new" / "state" / "syncse-local"


def test_a_private_directory_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.make_private(tmp_path / "mine")
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(PermissionError):
        paths.make_private(tmp_path / "mine")


def test_children_import_nothing_from_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/usr/bin", *sys.path[1:]])
    monkeypatch.setattr(sys, "path", ["/elsewhere", *sys.path])  # as where the program is installed
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "relative", "/opt/own", "."]))
    env = environment(False)
    assert env["PYTHONSAFEPATH"] == "1"
    assert env["PYTHONPATH"] == "/opt/own"
    monkeypatch.setenv("PYTHONPATH", ":")
    assert "PYTHONPATH" not in environment(False)


def test_an_empty_part_of_pythonpath_is_no_place_to_import_from(tmp_path: Path) -> None:
    (tmp_path / "secrets.py").write_text("raise SystemExit(9)", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": ":"}
    words = [sys.executable, "-P", "-m", "syncse_local.cli.start", "recipes", "list"]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == ExitCode.OK, done.stderr


LOCKS = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <dlfcn.h>
#include <fcntl.h>
#ifdef NO_FLOCK
int flock(int fd, int how) { errno = ENOSYS; return -1; }
#else
static int refused(const char *name, int fd, int what, void *more) {
    if (what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK) { errno = ENOLCK; return -1; }
    return ((int (*)(int, int, ...)) dlsym(RTLD_NEXT, name))(fd, what, more);
}
int fcntl(int fd, int what, ...) {
    va_list rest; va_start(rest, what); void *more = va_arg(rest, void *); va_end(rest);
    return refused("fcntl", fd, what, more);
}
int fcntl64(int fd, int what, ...) {
    va_list rest; va_start(rest, what); void *more = va_arg(rest, void *); va_end(rest);
    return refused("fcntl64", fd, what, more);
}
#endif
"""


@pytest.fixture(scope="module", params=["NO_FLOCK", "NO_FCNTL"])
def without_locks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A library that plays a file system without one kind of locks."""
    folder = tmp_path_factory.mktemp("locks")
    (folder / "locks.c").write_text(LOCKS, encoding="ascii")
    words = ["cc", f"-D{request.param}", "-shared", "-fPIC", "-o", "locks.so", "locks.c", "-ldl"]
    try:
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no C compiler")
    return request.param.removeprefix("NO_").lower(), folder / "locks.so"


def test_a_file_system_without_locks_is_named_at_once(
    without_locks: tuple[str, Path], tmp_path: Path, sentences: Path
) -> None:
    kind, library = without_locks
    env = {**os.environ, "LD_PRELOAD": str(library)}
    for words in (("generate", str(sentences)), ("doctor",)):
        done = subprocess.run(
            [*SYNCSE, *words, "-w", str(tmp_path / "ws")], env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == ExitCode.PREFLIGHT, done.stderr
        assert f"lacks {kind}" in done.stdout + done.stderr
        assert "local disk" in done.stdout + done.stderr
        assert not list(tmp_path.glob("ws/runs/*"))


def test_a_workspace_that_was_made_elsewhere_says_so_too(
    without_locks: tuple[str, Path], tmp_path: Path, sentences: Path
) -> None:
    kind, library = without_locks
    Workspace(tmp_path / "ws").close()
    words = [*SYNCSE, "generate", str(sentences), "-w", str(tmp_path / "ws")]
    env = {**os.environ, "LD_PRELOAD": str(library)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == ExitCode.PREFLIGHT, done.stderr
    assert f"lacks {kind}" in done.stderr
    with Workspace(tmp_path / "ws") as workspace:
        assert workspace.runs() == []


def test_locks_that_are_there_are_not_lacking(tmp_path: Path) -> None:
    assert locks.lacking(tmp_path) == ""
    assert locks.lacking(tmp_path / "nowhere") == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [("caf\u00e9", "caf\u00e9"), ("caf\udcc3\udca9", "caf\u00e9"), ("caf\udce9", "caf\ufffd"), ("\ud83d", "\ufffd")],
)
def test_names_that_the_locale_cannot_read_can_be_stored(text: str, kept: str) -> None:
    assert storable(text) == kept


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_signs_that_the_terminal_lacks_are_escaped(tmp_path: Path, encoding: str) -> None:
    code = "from syncse_local.cli import streams; streams.make_usable(); print('caf\\u00e9 \\u2026 \\udce9')"
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    shown = done.stdout.decode(encoding).strip()
    wanted = {"latin-1": "caf\u00e9 \\u2026 \\udce9", "ascii": "caf\\xe9 \\u2026 \\udce9"}
    assert shown == wanted.get(encoding, "caf\u00e9 \u2026 \\udce9")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(tmp_path: Path, closed: str) -> None:
    words = f"{' '.join(SYNCSE)} recipes list -w {tmp_path / 'ws'} {closed}"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, timeout=60)
    assert done.returncode == ExitCode.OK, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*SYNCSE, "recipes", "list"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == ExitCode.FAILED
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_the_terminal_ui_without_a_terminal_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [*SYNCSE, "tui", "-w", str(tmp_path / "ws")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == ExitCode.USAGE
    assert "No terminal" in done.stderr


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    words = f"cd {tmp_path}/gone && rmdir ../gone && {' '.join(SYNCSE).replace('-m', '-P -m')} runs"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, timeout=60)
    assert done.returncode == ExitCode.PREFLIGHT
    assert "working directory is gone" in done.stderr


INTERRUPTED = """
import importlib.abc, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background has it ignored
class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "%s":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["syncse", "doctor"]
from syncse_local.cli.start import entry
entry()
"""


@pytest.mark.parametrize(
    "module", ["syncse_local.cli.main", "argparse", "syncse_local.cli.surroundings", "syncse_local.catalog.places"]
)
def test_ctrl_c_while_modules_are_imported_is_quiet(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED % module], capture_output=True, text=True, timeout=60)
    assert done.returncode == ExitCode.INTERRUPTED
    assert done.stderr == ""


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    code = "import signal; signal.signal(2, signal.SIG_IGN); import syncse_local.cli.start; print(signal.getsignal(2).name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "SIG_IGN" in done.stdout


def test_an_encoder_that_could_not_be_saved_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(SyncseError, match="Cannot write") as caught:
        check_target(tmp_path / "new" / "encoder")
    assert caught.value.code == ExitCode.PREFLIGHT
