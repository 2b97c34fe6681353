# SPDX-License-Identifier: MIT
"""Honest mail that sender_auth would break: in observe it passes, in enforce an allow entry mends it."""

import pytest

from conftest import is_accepted

# who sends, from which address, under which HELO name, with an envelope sender of this host
HONEST = {
    "a forwarder without SRS": ("198.51.100.30", "mx.forwarder.org"),
    "the backup MX": ("198.51.100.25", "backup.domain1.com"),
    "a mailing list that keeps the sender": ("198.51.100.40", "out.lists.org"),
    "a bulk mailer that sends for us": ("198.51.100.50", "out.bulk.net"),
    "our own second server": ("198.51.100.60", "web.domain1.com"),
}


def refusal(sender):
    return (f"554 5.7.1 <{sender}>: Sender address rejected: "
            "SMTP AUTH is required for users under this sender domain")


@pytest.mark.parametrize("who", HONEST)
def test_observe_accepts(mail, who):
    client, helo = HONEST[who]
    assert is_accepted(mail.deliver("john@domain1.com", helo=helo, client=client))


@pytest.mark.parametrize("who", HONEST)
def test_enforce_refuses_until_the_client_is_allowed(host, mail, mode, who):
    client, helo = HONEST[who]
    mode("sender_auth", "enforce")
    assert mail.deliver("john@domain1.com", helo=helo, client=client) == refusal("john@domain1.com")
    host.policyd.ctl("list", "allow", "--client", client)
    try:
        assert is_accepted(mail.deliver("john@domain1.com", helo=helo, client=client))
        assert mail.deliver("john@domain1.com", helo=helo, client="198.51.100.99") == refusal("john@domain1.com")
    finally:
        host.policyd.ctl("list", "remove", "allow", "--client", client)


def test_trusted_network(host, mail, mode):
    """Our second server needs no entry once its network is trusted."""
    mode("sender_auth", "enforce")
    before = host.policyd.settings["trusted_networks"]
    host.policyd.configure(trusted_networks=[*before, "198.51.100.60/32", "2001:db8:60::/48"])
    try:
        host.policyd.ctl("reload")
        assert is_accepted(mail.deliver("john@domain1.com", client="198.51.100.60"))
        assert is_accepted(mail.deliver("john@domain1.com", client="IPV6:2001:db8:60::25"))
        assert mail.deliver("john@domain1.com", client="IPV6:2001:db8:61::25") == refusal("john@domain1.com")
        assert mail.deliver("john@domain1.com", client="198.51.100.61") == refusal("john@domain1.com")
    finally:
        host.policyd.configure(trusted_networks=before)
        host.policyd.ctl("reload")


@pytest.mark.parametrize("sender", ["", "anna@sender.net", "john@sub.domain1.com", "anyone@customer.net"])
def test_senders_of_others_pass(mail, mode, sender):
    """Bounces, other people's domains, a subdomain that is not hosted, and a relay domain."""
    mode("sender_auth", "enforce")
    assert is_accepted(mail.deliver(sender))


def test_alias_domain_is_hosted_too(mail, mode):
    mode("sender_auth", "enforce")
    assert mail.deliver("john@domain1.org") == refusal("john@domain1.org")


def test_srs_forwarder_passes(mail, mode):
    """A forwarder with SRS sends under its own domain."""
    mode("sender_auth", "enforce")
    sender = "SRS0=aBcD=3X=domain1.com=john@forwarder.org"
    assert is_accepted(mail.deliver(sender, helo="mx.forwarder.org"))
