# SPDX-License-Identifier: MIT
"""Debian's submission services with the ready files of contrib/postfix, on 587 (STARTTLS) and 465 (TLS)."""

import pytest

from conftest import is_accepted
from mailhost.smtp import Smtp

SERVICES = ["submission", "submissions"]


def suspended(reason, sender):
    return f"554 5.7.1 <{sender}>: Sender address rejected: Account suspended: {reason}"


@pytest.mark.parametrize("service", SERVICES)
def test_helo_rules_never_meet_users(mail, mode, service):
    """A mail program's HELO is a bare or made-up name; nobody is refused for it."""
    for check in ("helo_fqdn", "helo_resolve", "helo_self"):
        mode(check, "enforce")
    for helo in ("laptop", "iphone.local", "[192.168.1.20]", "no-such-name.mydomain.com", "mx.postern.example"):
        with mail.dialogue("you@domain1.com", service, helo) as smtp:
            assert is_accepted(smtp.message("you@domain1.com", "someone@elsewhere.net")), helo


@pytest.mark.parametrize("service", SERVICES)
def test_without_login_nothing_passes(host, service):
    with Smtp(host.port(service), tls=service == "submissions") as smtp:
        smtp.command("EHLO [127.0.0.2]")
        if service == "submission":
            smtp.starttls()
            smtp.command("EHLO [127.0.0.2]")
        assert smtp.message("anna@sender.net", "someone@elsewhere.net") == (
            "554 5.7.1 <someone@elsewhere.net>: Recipient address rejected: Access denied")


@pytest.mark.parametrize("service", SERVICES)
def test_suspended_in_mid_session(host, mail, service):
    """A session that logged in before the suspension is refused at its next request."""
    login = "you@domain1.com"
    with mail.dialogue(login, service) as smtp:
        assert is_accepted(smtp.message(login, "someone@elsewhere.net"))
        host.policyd.ctl("account", "suspend", login, "--reason", "stolen password")
        try:
            assert smtp.message(login, "someone@elsewhere.net") == suspended("stolen password", login)
        finally:
            host.policyd.ctl("account", "release", login)
        assert is_accepted(smtp.message(login, "someone@elsewhere.net"))


def test_release_is_not_for_the_session_of_the_thief(host, mail):
    """Where another password is demanded, a session that logged in with the old one stays shut."""
    login = "you@domain1.com"
    with mail.dialogue(login, "submission") as smtp:
        host.policyd.ctl("account", "suspend", login, "--reason", "stolen password")
        host.policyd.ctl("account", "release", login, "--require-new-password")
        try:
            assert smtp.message(login, "someone@elsewhere.net") == suspended(
                "this password must not be used any more, set a new one", login)
            assert is_accepted(mail.deliver("anna@sender.net", login))
        finally:
            host.policyd.ctl("account", "passwd", login, "--password-stdin", stdin="another\n")
    assert is_accepted(mail.submit(login, login))


def test_mail_to_a_suspended_account_arrives(host, mail):
    host.policyd.ctl("account", "suspend", "john@domain1.com", "--reason", "stolen password")
    try:
        assert is_accepted(mail.deliver("anna@sender.net", "john@domain1.com"))
    finally:
        host.policyd.ctl("account", "release", "john@domain1.com")


def test_login_without_a_row_passes(mail, mode):
    """Other password databases may exist: what policyd does not know it does not refuse, but nor may it send
    as anybody here."""
    mode("sender_login", "enforce")
    assert is_accepted(mail.submit("stranger@elsewhere.net", "stranger@elsewhere.net"))
    assert mail.submit("stranger@elsewhere.net", "you@domain1.com") == (
        "553 5.7.1 <you@domain1.com>: Sender address rejected: You are logged in as stranger@elsewhere.net, "
        "which may not send as you@domain1.com")


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_debians_but_for_the_hooks(host, service):
    """The ready files change two lists of Debian's service and nothing else."""
    port = host.port(service)
    lines = host.postfix.postconf("-P", f"{port}/inet/*").splitlines()
    values = {name.strip(): value.strip() for name, _, value in
              (line.removeprefix(f"{port}/inet/").partition("=") for line in lines)}
    assert values["smtpd_sender_restrictions"] == "$mua_sender_restrictions"
    assert values["smtpd_recipient_restrictions"] == "$mua_recipient_restrictions"
    assert values["smtpd_helo_restrictions"] == values["smtpd_client_restrictions"] == ""
    assert values["smtpd_sasl_auth_enable"] == "yes"


def test_postfix_finds_nothing_to_complain_about(host):
    assert host.postfix.check() == []
