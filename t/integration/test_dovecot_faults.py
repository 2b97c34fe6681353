# SPDX-License-Identifier: MIT
"""Logins while something is broken: whatever it is, nobody is let in by it, and what can go on does."""

import os
import signal
import sqlite3
import time
from contextlib import closing, suppress

import pytest

from login_host import ALERT, MISMATCH, LoginHost, accepted, logins, make_host, moved_away  # noqa: F401  (fixture)
from mailhost import dovecot_dialect as dialect
from mailhost.dovecot_postern import driver
from mailhost.mailbox import Imap, plain
from mailhost.process import Pace, let_others_enter, run, wait_for

# RFC 5530: the server cannot say now.
UNAVAILABLE = {"imap": "NO [UNAVAILABLE] ", "pop3": "-ERR [SYS/TEMP] "}


@pytest.mark.parametrize("protocol", UNAVAILABLE)
def test_store_missing(logins, protocol):
    """Tried for three seconds; then an internal failure, for everybody alike, and no empty file is made."""
    assert accepted(logins.login())
    with moved_away(logins), Pace() as pace:
        start = time.monotonic()
        reply = logins.login(protocol=protocol)
        seconds = time.monotonic() - start
        assert reply.startswith(UNAVAILABLE[protocol]) and 2.5 < seconds and pace.undisturbed(seconds) < 8
        assert logins.login("nobody@example.com", protocol=protocol).startswith(UNAVAILABLE[protocol])
        assert not logins.database.exists()
        logins.wait_log(f"{logins.database}: No such file or directory")
        assert logins.dovecot.doveadm("user", "user@example.com", check=False).returncode == 75
        assert logins.dovecot.doveadm("user", "*", check=False).returncode != 0
    assert accepted(logins.login())


def test_store_back_in_time(logins):
    """Away for a moment: the login waits for it."""
    def in_time():  # at the latest when this process itself is not held up
        with Imap(logins.dovecot.ports["imap"], "127.0.0.1") as imap:
            with moved_away(logins):
                imap.send(f"a AUTHENTICATE PLAIN {plain('user@example.com', 'secret')}")
                assert not imap.readable(0.5)
            return accepted(imap.read_line().removeprefix("a "))

    wait_for(in_time, "a login that the table came back in time for")


def test_store_locked_by_a_writer(logins):
    """Readers do not wait for writers."""
    logins.policyd.stop()
    try:
        with closing(sqlite3.connect(logins.database)) as db:
            db.execute("BEGIN IMMEDIATE")
            assert accepted(logins.login())
            db.rollback()
    finally:
        logins.policyd.start()


def test_store_locked_for_all(tmp_path_factory):
    """By a program that wants it for itself."""
    fresh = make_host(tmp_path_factory)
    host = next(fresh)
    try:
        host.policyd.stop()
        with closing(sqlite3.connect(host.database, isolation_level=None)) as db:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("BEGIN EXCLUSIVE")
            assert host.login().startswith(UNAVAILABLE["imap"])
            db.execute("ROLLBACK")
        assert accepted(host.login())
    finally:
        fresh.close()


def test_store_replaced(logins, tmp_path_factory):
    """By another file under the same name: the next login reads the new one."""
    assert accepted(logins.login())
    other = LoginHost(tmp_path_factory.mktemp("replaced"))
    other.directory.chmod(0o755)
    other.policyd.prepare()
    with moved_away(logins):
        other.database.rename(logins.database)
        assert logins.login() == MISMATCH["imap"]
        logins.database.unlink()
        for companion in logins.database.parent.glob("accounts.db-*"):
            companion.unlink()
    assert accepted(logins.login())


def test_store_damaged(logins):
    """Nothing but noise in the file."""
    with moved_away(logins):
        logins.database.write_bytes(os.urandom(65536))
        assert logins.login().startswith(UNAVAILABLE["imap"])
        logins.wait_log("damaged or no SQLite database")
        logins.database.unlink()
    assert accepted(logins.login())


def test_policyd_away(logins):
    """Stopped cleanly, then killed: logins go on."""
    logins.policyd.stop()
    try:
        assert accepted(logins.login())
        assert logins.login(password="wrong") == MISMATCH["imap"]
    finally:
        logins.policyd.start()
    logins.policyd.kill()
    try:
        assert accepted(logins.login())
    finally:
        logins.policyd.start()


