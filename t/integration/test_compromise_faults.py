# SPDX-License-Identifier: MIT
"""What policyd knows of how an account sends, under faults: killed in the middle, a lock that another holds."""

import re
import sqlite3
from contextlib import closing

import pytest

from admin import make_admin
from mailhost.policy import PolicyClient, end_of_message
from mailhost.process import wait_for

LOGIN = "user@example.com"
UNKEPT_MOST = 4  # recipients, of a message that is answered before state.db has it


@pytest.fixture
def admin(tmp_path_factory):
    """policyd with the check in mode hold."""
    for one in make_admin(tmp_path_factory, True):
        one.script(f"domain add example.com\naccount add {LOGIN}\npolicy set compromise hold --account {LOGIN}")
        yield one


def send(client, messages, recipients=1):
    """The replies to messages of those numbers."""
    return [client.ask(**end_of_message(LOGIN, n, recipient_count=str(recipients))) for n in messages]


def known(admin):
    """The recipients of the last hour that state.db knows of."""
    signals = admin.json("who", LOGIN)["compromise"]["signals"]
    return next((row["measure"] for row in signals if row["signal"] == "rate"), 0)


def microseconds(admin, count):
    """How long each decision took, once the lines of so many are there."""
    def logged():
        return re.findall(r"state=END-OF-MESSAGE .* us=(\d+)", admin.policyd.log_text())

    wait_for(lambda: len(logged()) == count, f"{count} lines")
    return [int(us) for us in logged()]


@pytest.mark.parametrize("messages", [35, 38])
def test_killed(admin, messages):
    """What was answered is not forgotten, but for a few."""
    with PolicyClient(admin.policyd.policy_socket) as client:
        assert send(client, range(messages)) == ["DUNNO"] * messages
        admin.policyd.kill()
    admin.policyd.start()
    assert messages - UNKEPT_MOST <= known(admin) <= messages


def test_a_lock_that_another_holds(admin):
    """Replies wait for it no longer than the writer does, and what was not written is so afterwards."""
    with PolicyClient(admin.policyd.policy_socket) as client:
        with closing(sqlite3.connect(admin.policyd.settings["state_db"], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert send(client, range(UNKEPT_MOST)) == ["DUNNO"] * UNKEPT_MOST
            assert send(client, [UNKEPT_MOST], recipients=30) == ["DUNNO"]
            *early, last = microseconds(admin, UNKEPT_MOST + 1)
            assert min(early) < 1000000 < last, (early, last)
            other.execute("ROLLBACK")
        admin.policyd.wait_log(f"behaviour of {LOGIN} not written")
        wait_for(lambda: known(admin) == UNKEPT_MOST + 30, "what was not written")
    admin.policyd.wait_log("behaviours are written again")
