# SPDX-License-Identifier: MIT
"""Starting policyd: what is wrong is one line that names the file and the remedy, and nothing is changed.

A daemon of its own, without a mail host.
"""

import fcntl
import os
import socket
import sqlite3
import subprocess

import pytest

from mailhost.policy import PolicyClient
from mailhost.policyd import Policyd, program
from mailhost.process import PATIENCE, Ports, is_waiting, let_others_enter, wait_for


@pytest.fixture
def policyd(tmp_path):
    """A daemon with its databases, not started."""
    let_others_enter(tmp_path)
    daemon = Policyd(tmp_path / "p", tmp_path / "queue")
    daemon.prepare()
    yield daemon
    if daemon.running():
        daemon.stop()


def start(daemon, *options):
    """Exit status and error output of a start that is expected to end by itself."""
    done = subprocess.run([program("policyd"), "-f", "-c", str(daemon.config), *options], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stderr


def content(daemon):
    """The databases; SQLite's -wal and -shm beside them come and go."""
    return {p.name: p.read_bytes() for p in (daemon.directory / "lib").glob("*.db")}


def accounts_db(daemon):
    return daemon.directory / "lib" / "accounts.db"


def refused(daemon, line):
    """The start fails with exactly this line and leaves the databases alone."""
    before = content(daemon)
    assert start(daemon) == (1, f"policyd: {line}\n")
    assert content(daemon) == before


def test_no_database(policyd):
    path = accounts_db(policyd)
    for file in path.parent.iterdir():
        file.unlink()
    refused(policyd, f"{path}: No such file or directory: make it with policyctl init")
    assert not path.exists()


def test_newer_schema(policyd):
    path = accounts_db(policyd)
    with sqlite3.connect(path) as db:
        (ours,) = db.execute("PRAGMA user_version").fetchone()
        db.execute("PRAGMA user_version = 99")
    db.close()
    refused(policyd, f"{path}: schema version 99 is newer than this program's {ours}: upgrade Postern")


def test_no_database_file_but_another(policyd):
    path = accounts_db(policyd)
    path.write_text("not a database, but long enough to be looked at as one\n" * 100)
    refused(policyd, f"{path}: damaged or no SQLite database: restore it from a backup")


def test_databases_exchanged(policyd):
    policyd.configure(accounts_db=policyd.settings["state_db"], state_db=policyd.settings["accounts_db"])
    refused(policyd, f"{policyd.settings['accounts_db']}: not Postern's accounts database: name the right file in "
                     "policyd.conf")


def test_database_not_readable(policyd):
    path = accounts_db(policyd)
    os.chown(path, 0, 0)
    path.chmod(0o600)
    refused(policyd, f"{path}: Permission denied: check its owner and mode")


def test_second_policyd(policyd):
    policyd.start()
    policyd.configure(listen=[f"unix:{policyd.sockets}/other"], socketmap_listen=[f"unix:{policyd.sockets}/more"],
                      control_socket=str(policyd.directory / "run" / "control2"),
                      observe_socket=str(policyd.directory / "run" / "observe2"))
    status, line = start(policyd)
    assert status == 1
    assert line == (f"policyd: {accounts_db(policyd)}.lock: held by process {policyd.pid}: only one policyd, or a "
                    "policyctl without it, may write\n")
    assert policyd.answers()


def test_waits_for_who_still_writes(policyd):
    """A policyctl that began before, or a policyd that ends: the start does not fail for it."""
    with open(f"{accounts_db(policyd)}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = subprocess.Popen([program("policyd"), "-f", "-c", str(policyd.config)])
        try:
            wait_for(lambda: is_waiting(started.pid, "nanosleep"), "policyd to wait")
            assert started.poll() is None and not policyd.answers()
            fcntl.flock(lock, fcntl.LOCK_UN)
            wait_for(policyd.answers, "policyd's answer")
        finally:
            started.terminate()
            assert started.wait(PATIENCE) == 0


def test_port_in_use(policyd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        spec = f"inet:127.0.0.1:{taken.getsockname()[1]}"
        policyd.configure(listen=[spec])
        refused(policyd, f"listen {spec}: Address already in use: another program listens there")


def test_socket_in_use(policyd):
    path = policyd.sockets / "policy"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        refused(policyd, f"listen unix:{path}: Address already in use: another program listens there")
        assert path.is_socket()


def test_socket_left_over_by_a_crash(policyd):
    policyd.start()
    policyd.kill()
    assert (policyd.sockets / "policy").is_socket()
    policyd.start()
    assert policyd.answers()


def test_unknown_user_and_group(policyd):
    policyd.configure(user="nobody-here")
    refused(policyd, "user: there is no 'nobody-here': adduser --system --group nobody-here, or name another")
    policyd.configure(user="nobody", socket_group="nogroup-here")
    refused(policyd, "socket_group: there is no group 'nogroup-here': name one in policyd.conf")


def test_log_that_cannot_be_written(policyd):
    policyd.configure(log="/nowhere/policyd.log")
    refused(policyd, "log /nowhere/policyd.log: No such file or directory: check the path and its directory's mode")


def test_answers_over_tcp_too(policyd):
    port = Ports.free()
    policyd.configure(listen=[*policyd.settings["listen"], f"inet:127.0.0.1:{port}"])
    policyd.start()
    with PolicyClient(("127.0.0.1", port)) as client:
        assert client.ask(protocol_state="RCPT", client_address="192.0.2.1", helo_name="pc.local") == (
            "554 5.7.1 Go away, bad guy (.local).")


def test_rights_are_dropped(policyd):
    policyd.start()
    status = dict(line.split(":\t") for line in open(f"/proc/{policyd.pid}/status", encoding="ascii")
                  if ":\t" in line)
    assert set(status["Uid"].split()) == {"65534"}
    assert int(status["CapEff"], 16) == 0
    sockets = {p.name: p.stat() for p in policyd.sockets.iterdir()}
    assert {oct(s.st_mode & 0o777) for s in sockets.values()} == {"0o660"}


def test_configuration_is_tested_without_a_start(policyd):
    good = subprocess.run([program("policyd"), "-t", "-c", policyd.config], capture_output=True, text=True,
                          check=False)
    assert (good.returncode, good.stdout) == (0, f"{policyd.config}: good\n")
    policyd.config.write_text('listen = {"unix:/tmp/x"}\ndns { timeout_ms = 5 }\n')
    bad = subprocess.run([program("policyd"), "-t", "-c", policyd.config], capture_output=True, text=True,
                         check=False)
    assert bad.returncode == 1
    assert bad.stderr.startswith(f"policyd: {policyd.config}:2: ") and bad.stderr.count("\n") == 1


def test_what_is_printed_loads_again(policyd, tmp_path):
    dump = [program("policyd"), "-T", "-c"]
    first = subprocess.run([*dump, policyd.config], capture_output=True, text=True, check=True).stdout
    again = tmp_path / "again.conf"
    again.write_text(first)
    assert subprocess.run([*dump, again], capture_output=True, text=True, check=True).stdout == first


def test_a_wrong_reload_keeps_the_old_configuration(policyd):
    policyd.start()
    policyd.config.write_text("listen = 5\n")
    failed = policyd.ctl("reload", check=False)
    assert failed.returncode != 0
    policyd.write_config()
    assert policyd.answers()
    policyd.configure(help_url="https://help.example/")
    policyd.reload()
    policyd.wait_log("configuration read again")


def test_a_new_socket_needs_a_restart(policyd):
    policyd.start()
    old = policyd.settings["listen"]
    policyd.configure(listen=[f"unix:{policyd.sockets}/elsewhere"])
    policyd.reload()
    policyd.wait_log(f"{policyd.config}: a new listen needs a restart: the old configuration stays")
    policyd.configure(listen=old)
    assert policyd.answers()


def test_in_the_background_the_parent_ends_when_it_is_ready(policyd):
    argv = [program("policyd"), "-c", str(policyd.config)]
    assert subprocess.run(argv, timeout=PATIENCE, check=False).returncode == 0
    assert policyd.answers()
    pid = int((accounts_db(policyd).parent / "accounts.db.lock").read_text())
    assert subprocess.run(argv, capture_output=True, timeout=PATIENCE, check=False).returncode == 1
    os.kill(pid, 15)
    policyd.wait_log("policyd stops")


def test_a_sqlite_with_the_bug_is_named(policyd):
    """Only where it has it (test_doctor asks doctor the same)."""
    policyd.start()
    if sqlite3.sqlite_version_info < (3, 51, 3):
        policyd.wait_log(f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug")
    policyd.stop()
    assert policyd.log_text().count("WAL-reset") == (sqlite3.sqlite_version_info < (3, 51, 3))