def test_shared_memory_removed(logins):
    """-shm deleted behind everybody's back: right passwords wait or pass, wrong ones never do."""
    logins.policyd.stop()
    try:
        logins.database.with_name("accounts.db-shm").unlink(missing_ok=True)
        assert logins.login(password="wrong").startswith("NO ")
        reply = logins.login()
        assert accepted(reply) or reply.startswith(UNAVAILABLE["imap"])
    finally:
        logins.policyd.start()
    assert accepted(logins.login())


def kill_workers(host):
    """Those that there are, to their end."""
    workers = set(host.dovecot.workers())
    for worker in workers:
        with suppress(ProcessLookupError):  # idle ones end by themselves
            os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not workers & set(host.dovecot.workers()), "the workers' end")
    return workers


def test_workers_that_are_not_root(tmp_path_factory):
    """They read the table by their group, while policyd runs, after it ended, and after it came back."""
    fresh = make_host(tmp_path_factory,
                      more="service auth-worker {\n user = dovecot\n extra_groups = nogroup\n}\n")
    host = next(fresh)
    try:
        assert accepted(host.login())
        assert {os.stat(f"/proc/{worker}").st_uid for worker in host.dovecot.workers()} != {0}
        host.policyd.stop()
        assert accepted(host.login())
        kill_workers(host)
        assert accepted(host.login())
        host.policyd.start()
        host.ctl("account", "passwd", "user@example.com", "--password-stdin", stdin="new\n")
        assert host.login() == MISMATCH["imap"]
        assert accepted(host.login(password="new"))
    finally:
        fresh.close()


def test_workers_killed(logins):
    assert accepted(logins.login())
    assert kill_workers(logins)
    assert accepted(logins.login())
    assert logins.login(security="none").startswith(ALERT["imap"])


@pytest.mark.parametrize("path, line", [
    ("{missing}", "passdb postern: {missing}: cannot be read: No such file or directory"),
    ("{wrong}", "passdb postern: {wrong}:2: no such option 'hoem' in section dovecot; see policyd.conf(5)"),
    ("{ports}", "passdb postern: {ports}:1: dovecot.implicit_tls_ports: '0' is no number from 1 to 65535"),
    ("", f"passdb postern: write {dialect.OPTION} = FILE, with the path of policyd.conf"),
])
def test_wrong_setting_is_named(tmp_path, path, line):
    """When Dovecot starts, in its log."""
    paths = {name: tmp_path / f"{name}.conf" for name in ("missing", "wrong", "ports")}
    paths["wrong"].write_text('dovecot {\n    hoem = "/"\n}\n')
    paths["ports"].write_text("dovecot { implicit_tls_ports = {993, 0} }\n")
    let_others_enter(tmp_path)
    host = LoginHost(tmp_path)
    host.dovecot.drivers = dialect.driver("passdb", path.format(**paths))
    host.dovecot.prepare()
    try:
        host.dovecot.start()
        host.wait_log(f"Fatal: {line.format(**paths)}")
    finally:
        host.dovecot.stop()


def test_two_tables_do_not_mix(logins, tmp_path_factory):
    """Two passdbs, the same address in both, another password in each."""
    second = tmp_path_factory.mktemp("second")
    second.chmod(0o755)
    other = LoginHost(second)
    other.policyd.prepare()
    other.ctl("domain", "add", "example.com")
    for user in ("user", "late"):
        other.ctl("account", "add", f"{user}@example.com", "--password-stdin", stdin="second\n")
    fresh = make_host(tmp_path_factory, more=dialect.driver("passdb", other.policyd.config, "second")
                      + dialect.driver("userdb", other.policyd.config, "second"))
    host = next(fresh)
    try:
        for _ in range(2):
            assert accepted(host.login())
            assert accepted(host.login(password="second"))
            assert host.login(password="third") == MISMATCH["imap"]
            assert host.login("other@example.com", "second") == MISMATCH["imap"]
            assert host.login("late@example.com") == MISMATCH["imap"]
        host.ctl("account", "suspend", "user@example.com", "--reason", "x")
        assert host.login() == "NO [ALERT] Account suspended: x"
    finally:
        fresh.close()


def test_nothing_else_is_visible():
    """A module is loaded globally: a further name would shadow one of Dovecot's or of another module's."""
    names = run("nm", "-D", "--defined-only", driver()).stdout.split()[2::3]
    assert sorted(names) == ["authdb_postern_deinit", "authdb_postern_init", "authdb_postern_version"]
