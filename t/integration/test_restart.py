# SPDX-License-Identifier: MIT
"""policyd killed, restarted and reloaded while mail flows: nothing wrongly accepted, and nothing refused for good."""

import pytest

from conftest import is_accepted
from mailhost.load import MailLoad
from mailhost.process import wait_for

HONEST = "anna{n}@sender.net"
FORGED = "user{n}@domain1.com"
REFUSED = f"554 5.7.1 <{FORGED}>: Sender address rejected: SMTP AUTH is required for users under this sender domain"


@pytest.fixture(autouse=True, scope="module")
def enforced(module_mode):
    module_mode("sender_auth", "enforce")


@pytest.fixture
def load(host):
    """Honest and forged mail side by side."""
    with MailLoad(host.port("smtp"), (HONEST, FORGED), "john@domain1.com") as running:
        running.wait_for_more(8)
        yield running


@pytest.fixture
def held_sockets(host):
    """policyd runs on sockets that somebody else holds, as under systemd.  Postfix waits for as long as the disk may
    make a stop take."""
    host.set_patience(100)
    host.postfix.reload()
    host.policyd.stop()
    host.policyd.hold_sockets()
    host.policyd.start()
    yield
    host.policyd.stop()
    host.policyd.release_sockets()
    host.policyd.start()
    host.set_patience(10)
    host.postfix.reload()


def deferred(load):
    """How many messages were told to wait."""
    return sum(reply.startswith("4") for replies in load.replies.values() for reply in list(replies))


def test_killed_without_socket_activation(host, load):
    """While it is away mail waits with a temporary reply; forged mail never slips through."""
    for _ in range(3):
        host.policyd.kill()
        before = deferred(load)
        wait_for(lambda: deferred(load) > before, "mail to be told to wait")
        host.policyd.start()
        load.wait_for_more(12)
    assert {r for r in load.replies[FORGED] if not r.startswith("4")} == {REFUSED}
    assert all(is_accepted(r) or r.startswith("4") for r in load.replies[HONEST])
    wait_for(lambda: is_accepted(load.replies[HONEST][-1]), "honest mail to be accepted again")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_restarted_with_socket_activation(host, held_sockets, load, end):
    """Nobody notices: requests wait in the socket that is held."""
    for _ in range(10):
        getattr(host.policyd, end)()
        host.policyd.start()
        load.wait_for_more(12)
    assert [r for r in load.replies[HONEST] if not is_accepted(r)] == []
    assert set(load.replies[FORGED]) == {REFUSED}


def test_reloaded_under_load(host, load):
    pid = host.policyd.pid
    for _ in range(100):
        host.policyd.reload()
        load.wait_for_more(1)
    assert host.policyd.running() and host.policyd.pid == pid
    assert [r for r in load.replies[HONEST] if not is_accepted(r)] == []
    assert set(load.replies[FORGED]) == {REFUSED}


def test_bad_configuration_keeps_the_old_one(host, load):
    host.policyd.config.write_text("no_such_key = 1\n")
    try:
        host.policyd.reload()
        host.policyd.wait_log("no_such_key")
        load.wait_for_more(8)
    finally:
        host.policyd.write_config()
        host.policyd.reload()
    assert [r for r in load.replies[HONEST] if not is_accepted(r)] == []
    assert set(load.replies[FORGED]) == {REFUSED}


def test_change_counts_at_once(host, mail):
    """What policyctl has reported done holds for the next request."""
    entry = ("--sender", "you@domain1.com", "--client", "127.0.0.2/32")
    for _ in range(20):
        host.policyd.ctl("list", "allow", *entry)
        assert is_accepted(mail.deliver("you@domain1.com"))
        host.policyd.ctl("list", "remove", "allow", *entry)
        assert mail.deliver("you@domain1.com") == REFUSED.replace(FORGED, "you@domain1.com")
