# SPDX-License-Identifier: MIT
"""Counters under faults: killed in the middle, restarted, a disk that is full, a lock that another holds."""

import json
import os
import sqlite3
import subprocess
import threading
from contextlib import closing, contextmanager

import pytest

from admin import Admin
from mailhost.policy import PolicyClient, end_of_message
from mailhost.process import let_others_enter, wait_for

LOGIN, CLIENTS, REFUSED = "user@example.com", 16, "450 4.7.1 Sending limit reached: "
ACCOUNT = """
account add {0}
limit set messages=1000000,recipients=1000000/1d --account {0}
"""


@contextmanager
def running(directory, **settings):
    """A policyd of its own."""
    let_others_enter(directory)
    admin = Admin(directory, running=False)
    admin.policyd.configure(**settings)
    admin.start()
    admin.script("domain add example.com\npolicy set send_limit enforce --yes" + ACCOUNT.format(LOGIN))
    admin.policyd.start()
    try:
        yield admin
    finally:
        if admin.policyd.running():
            admin.policyd.stop()


@pytest.fixture
def admin(tmp_path):
    """policyd with its databases on an ordinary disk."""
    with running(tmp_path) as one:
        yield one


@pytest.fixture
def small_disk(tmp_path):
    """policyd with state.db on a disk of three megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs", disk], check=True)
    try:
        with running(tmp_path, state_db=str(disk / "state.db")) as one:
            yield one, disk
    finally:
        subprocess.run(["umount", disk], check=True)


def messages_sent(admin, login=LOGIN, key=None):
    """What the table says of the day: the account's, or of another key that counts with it."""
    rows = json.loads(admin.ok("limit", "show", login, "--json"))
    return next(row["messages"]["sent"] for row in rows
                if row["window"] == "1d" and row["key"] == (key or f"account {login}"))


class Sender(threading.Thread):
    """Asks one message of its login after the other, each until it is answered, as Postfix does; counts the answers."""

    def __init__(self, admin, login, stop):
        super().__init__(daemon=True)
        self.admin, self.login, self.stop_now = admin, login, stop
        self.answered = self.resent = 0

    def run(self):
        client = None
        while not self.stop_now.is_set():
            try:
                client = client or PolicyClient(self.admin.policyd.policy_socket, timeout=20)
                assert client.ask(**end_of_message(self.login, self.answered)) == "DUNNO"
            except OSError:
                client, self.resent = None, self.resent + 1
                self.stop_now.wait(0.01)
                continue
            self.answered += 1


def test_killed_in_the_middle(admin):
    """Each message counts once: those that were answered, and those asked again because they were not.

    Each sends as a login of its own: of one, more could be counted before a message comes again than are remembered."""
    stop = threading.Event()
    logins = [f"user{i}@example.com" for i in range(CLIENTS)]
    admin.script("limit set messages=1000000/1d --per host\n" + "".join(ACCOUNT.format(login) for login in logins))
    senders = [Sender(admin, login, stop) for login in logins]
    for sender in senders:
        sender.start()
    for _ in range(6):
        before = sum(sender.answered for sender in senders)
        wait_for(lambda: sum(sender.answered for sender in senders) > before + 300, "messages to be answered")
        admin.policyd.kill()
        admin.policyd.start()
    before = [sender.answered for sender in senders]
    wait_for(lambda: all(s.answered > b for s, b in zip(senders, before)), "each to be answered again")
    stop.set()
    for sender in senders:
        sender.join()
    assert sum(sender.resent for sender in senders) >= 6
    assert [messages_sent(admin, login) for login in logins] == [sender.answered for sender in senders]
    assert messages_sent(admin, logins[0], "host") == sum(sender.answered for sender in senders)
    assert sqlite_check(admin) == "ok"


def sqlite_check(admin):
    admin.policyd.stop()
    try:
        with closing(sqlite3.connect(admin.policyd.settings["state_db"])) as state:
            return state.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        admin.policyd.start()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_limits_survive_a_restart(admin, end):
    admin.ok("limit", "set", "messages=3/1d", "--account", LOGIN)
    with PolicyClient(admin.policyd.policy_socket) as client:
        assert [client.ask(**end_of_message(LOGIN, n)) for n in range(3)] == ["DUNNO"] * 3
    getattr(admin.policyd, end)()
    admin.policyd.start()
    with PolicyClient(admin.policyd.policy_socket) as client:
        assert client.ask(**end_of_message(LOGIN, 2)) == "DUNNO"  # the last one again
        assert client.ask(**end_of_message(LOGIN, 3)).startswith(REFUSED + "user@example.com may send 3 messages in 1 day")


