# SPDX-License-Identifier: MIT
"""Events of accounts: each is told once, in order, whatever is killed in between; readers without rights follow."""

import json
import os
import pwd
import select
import sqlite3
import subprocess
from contextlib import closing

import pytest

from admin import ACCOUNTS, admin, alone  # noqa: F401  (fixtures)
from mailhost.policyd import USER, program
from mailhost.process import PATIENCE, is_waiting, wait_for

WHO = "user@example.com"


def told(admin, *options):
    """The events of an account, as policyctl shows them."""
    return [json.loads(line) for line in admin.ok("events", "--json", *options).splitlines()]


def kinds(admin, *options):
    return [event["kind"] for event in told(admin, *options)]


def wait_told(admin, *expected):
    wait_for(lambda: kinds(admin) == list(expected), f"the events {expected}, not {kinds(admin)}")


@pytest.fixture
def running(admin):  # noqa: F811
    """A table with accounts, and policyd running whatever the other fixture says."""
    admin.script(ACCOUNTS)
    if not admin.running:
        admin.policyd.start()
    return admin


def test_what_is_told(admin):  # noqa: F811
    """The same whether policyd did it or policyctl while it was away: then told as soon as it runs."""
    admin.script(ACCOUNTS)
    admin.ok("account", "suspend", WHO, "--reason", "stolen password", "--services", "smtp,imap", "--evidence",
             "7 networks", "--until", "2099-01-01")
    admin.ok("account", "release", WHO, "--require-new-password")
    admin.ok("account", "release", WHO, "--require-new-password")
    if not admin.running:
        assert told(admin) == []
        admin.policyd.start()
    wait_told(admin, "account_suspended", "account_released", "password_demanded")
    first = told(admin)[0]
    assert first.pop("until") > first.pop("time") > 0
    assert first == {"version": 1, "id": 1, "kind": "account_suspended", "account": WHO, "subject": None,
                     "services": "smtp,imap", "reason": "stolen password", "by": pwd.getpwuid(os.getuid()).pw_name,
                     "evidence": "7 networks"}
    assert kinds(admin, "--account", "other@example.com") == []
    assert kinds(admin, "--account", "User@Example.com", "--since", "1h") == kinds(admin)
    line = admin.ok("events").splitlines()[0]
    assert line[16:].startswith(f"  account_suspended   {WHO}  smtp,imap: stolen password; 7 networks; until ")


def test_killed_between_the_two(running):
    """Suspended, and killed at once, again and again: no event is lost, none comes twice."""
    expected = []
    for number in range(8):
        running.ok("account", "suspend", WHO, "--reason", str(number))
        running.policyd.kill()
        if number % 2:
            running.ok("account", "release", WHO)
            expected += [(str(number), "account_suspended"), (str(number), "account_released")]
        else:
            expected += [(str(number), "account_suspended")]
        running.policyd.start()
    wait_for(lambda: len(told(running)) >= len(expected), "all events")
    running.policyd.restart()
    assert [(event["reason"], event["kind"]) for event in told(running)] == expected


def test_a_reader_without_rights_follows(running):
    """As another user, who may read and not write: from now on, without what was before."""
    running.ok("account", "suspend", WHO, "--reason", "before")
    wait_told(running, "account_suspended")
    state = running.policyd.settings["state_db"]
    group = os.stat(state).st_gid
    follower = subprocess.Popen([program("policyctl"), "-c", running.policyd.config, "events", "--follow", "--json"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, user="daemon", group=group,
                                extra_groups=[])
    try:
        wait_for(lambda: state in os.popen(f"ls -l /proc/{follower.pid}/fd").read() and
                 is_waiting(follower.pid, "nanosleep"), "the reader to wait for more")
        for reason, kill in (("one", False), ("two", True), ("three", False)):
            running.ok("account", "suspend", WHO, "--reason", reason)
            if kill:
                running.policyd.kill()
                running.policyd.start()
            assert select.select([follower.stdout], [], [], PATIENCE)[0], "nothing came"
            assert json.loads(follower.stdout.readline())["reason"] == reason
    finally:
        follower.kill()
        assert follower.communicate()[1] == ""


def test_wrong_options(alone):  # noqa: F811
    alone.fails(2, "no time 'x': write 7d (s, m, h, d or w) or a date YYYY-MM-DD", "events", "--since", "x")
    alone.fails(2, "the address has no domain: x", "events", "--account", "x")


def test_accounts_db_keeps_nothing(running):
    """What state.db has is gone from the table that passed it on."""
    running.ok("account", "suspend", WHO, "--reason", "x")
    path = running.policyd.settings["accounts_db"]
    assert pwd.getpwnam(USER).pw_uid == os.stat(path).st_uid

    def left():
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM account_event").fetchone()[0]

    wait_told(running, "account_suspended")
    wait_for(lambda: left() == 0, "the event to be passed on")
