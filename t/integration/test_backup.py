# SPDX-License-Identifier: MIT
"""policyctl backup: a copy of one moment that replaces the earlier one in one step, and that can be put back."""

import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from admin import ACCOUNTS, Admin, admin  # noqa: F401  (fixture)
from login_host import LoginHost, accepted
from mailhost.policy import PolicyClient, end_of_message
from mailhost.policyd import USER, program
from mailhost.process import let_others_enter, run, sanitizers, wait_for
from test_manual import TOP


@pytest.fixture
def to(tmp_path):
    """A directory for backups."""
    directory = tmp_path / "backups"
    directory.mkdir(mode=0o700)
    return directory


def rows(path, sql):
    """What a copy says, read as anything reads a file of SQLite's."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return db.execute(sql).fetchall()


def addresses(path):
    """The accounts in a copy."""
    return {address for (address,) in rows(path, "SELECT address FROM account")}


def test_both_databases(admin, to):  # noqa: F811
    admin.script(ACCOUNTS)
    counted = 0
    if admin.running:  # counted a moment ago, and not in state.db by itself yet
        with PolicyClient(admin.policyd.policy_socket) as client:
            admin.ok("limit", "set", "messages=10/1d", "--account", "user@example.com")
            assert client.ask(**end_of_message("user@example.com", 1)) == "DUNNO"
        counted = 1
    said = admin.ok("backup", to / "accounts", to / "state").splitlines()
    for line, name, path in zip(said, ("accounts", "state"), (admin.policyd.settings["accounts_db"],
                                                              admin.policyd.settings["state_db"])):
        copy = to / name
        assert line == f"{copy}: holds {path}, {copy.stat().st_size} octets"
        assert (copy.stat().st_mode & 0o7777, copy.stat().st_uid) == (0o600, 0)
    assert addresses(to / "accounts") == {"user@example.com", "other@example.com"}
    assert rows(to / "state", "SELECT count(*) FROM usage") == [(counted,)]
    assert sorted(os.listdir(to)) == ["accounts", "state"]


def test_the_earlier_one_is_replaced(admin, to):  # noqa: F811
    copy = to / "accounts"
    admin.script(ACCOUNTS)
    admin.ok("backup", copy)
    (to / "accounts.new").write_text("what a killed one left")
    (to / "accounts.new-journal").write_text("likewise")
    before = copy.stat().st_ino
    admin.script("account add third@example.com")
    assert "third@example.com" not in addresses(copy)
    admin.ok("backup", copy)
    assert copy.stat().st_ino != before and "third@example.com" in addresses(copy)
    assert os.listdir(to) == ["accounts"]


def test_refused(admin, to):  # noqa: F811
    database = admin.policyd.settings["accounts_db"]
    before = Path(database).read_bytes()
    for name in ("accounts.db", "accounts.db-wal", "state.db", "copy"):
        target = Path(database).with_name(name)
        admin.fails(2, f"{target}: lies beside {database}: name a file in another directory", "backup", target)
        admin.fails(2, f"{target}: lies beside {database}: name a file in another directory", "backup", to / "a", target)
    assert Path(database).read_bytes() == before and os.listdir(to) == []
    admin.fails(2, f"{to}/a: given twice: each database needs a file of its own", "backup", to / "a", to / "a")
    admin.fails(1, f"{to}: not a regular file", "backup", to)
    admin.fails(1, f"{to}/none: No such file or directory", "backup", to / "none" / "a")
    (to / "link").symlink_to("elsewhere")
    admin.fails(1, f"{to}/link: not a regular file", "backup", to / "link")
    assert os.listdir(to) == ["link"]


def test_a_full_disk(admin, tmp_path):  # noqa: F811
    """The earlier backup stays, and nothing beside it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    admin.script(ACCOUNTS)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        admin.ok("backup", disk / "accounts")
        before = (disk / "accounts").read_bytes()
        (disk / "filler").write_bytes(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - 65536))
        admin.script("account add third@example.com")
        done = admin.run("backup", disk / "accounts")
        assert done.returncode == 1 and done.stderr.startswith(f"policyctl: {disk}/accounts.new: not made: "), done.stderr
        assert sorted(os.listdir(disk)) == ["accounts", "filler"]
        assert (disk / "accounts").read_bytes() == before
        (disk / "filler").unlink()
        admin.ok("backup", disk / "accounts")
        assert "third@example.com" in addresses(disk / "accounts")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("call", ["openat", "pwrite64", "fsync", "rename", "unlink", "fdatasync"])
