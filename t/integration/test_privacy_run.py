# SPDX-License-Identifier: MIT
"""Passwords and hashes are in nothing that servers write while people log in: logs, databases, dumps, cores."""

import os
import resource
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from login_host import accepted, make_host
from mailhost.mailbox import Imap
from mailhost.policyd import program
from mailhost.process import let_others_enter, wait_for

RIGHT, WRONG, NEXT = "Right-horse-7-battery", "Wrong-horse-8-battery", "Next-horse-9-battery"
USER = "private@example.com"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """policyd and Dovecot, every word that Dovecot can be made to say about logins in its log."""
    yield from make_host(tmp_path_factory, more="auth_debug = yes\nmail_debug = yes\n")


def hash_of(host):
    with closing(sqlite3.connect(f"file:{host.database}?mode=ro", uri=True)) as db:
        return db.execute("SELECT password FROM credential WHERE address = ?", (USER,)).fetchone()[0]


def files_of(directory):
    """Every file but the account table itself, whose rows are looked at one table after the other."""
    for path in directory.rglob("*"):
        if path.is_file() and not path.name.startswith("accounts.db"):
            yield str(path), path.read_bytes()


def tables_of(host):
    with closing(sqlite3.connect(f"file:{host.database}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'credential'"):
            yield table, repr(db.execute(f"SELECT * FROM {table}").fetchall()).encode()


def test_nothing_that_logins_leave_behind_holds_a_secret(host):
    secrets = {RIGHT, WRONG, NEXT}
    host.ctl("account", "add", USER, "--password-stdin", stdin=RIGHT + "\n")
    secrets.add(hash_of(host))
    for protocol in ("imap", "pop3"):
        for security in ("none", "starttls", "implicit"):
            reply = host.login(USER, RIGHT, protocol, security)
            assert accepted(reply) == (security != "none")
            assert not accepted(host.login(USER, WRONG, protocol, security))
            assert not accepted(host.login("nobody@example.com", WRONG, protocol, security))
    with Imap(host.dovecot.ports["imap"]) as imap:
        imap.starttls()
        assert not accepted(imap.login_cram(USER, RIGHT))
    host.ctl("account", "passwd", USER, "--password-stdin", stdin=NEXT + "\n")
    secrets.add(hash_of(host))
    assert accepted(host.login(USER, NEXT)) and not accepted(host.login(USER, RIGHT))
    host.ctl("account", "suspend", USER, "--reason", "stolen")
    assert not accepted(host.login(USER, NEXT))
    host.policyd.restart()
    host.dovecot.doveadm("user", USER, check=False)
    dump = subprocess.run([program("policyd"), "-T", "-c", host.policyd.config], capture_output=True, check=True).stdout
    secrets |= {secret.split("$")[-1] for secret in secrets if secret.startswith("{")}
    texts = [("dump", dump), *files_of(host.directory), *tables_of(host)]
    assert {"policyd.log", "dovecot.log", "state.db"} <= {where.rpartition("/")[2] for where, _ in texts}
    assert USER in host.dovecot.log_text()
    assert [(where, s) for where, text in texts for s in secrets if s.encode() in text] == []


def unlimited():
    """A process that crashes may leave a core."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def core_left_by(child, directory):
    """Crashes it; whether there is a core, by the kernel's word or as a file."""
    os.kill(child.pid, signal.SIGSEGV)
    _, status = os.waitpid(child.pid, 0)
    child.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    return os.WCOREDUMP(status) or any(path.name.startswith("core") for path in directory.iterdir())


@pytest.fixture
def place(tmp_path):
    """Where a core would lie."""
    let_others_enter(tmp_path)
    tmp_path.chmod(0o777)
    return tmp_path


def test_this_machine_does_write_cores(place):
    """Else the next two would show nothing."""
    with subprocess.Popen(["sleep", "60"], cwd=place, preexec_fn=unlimited) as child:
        wait_for(lambda: sleeps(child.pid, b"sleep"), "sleep to sleep")
        assert core_left_by(child, place)


def test_policyd_leaves_no_core(host, place):
    host.policyd.stop()
    try:
        with subprocess.Popen([program("policyd"), "-f", "-c", host.policyd.config], cwd=place,
                              preexec_fn=unlimited) as child:
            wait_for(host.policyd.answers, "policyd")
            assert not core_left_by(child, place)
    finally:
        host.policyd.start()


def test_policyctl_leaves_no_core(host, place):
    """While it waits for the rest of a password."""
    argv = [program("policyctl"), "-c", host.policyd.config, "account", "passwd", "user@example.com",
            "--password-stdin"]
    with subprocess.Popen(argv, cwd=place, preexec_fn=unlimited, stdin=subprocess.PIPE) as child:
        child.stdin.write(RIGHT.encode())
        child.stdin.flush()
        wait_for(lambda: sleeps(child.pid, b"policyctl"), "policyctl to read")
        assert not core_left_by(child, place)
        child.stdin.close()


def sleeps(pid, program_name):
    """It is that program, has read what there is, and sleeps."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        state = stat.read().rpartition(")")[2].split()[0]
    with open(f"/proc/{pid}/cmdline", "rb") as command:
        return state == "S" and program_name in command.read()
