# SPDX-License-Identifier: MIT
"""Who may send as whom, through the submission service: every way an address can belong to a login."""

from contextlib import contextmanager

import pytest

from conftest import is_accepted


@pytest.fixture(autouse=True, scope="module")
def enforced(module_mode):
    module_mode("sender_login", "enforce")


def refusal(login, sender):
    return (f"553 5.7.1 <{sender}>: Sender address rejected: You are logged in as {login}, "
            f"which may not send as {sender}")


@contextmanager
def grant(host, who, what):
    host.policyd.ctl("grant", "add", who, what)
    try:
        yield
    finally:
        host.policyd.ctl("grant", "remove", who, what)


@pytest.mark.parametrize("login, sender", [
    ("you@domain1.com", "you@domain1.com"),
    ("you@domain1.com", "YOU@Domain1.COM"),
    ("you@domain1.com", "info@domain1.com"),
    ("you@domain1.com", "you@domain1.org"),
    ("you@domain1.com", "info@domain1.org"),
    ("you@domain1.com", "you+shop@domain1.com"),
    ("you@domain1.com", "info+shop@domain1.org"),
    ("you@domain1.com", "staff@domain1.com"),
    ("john@domain1.com", "staff@domain1.com"),
    ("owner@catchall.net", "anything@catchall.net"),
    ("you@domain1.com", "prvs=1234567890=you@domain1.com"),
    ("you@domain1.com", ""),
    ("o'brien@domain1.com", "o'brien@domain1.com"),
    ("jürgen@domain1.com", "jürgen@domain1.com"),
])
def test_may_send(mail, login, sender):
    with mail.dialogue(login) as smtp:
        if sender.isascii():
            assert is_accepted(smtp.message(sender, "someone@elsewhere.net"))
        else:
            assert smtp.command(f"MAIL FROM:<{sender}> SMTPUTF8").startswith("250")
            assert smtp.command("RCPT TO:<someone@elsewhere.net>").startswith("250")
            assert is_accepted(smtp.data())


@pytest.mark.parametrize("login, sender", [
    ("you@domain1.com", "john@domain1.com"),
    ("john@domain1.com", "info@domain1.com"),
    ("john@domain1.com", "info@domain1.org"),
    ("you@domain1.com", "team@domain1.com"),
    ("you@domain1.com", "you@domain2.net"),
    ("you@domain1.com", "nobody@domain1.com"),
    ("you@domain1.com", "you@elsewhere.net"),
    ("you@domain1.com", "you@sub.domain1.com"),
    ("you@domain1.com", "anything@catchall.net"),
    ("you@domain1.com", "owner@catchall.net"),
    ("you@domain1.com", "prvs=1234567890=john@domain1.com"),
    ("you@domain1.com", "%@domain1.com"),
    ("you@domain1.com", "y_u@domain1.com"),
    ("you@domain1.com", "*@domain1.com"),
    ("you@domain1.com", "x'or'1'='1@domain1.com"),
])
def test_may_not_send(mail, login, sender):
    assert mail.submit(login, sender) == refusal(login, sender)


def test_granted_address(host, mail):
    with grant(host, "john@domain1.com", "boss@partner.net"):
        assert is_accepted(mail.submit("john@domain1.com", "boss@partner.net"))
        assert mail.submit("you@domain1.com", "boss@partner.net") == refusal("you@domain1.com", "boss@partner.net")
    assert mail.submit("john@domain1.com", "boss@partner.net") == refusal("john@domain1.com", "boss@partner.net")


def test_granted_domain(host, mail):
    with grant(host, "john@domain1.com", "@partner.net"):
        assert is_accepted(mail.submit("john@domain1.com", "any@partner.net"))
        assert mail.submit("john@domain1.com", "any@sub.partner.net") == refusal("john@domain1.com",
                                                                                "any@sub.partner.net")


def test_granted_everything(host, mail):
    with grant(host, "john@domain1.com", "*"):
        assert is_accepted(mail.submit("john@domain1.com", "any@thing.net"))
        assert is_accepted(mail.submit("john@domain1.com", "you@domain1.com"))


def test_granted_to_a_domain(host, mail):
    with grant(host, "@domain1.com", "office@partner.net"):
        assert is_accepted(mail.submit("you@domain1.com", "office@partner.net"))
        assert is_accepted(mail.submit("john@domain1.com", "office@partner.net"))
        login = "other-address@domain2.net"
        assert mail.submit(login, "office@partner.net") == refusal(login, "office@partner.net")


def test_catch_all_does_not_cover_accounts(host, mail):
    """The owner of a catch-all has the addresses that do not exist otherwise, and no other."""
    host.policyd.ctl("account", "add", "real@catchall.net", "--password-stdin", stdin="secret\n")
    try:
        assert mail.submit("owner@catchall.net", "real@catchall.net") == refusal("owner@catchall.net",
                                                                                "real@catchall.net")
    finally:
        host.policyd.ctl("account", "remove", "real@catchall.net")
    assert is_accepted(mail.submit("owner@catchall.net", "real@catchall.net"))


def test_extension_is_never_another_account(host, mail):
    """With "-" as the delimiter john-smith reads as john with an extension, but is a mailbox of its own."""
    host.policyd.configure(recipient_delimiter="-")
    try:
        host.policyd.ctl("reload")
        assert is_accepted(mail.submit("john@domain1.com", "john-lists@domain1.com"))
        assert mail.submit("john@domain1.com", "john-smith@domain1.com") == refusal("john@domain1.com",
                                                                                   "john-smith@domain1.com")
        assert mail.submit("john@domain1.com", "john-smith@domain1.org") == refusal("john@domain1.com",
                                                                                   "john-smith@domain1.org")
        assert is_accepted(mail.submit("john-smith@domain1.com", "john-smith@domain1.com"))
    finally:
        host.policyd.configure(recipient_delimiter="+")
        host.policyd.ctl("reload")
    assert mail.submit("john@domain1.com", "john-lists@domain1.com") == refusal("john@domain1.com",
                                                                               "john-lists@domain1.com")