def test_killed(admin, to, call):  # noqa: F811
    """At the first such call and at each that follows: the earlier backup, or the new one."""
    copy, number, killed = to / "accounts", 0, True
    admin.script(ACCOUNTS)
    admin.ok("backup", copy)
    while killed and number < 40:
        number += 1
        before = copy.read_bytes()
        admin.script(f"domain add d{number}.example")
        done = run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                   f"inject={call}:signal=KILL:when={number}", program("policyctl"), "-c", admin.policyd.config,
                   "backup", copy, env=sanitizers("detect_leaks=0"), check=False)  # strace looks into it already
        killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        assert killed or done.returncode == 0
        if not killed or copy.read_bytes() != before:
            assert (f"d{number}.example",) in rows(copy, "SELECT name FROM domain")
        assert set(os.listdir(to)) <= {"accounts", "accounts.new", "accounts.new-journal"}
        admin.ok("backup", copy)
        assert os.listdir(to) == ["accounts"]
    assert number > 1 or call == "fdatasync"


def test_while_accounts_are_added(tmp_path, to):
    """Each of many copies is whole, and has at least what had been acknowledged before it was made."""
    let_others_enter(tmp_path)
    one, told, stop = Admin(tmp_path / "ctl", running=True), [], threading.Event()
    (tmp_path / "ctl").mkdir(mode=0o755)

    def add():
        while not stop.is_set():
            address = f"user{len(told)}@example.com"
            one.ok("account", "add", address, "--password-stdin", stdin="secret\n")
            told.append(address)
    one.start()
    try:
        one.ok("domain", "add", "example.com")
        adder = threading.Thread(target=add)
        adder.start()
        for _ in range(20):
            count = len(told)
            one.ok("backup", to / "accounts")
            assert set(told[:count]) <= addresses(to / "accounts")
        stop.set()
        adder.join()
        assert len(told) > 1
    finally:
        stop.set()
        one.policyd.stop()


# -- putting it back

def recipe():
    """The commands of the manual."""
    text = (TOP / "doc" / "policyctl.1").read_text()
    section = re.search(r"^\.Sh BACKUPS$(.*?)^\.Sh ", text, re.S | re.M).group(1)
    return re.search(r"^\.Bd .*?$\n(.*?)^\.Ed$", section, re.S | re.M).group(1)


def test_put_back_as_the_manual_says(tmp_path, to):
    """policyd and Dovecot go by the restored table; the log of the one that was given up spoils nothing."""
    let_others_enter(tmp_path)
    host = LoginHost(tmp_path)
    host.prepare()
    lib = tmp_path / "policyd" / "lib"
    owner = pwd.getpwnam(USER)
    host.start()
    try:
        host.ctl("backup", to / "accounts")
        host.ctl("account", "add", "late@example.com", "--password-stdin", stdin="secret\n")
        host.ctl("account", "suspend", "user@example.com", "--reason", "stolen")
        assert not accepted(host.login()) and accepted(host.login("late@example.com"))
        host.policyd.kill()  # all of that is in the log
        assert (lib / "accounts.db-wal").stat().st_size > 0
        script = (recipe().replace("/var/lib/postern", str(lib)).replace("FILE", str(to / "accounts"))
                  .replace("-o postern -g postern", f"-o {USER} -g {owner.pw_gid}"))
        lines = script.splitlines()
        assert lines[0].startswith("systemctl stop") and lines[-1] == "systemctl start policyd.service"
        run("sh", "-ec", "\n".join(lines[1:-1]))
        assert accepted(host.login())  # the table can be read before policyd has had it
        host.policyd.start()
        assert accepted(host.login()) and not accepted(host.login("late@example.com"))
        assert "late@example.com" not in host.ctl("account", "list").stdout
        host.ctl("account", "suspend", "user@example.com", "--reason", "again")
        wait_for(lambda: not accepted(host.login()), "the suspension")
        assert rows(lib / "accounts.db", "SELECT suspended_reason FROM account WHERE suspended IS NOT NULL") == [("again",)]
        wait_for(lambda: "again" in host.ctl("events").stdout, "the event, which state.db is told of after it")
    finally:
        host.stop()


def test_of_an_earlier_version(admin, to):  # noqa: F811
    """Before it is brought up to date: what was given up would be the only copy."""
    admin.policyd.stop()
    path = admin.policyd.settings["accounts_db"]
    with closing(sqlite3.connect(path)) as db:
        newest = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {newest - 1}")
    for part in Path(path).parent.glob("accounts.db-*"):
        shutil.chown(part, USER, pwd.getpwnam(USER).pw_gid)
    assert admin.run("account", "list").returncode == 3
    admin.ok("backup", to / "accounts")
    assert rows(to / "accounts", "PRAGMA user_version") == [(newest - 1,)]