def test_what_may_be_missing_is_said(admin):
    """Between a kill and the next start it is in the log alone."""
    with PolicyClient(admin.policyd.policy_socket) as client:
        assert [client.ask(**end_of_message(LOGIN, n)) for n in range(3)] == ["DUNNO"] * 3
    admin.policyd.kill()
    done = admin.run("limit", "show", LOGIN)
    assert done.returncode == 0
    assert done.stderr.startswith(f"policyctl: what was sent last may be missing: {admin.policyd.settings['control_socket']}")
    admin.policyd.start()
    assert messages_sent(admin) == 3


def test_a_full_disk(small_disk):
    """Mail passes and is counted in memory, an alarm is raised, and nothing of it is lost when there is room again."""
    admin, disk = small_disk
    admin.ok("limit", "set", "messages=100000/1d", "--account", LOGIN)
    with PolicyClient(admin.policyd.policy_socket) as client:
        assert client.ask(**end_of_message(LOGIN, 0)) == "DUNNO"
        with open(disk / "filler", "wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(b"x" * 4096)
        number = 1
        while "limits are counted in memory only" not in admin.policyd.log_text():
            assert client.ask(**end_of_message(LOGIN, number)) == "DUNNO"
            number += 1
            assert number < 5000
        admin.ok("limit", "set", f"messages={number + 3}/1d", "--account", LOGIN)
        replies = [client.ask(**end_of_message(LOGIN, 10000 + n)) for n in range(5)]
        assert replies[:3] == ["DUNNO"] * 3 and all(reply.startswith(REFUSED) for reply in replies[3:])
        assert admin.policyd.log_text().count("limits are counted in memory only") == 1
        os.unlink(disk / "filler")
        admin.policyd.wait_log("state.db is written again, with what was counted meanwhile")
        assert messages_sent(admin) == number + 3


def test_a_lock_that_another_holds(admin):
    """Counting does not wait for it, and all of it is in state.db afterwards."""
    with PolicyClient(admin.policyd.policy_socket) as client:
        with closing(sqlite3.connect(admin.policyd.settings["state_db"], isolation_level=None)) as other:
            admin.ok("limit", "set", "messages=3/1d", "--account", LOGIN)
            other.execute("BEGIN IMMEDIATE")
            assert [client.ask(**end_of_message(LOGIN, n)) for n in range(3)] == ["DUNNO"] * 3
            assert client.ask(**end_of_message(LOGIN, 3)).startswith(REFUSED)
            admin.policyd.wait_log("nothing was changed")  # the writer's alarm
            other.execute("ROLLBACK")
        wait_for(lambda: messages_sent(admin) == 3, "the counts to be written")
    assert "limits are counted in memory only" not in admin.policyd.log_text()


def written_back(path, query):
    """What a database itself says, without its log."""
    try:
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
            return db.execute(query).fetchone()[0]
    except sqlite3.DatabaseError:  # it is being written
        return None


def test_a_power_cut_takes_seconds(admin):
    """Of a host where little happens too, both logs are written back soon."""
    admin.ok("account", "suspend", LOGIN, "--reason", "stolen")
    for database, query in (("accounts_db", "SELECT count(*) FROM account WHERE suspended IS NOT NULL"),
                            ("state_db", "SELECT count(*) FROM event WHERE kind = 'account_suspended'")):
        wait_for(lambda db=admin.policyd.settings[database], q=query: written_back(db, q) == 1, database)


def test_state_db_away(admin):
    """Who is not known from before is counted in memory, from nothing, until state.db is back."""
    state = admin.policyd.settings["state_db"]
    admin.ok("limit", "set", "messages=2/1d", "--account", LOGIN)
    os.rename(state, state + ".away")
    with PolicyClient(admin.policyd.policy_socket) as client:
        assert [client.ask(**end_of_message(LOGIN, n)) for n in range(2)] == ["DUNNO"] * 2
        admin.policyd.wait_log("limits are counted in memory only")
        assert client.ask(**end_of_message(LOGIN, 2)).startswith(REFUSED)
        os.rename(state + ".away", state)
        assert client.ask(**end_of_message(LOGIN, 3)) == "DUNNO"
    admin.policyd.wait_log("counting goes on: what was counted in memory is dropped")
    assert messages_sent(admin) == 1
