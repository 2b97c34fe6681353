# SPDX-License-Identifier: MIT
"""What happened on a real mail host, word for word: S1, S2, S8, S9 and S16."""

import pytest

from conftest import is_accepted

S1 = ("554 5.7.1 <you@domain1.com>: Sender address rejected: "
      "SMTP AUTH is required for users under this sender domain")
S2 = ("553 5.7.1 <you@domain1.com>: Sender address rejected: You are logged in as other-address@domain2.net, "
      "which may not send as you@domain1.com")
S8 = "554 5.7.1 <senderdomain.local>: Helo command rejected: Go away, bad guy (.local)."
S9 = "450 4.7.1 <mailserver.mydomain.com>: Helo command rejected: Host not found"


def test_s1_sender_of_this_host_without_login(mail, mode):
    assert is_accepted(mail.deliver("you@domain1.com"))
    mode("sender_auth", "enforce")
    assert mail.deliver("you@domain1.com") == S1
    assert is_accepted(mail.submit("you@domain1.com", "you@domain1.com"))
    assert is_accepted(mail.deliver("anna@sender.net"))


def test_s1_holds_for_an_address_that_does_not_exist(mail, mode):
    mode("sender_auth", "enforce")
    assert mail.deliver("nobody@domain1.com") == S1.replace("<you@", "<nobody@")


def test_s1_allowed_application(host, mail, mode):
    mode("sender_auth", "enforce")
    entry = ("--sender", "you@domain1.com", "--client", "203.0.113.0/28")
    host.policyd.ctl("list", "allow", *entry)
    try:
        assert is_accepted(mail.deliver("you@domain1.com", client="203.0.113.15"))
        assert mail.deliver("you@domain1.com", client="203.0.113.16") == S1
        assert mail.deliver("john@domain1.com", client="203.0.113.15") == S1.replace("<you@", "<john@")
    finally:
        host.policyd.ctl("list", "remove", "allow", *entry)
    assert mail.deliver("you@domain1.com", client="203.0.113.15") == S1


def test_s1_per_domain(mail, mode):
    mode("sender_auth", "enforce", "--domain", "domain2.net")
    assert is_accepted(mail.deliver("you@domain1.com"))
    assert mail.deliver("other-address@domain2.net") == S1.replace("<you@domain1.com>", "<other-address@domain2.net>")


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_s2_sender_is_not_the_login(mail, mode, service):
    assert is_accepted(mail.submit("other-address@domain2.net", "you@domain1.com", service=service))
    mode("sender_login", "enforce")
    assert mail.submit("other-address@domain2.net", "you@domain1.com", service=service) == S2
    assert is_accepted(mail.submit("you@domain1.com", "you@domain1.com", service=service))


def test_s2_names_the_help_page(host, mail, mode):
    mode("sender_login", "enforce")
    host.policyd.configure(help_url="https://help.domain1.com/sender")
    try:
        host.policyd.ctl("reload")
        reply = mail.submit("other-address@domain2.net", "you@domain1.com")
        assert reply == S2 + " https://help.domain1.com/sender"
    finally:
        host.policyd.configure(help_url="")
        host.policyd.ctl("reload")
    assert mail.submit("other-address@domain2.net", "you@domain1.com") == S2


def test_s2_per_account(mail, mode):
    mode("sender_login", "enforce", "--account", "other-address@domain2.net")
    assert mail.submit("other-address@domain2.net", "you@domain1.com") == S2
    assert is_accepted(mail.submit("john@domain1.com", "you@domain1.com"))


def test_s8_local_helo(mail):
    assert mail.deliver("anna@sender.net", helo="senderdomain.local") == S8
    assert mail.deliver("anna@sender.net", helo="EXCHANGE.Local") == S8.replace("senderdomain.local", "EXCHANGE.Local")


def test_s9_helo_without_address(mail, mode):
    assert is_accepted(mail.deliver("anna@mydomain.com", helo="mailserver.mydomain.com"))
    mode("helo_resolve", "enforce")
    assert mail.deliver("anna@mydomain.com", helo="mailserver.mydomain.com") == S9
    assert is_accepted(mail.deliver("anna@mydomain.com", helo="mydomain.com"))


def test_s9_dns_failure_is_not_not_found(mail, mode):
    mode("helo_resolve", "enforce")
    assert is_accepted(mail.deliver("anna@mydomain.com", helo="mail.broken.net"))


def test_s16_relay_account_sends_for_its_own_domains(mail, mode):
    mode("sender_login", "enforce")
    for sender in ("anyone@customer.net", "robot+42@customer.net", "smarthost@domain2.net"):
        assert is_accepted(mail.submit("smarthost@domain2.net", sender)), sender
    assert mail.submit("smarthost@domain2.net", "anyone@domain1.com") == (
        "553 5.7.1 <anyone@domain1.com>: Sender address rejected: You are logged in as smarthost@domain2.net, "
        "which may not send as anyone@domain1.com")


def test_s16_users_of_a_relay_domain_need_no_login(mail, mode):
    mode("sender_auth", "enforce")
    assert is_accepted(mail.deliver("anyone@customer.net"))
