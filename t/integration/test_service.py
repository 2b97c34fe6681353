# SPDX-License-Identifier: MIT
"""policyd as a service: its unit's rating, what it tells systemd, its watchdog, and the sandbox it runs in."""

import os
import re
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from mailhost.policyd import Policyd, program
from mailhost.process import PATIENCE, let_others_enter, wait_for

UNITS = Path(__file__).resolve().parents[2] / "contrib" / "systemd"
WATCHDOG_S = 4.0  # a sign of life each two seconds: a busy machine may be late by as much


@pytest.fixture
def policyd(tmp_path):
    """A daemon with its databases, not started."""
    let_others_enter(tmp_path)
    daemon = Policyd(tmp_path / "p", tmp_path / "queue")
    daemon.prepare()
    yield daemon
    if daemon.running():
        daemon.stop()


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """What policyd sends to the service manager, message by message."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        path = str(tmp_path / "notify")
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield listener


def told(systemd, *, but=b"WATCHDOG=1"):
    """The next message that is no sign of life."""
    while True:
        message = systemd.recv(1024)
        if message != but:
            return message.decode().split("\n")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t") for line in status if ":\t" in line)


def test_unit_is_rated_one_and_a_half_or_better(tmp_path):
    unit = (UNITS / "policyd.service.in").read_text().replace("@sbindir@", "/usr/sbin").replace("@sysconfdir@", "/etc")
    path = tmp_path / "policyd.service"
    path.write_text(unit)
    done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", path],
                          capture_output=True, text=True, check=False)
    rating = re.search(r"Overall exposure level for policyd.service: ([0-9.]+)", done.stdout)
    assert rating and float(rating.group(1)) <= 1.5, done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_unit_starts_again_what_the_sandbox_ended():
    """A signal is a failure to systemd, SIGSYS among them; nothing in the unit takes it for a clean end."""
    unit = (UNITS / "policyd.service.in").read_text()
    assert re.findall(r"^Restart=(.*)$", unit, re.M) == ["on-failure"]
    assert not re.search(r"^(SuccessExitStatus|RestartPreventExitStatus|StartLimit\w*)=", unit, re.M)


def test_systemd_is_told_of_start_reload_and_stop(policyd, systemd):
    policyd.start()
    assert told(systemd) == ["READY=1"]
    policyd.reload()
    reloading, when = told(systemd)
    assert reloading == "RELOADING=1" and re.fullmatch(r"MONOTONIC_USEC=[0-9]+", when)
    assert told(systemd) == ["READY=1"]
    policyd.stop()
    assert told(systemd) == ["STOPPING=1"]


def test_a_wrong_reload_ends_ready_too(policyd, systemd):
    policyd.start()
    policyd.config.write_text("no_such_key = 1\n")
    policyd.reload()
    assert [told(systemd)[0] for _ in range(3)] == ["READY=1", "RELOADING=1", "READY=1"]


def test_watchdog_hears_from_a_daemon_that_lives_only(policyd, systemd, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))
    policyd.start()
    assert told(systemd) == ["READY=1"]
    for _ in range(4):
        systemd.settimeout(WATCHDOG_S)
        assert systemd.recv(1024) == b"WATCHDOG=1"
    os.kill(policyd.pid, signal.SIGSTOP)
    wait_for(lambda: status_of(policyd.pid)["State"].startswith("T"), "policyd to stop")
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            systemd.recv(1024)
    systemd.settimeout(2 * WATCHDOG_S)
    with pytest.raises(socket.timeout):
        systemd.recv(1024)
    os.kill(policyd.pid, signal.SIGCONT)


def test_sandboxed_by_default(policyd):
    policyd.start()
    policyd.wait_log("sandbox: files are restricted by Landlock; system calls are restricted by seccomp")
    for task in Path(f"/proc/{policyd.pid}/task").iterdir():
        status = status_of(task.name)
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_without_the_sandbox(policyd):
    policyd.configure(sandbox=False)
    policyd.start()
    assert policyd.answers() and "sandbox" not in policyd.log_text()
    assert status_of(policyd.pid)["Seccomp"] == "0"
    policyd.configure(sandbox=True)
    policyd.reload()
    policyd.wait_log("a new sandbox needs a restart: the old configuration stays")


def test_sandboxed_log_is_rotated_but_stays_in_its_directory(policyd):
    policyd.start()
    rotated = policyd.log.with_suffix(".1")
    policyd.log.rename(rotated)
    policyd.reload()
    policyd.wait_log("configuration read again")
    elsewhere = policyd.directory / "run" / "policyd.log"
    policyd.configure(log=str(elsewhere))
    policyd.reload()
    policyd.wait_log("a new log needs a restart: the old configuration stays")
    assert not elsewhere.exists()


@pytest.mark.parametrize("option", ["listen", "socketmap_listen", "control_socket", "observe_socket"])
def test_no_socket_where_everybody_may_write(policyd, option):
    path = f"/tmp/postern-{option}"
    spec = f"unix:{path}"
    policyd.configure(**{option: [spec] if option.endswith("listen") else path})
    done = subprocess.run([program("policyd"), "-f", "-c", policyd.config], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    shown = path if option == "observe_socket" else spec
    assert (done.returncode, done.stderr) == (1, f"policyd: listen {shown}: everybody may write in /tmp: put the "
                                                 "socket in a directory of its own\n")
    assert not os.path.exists(path)
