# SPDX-License-Identifier: MIT
"""Postfix's own look-ups from accounts.db, by socketmap: through postmap(1) and through whole deliveries."""

import re

import pytest

from conftest import is_accepted
from mailhost.policy import Socketmap
from mailhost.process import wait_for


def query(host, name, key):
    """The answer of a map as Postfix sees it: a set of addresses, or None."""
    value = host.postfix.postmap_query(key, f"socketmap:unix:postern/maps:{name}")
    return None if value is None else {word for word in re.split(r"[,\s]+", value) if word}


@pytest.mark.parametrize("name, key, value", [
    ("virtual_alias_maps", "info@domain1.com", {"you@domain1.com"}),
    ("virtual_alias_maps", "team@domain1.com", {"you@domain1.com", "john@domain1.com"}),
    ("virtual_alias_maps", "you@domain1.org", {"you@domain1.com"}),
    ("virtual_alias_maps", "@catchall.net", {"owner@catchall.net"}),
    ("virtual_alias_maps", "nobody@domain1.com", None),
    ("virtual_alias_maps", "domain1.com", None),
    ("smtpd_sender_login_maps", "you@domain1.com", {"you@domain1.com"}),
    ("smtpd_sender_login_maps", "info@domain1.com", {"you@domain1.com"}),
    ("smtpd_sender_login_maps", "team@domain1.com", None),
    ("smtpd_sender_login_maps", "staff@domain1.com", {"you@domain1.com", "john@domain1.com"}),
    ("smtpd_sender_login_maps", "nobody@domain1.com", None),
])
def test_answer(host, name, key, value):
    assert query(host, name, key) == value


@pytest.mark.parametrize("name, key, found", [
    ("virtual_mailbox_domains", "domain1.com", True),
    ("virtual_mailbox_domains", "DOMAIN1.com", True),
    ("virtual_mailbox_domains", "domain1.org", True),
    ("virtual_mailbox_domains", "customer.net", False),
    ("virtual_mailbox_domains", "elsewhere.net", False),
    ("virtual_mailbox_maps", "you@domain1.com", True),
    ("virtual_mailbox_maps", "o'brien@domain1.com", True),
    ("virtual_mailbox_maps", "nobody@domain1.com", False),
    ("relay_domains", "customer.net", True),
    ("relay_domains", "domain1.com", False),
])
def test_found(host, name, key, found):
    assert (query(host, name, key) is not None) == found


def test_unknown_map_is_an_error_not_an_absence(host):
    with Socketmap(host.policyd.sockets / "maps") as client:
        assert client.query("no_such_map", "you@domain1.com").startswith(("PERM ", "TEMP "))


def deliveries(host, reply):
    """Where the message of a reply went, from Postfix's log."""
    queue_id = reply.split()[-1]
    wait_for(lambda: f"{queue_id}: removed" in host.postfix.log_text(), f"{queue_id} to be delivered")
    return set(re.findall(rf" {queue_id}: to=<([^>]*)>", host.postfix.log_text()))


# Postfix asks a socketmap for the whole address only: extensions and catch-alls are policyd's to see to.
@pytest.mark.parametrize("recipient, mailboxes", [
    ("you@domain1.com", {"you@domain1.com"}),
    ("info@domain1.com", {"you@domain1.com"}),
    ("team@domain1.com", {"you@domain1.com", "john@domain1.com"}),
    ("john@domain1.org", {"john@domain1.com"}),
    ("anything@catchall.net", {"owner@catchall.net"}),
    ("you+shop@domain1.com", {"you+shop@domain1.com"}),
    ("you+shop@domain1.org", {"you+shop@domain1.com"}),
    ("info+shop@domain1.com", {"you+shop@domain1.com"}),
    ("owner+shop@catchall.net", {"owner+shop@catchall.net"}),
    ("anyone@customer.net", {"anyone@customer.net"}),
])
def test_delivery(host, mail, recipient, mailboxes):
    reply = mail.deliver("anna@sender.net", recipient)
    assert is_accepted(reply), reply
    assert deliveries(host, reply) == mailboxes


def test_catch_all_leaves_accounts_alone(host, mail):
    """An address that is an account of its own is not taken by the catch-all."""
    host.policyd.ctl("account", "add", "real@catchall.net", "--password-stdin", stdin="secret\n")
    try:
        reply = mail.deliver("anna@sender.net", "real@catchall.net")
        assert deliveries(host, reply) == {"real@catchall.net"}
    finally:
        host.policyd.ctl("account", "remove", "real@catchall.net")


def test_unknown_user(mail):
    assert mail.deliver("anna@sender.net", "nobody@domain1.com") == (
        "550 5.1.1 <nobody@domain1.com>: Recipient address rejected: User unknown in virtual mailbox table")


def test_other_domains_are_not_relayed(mail):
    assert mail.deliver("anna@sender.net", "someone@elsewhere.net") == (
        "454 4.7.1 <someone@elsewhere.net>: Relay access denied")


def test_policyd_away_is_temporary(host, mail):
    """Without policyd a look-up fails for now; no address is called unknown."""
    host.policyd.stop()
    try:
        for recipient in ("you@domain1.com", "nobody@domain1.com"):
            reply = mail.deliver("early@sender.net", recipient)
            assert reply.startswith("4"), reply
        with pytest.raises(RuntimeError):
            query(host, "virtual_mailbox_maps", "you@domain1.com")
    finally:
        host.policyd.start()
    assert is_accepted(mail.deliver("anna@sender.net"))
