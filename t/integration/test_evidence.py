# SPDX-License-Identifier: MIT
"""What led to a suspension: policyctl suspended and policyctl evidence, on one screen and for programs."""

import sqlite3
import time
from contextlib import closing

import pytest

from admin import ACCOUNTS, alone  # noqa: F401  (fixture)
from mailhost.process import wait_for

WHO = "user@example.com"
HOUR = 3600


def see(admin, seen):
    """Rows of state.db, as policyd writes them; it does not run meanwhile."""
    with closing(sqlite3.connect(admin.policyd.settings["state_db"])) as db, db:
        for table, rows in seen.items():
            for row in rows:
                db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)


@pytest.fixture
def stolen(alone):  # noqa: F811
    """Somebody logs in from elsewhere, sends as others, and the account is suspended."""
    now = int(time.time())
    alone.script(ACCOUNTS)
    see(alone, {
        "login": [(WHO, "ok", "imap", "PLAIN", "starttls", 143, "", "198.51.100.0/24", "", 0, 40, now - 50 * HOUR, now - 5 * HOUR),
                  (WHO, "ok", "imap", "PLAIN", "implicit", 993, "", "198.51.100.0/24", "", 0, 2, now - 9 * HOUR, now - 6 * HOUR),
                  (WHO, "ok", "smtp", "LOGIN", "starttls", 587, "", "203.0.113.0/24", "", 0, 1, now - 4 * HOUR, now - 4 * HOUR),
                  ("other@example.com", "ok", "smtp", "LOGIN", "none", 0, "", "192.0.2.0/24", "", 0, 1, now, now)],
        "sending": [(WHO, WHO, 12, 15, 9999, now - 50 * HOUR, now - 3 * HOUR)],
        "observation": [(WHO, "sender_login", "not owned", "x@victim.example", "203.0.113.0/24", "enforce", "account",
                         30, 0, 0, now - 3 * HOUR, now - 2 * HOUR, "553 5.7.1 No")]})
    alone.policyd.start()
    alone.ok("account", "suspend", WHO, "--reason", "stolen password", "--evidence", "2 networks, 30 refused senders")
    wait_for(lambda: "account_suspended" in alone.ok("evidence", WHO), "the event")
    return alone


def test_suspended(stolen):
    listed = stolen.json("suspended")
    assert abs(listed[0].pop("since") - time.time()) < 60
    assert listed == [{"address": WHO, "services": "all", "until": None, "reason": "stolen password", "by": "root",
                       "evidence": "2 networks, 30 refused senders"}]
    stolen.ok("account", "suspend", "other@example.com", "--reason", "x", "--services", "smtp", "--until", "2099-01-01")
    lines = stolen.ok("suspended").splitlines()
    assert lines[0].split() == ["ADDRESS", "SERVICES", "SINCE", "UNTIL", "REASON", "BY"]
    assert sorted(line.split()[0] for line in lines[1:]) == ["other@example.com", WHO]
    stolen.ok("account", "release", WHO)
    stolen.ok("account", "release", "other@example.com")
    assert stolen.json("suspended") == []


def test_evidence_on_one_screen(stolen):
    """In the order of time, the last on the bottom; the logins of one network and service together."""
    lines = stolen.ok("evidence", WHO).splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) < 80
    head, seen = " ".join(lines[:lines.index("")]), " ".join(line.strip() for line in lines[lines.index("") + 1:])
    for part in (WHO, "suspended           all", "reason              stolen password", "by                  root"):
        assert part in head
    order = ["login imap ok from 198.51.100.0/24 (42 times since ", "login smtp ok from 203.0.113.0/24",
             f"sent as <{WHO}> to 15 recipients (12 times since ",
             "refused sender_login: not owned as x@victim.example from 203.0.113.0/24",
             "account_suspended all: stolen password; 2 networks, 30 refused senders by"]
    places = [seen.find(part) for part in order]
    assert -1 not in places and places == sorted(places), seen
    assert "other@example.com" not in seen


def test_evidence_for_programs(stolen):
    told = stolen.json("evidence", WHO)
    assert (told["account"], told["suspended"], told["by"]) == (WHO, "all", "root")
    assert [entry["source"] for entry in told["seen"]] == ["event", "observation", "sending", "login", "login"]
    assert told["seen"][0]["evidence"] == "2 networks, 30 refused senders"
    assert told["seen"][1]["count"] == 30 and told["seen"][1]["sample"] == "553 5.7.1 No"
    assert [entry["source"] for entry in stolen.json("evidence", WHO, "--since", "1h")["seen"]] == ["event"]


def test_more_than_a_screen(stolen):
    for _ in range(20):
        stolen.ok("account", "suspend", WHO, "--reason", "again " * 10)
    wait_for(lambda: len(stolen.json("evidence", WHO)["seen"]) == 25, "the events")
    lines = stolen.ok("evidence", WHO).splitlines()
    assert "11 earlier ones: see --json" in lines and max(map(len, lines)) < 80


def test_nothing_seen(alone):  # noqa: F811
    alone.script(ACCOUNTS)
    assert alone.ok("suspended").split() == ["ADDRESS", "SERVICES", "SINCE", "UNTIL", "REASON", "BY"]
    lines = alone.ok("evidence", WHO).splitlines()
    assert lines[-1] == "nothing was seen" and "suspended           no" in lines
    alone.fails(1, "no account nobody@example.com", "evidence", "nobody@example.com")
