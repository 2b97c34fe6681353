# SPDX-License-Identifier: MIT
"""A fresh install, nothing set but domains and accounts, refuses nothing legitimate."""

import pytest

from conftest import Sender, is_accepted
from mailhost.host import MailHost

ACCOUNTS = """
domain add domain1.com
domain add customer.net --relay
account add you@domain1.com
account add john@domain1.com
alias add info@domain1.com you@domain1.com
"""

HELO_NAMES = ("mail.sender.net", "no-such-name.mydomain.com", "nowhere.net", "laptop", "localhost", "WIN-AB12CD34",
              "[127.0.0.2]", "[IPv6:2001:db8::1]", "127.0.0.2", "printer_2.office.lan", "exchange.corp", "nas.home",
              "server.internal", "host.home.arpa", "mx.postern.example", "domain1.com", "mail.broken.net", "bücher.net")

SENDERS = ("anna@sender.net", "", "you@domain1.com", "nobody@domain1.com", "anyone@customer.net", "o'brien@sender.net",
           "a?b=c@sender.net", "SRS0=aBcD=3X=domain1.com=john@forwarder.org", "prvs=1234567890=you@domain1.com",
           "user@localhost", "user@[192.0.2.1]", "x" * 64 + "@sender.net")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A host of its own, on which no policyctl policy command ever ran."""
    base = tmp_path_factory.mktemp("fresh")
    host = MailHost(base, {"sender.net": "mail A 192.0.2.20\n", "mydomain.com": "@ A 192.0.2.10\n",
                           "broken.net": None})
    try:
        host.prepare()
        host.policyd.script(ACCOUNTS)
        host.start()
        yield Sender(host)
    finally:
        host.stop()


@pytest.mark.parametrize("helo", HELO_NAMES)
def test_helo(fresh, helo):
    assert is_accepted(fresh.deliver("anna@sender.net", helo=helo))


@pytest.mark.parametrize("sender", SENDERS)
def test_stranger(fresh, sender):
    assert is_accepted(fresh.deliver(sender, "info@domain1.com"))


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_user(fresh, service, sender):
    assert is_accepted(fresh.submit("you@domain1.com", sender, service=service))


def test_trusted_client(fresh):
    """This host's own programs, relaying out under any HELO name."""
    assert is_accepted(fresh.deliver("you@domain1.com", "someone@elsewhere.net", "webserver.local", "127.0.0.1"))


def test_what_cannot_be_legitimate_is_refused(fresh):
    """The one rule that enforces from the start; it shows that policyd was asked at all."""
    assert fresh.deliver("anna@sender.net", helo="exchange.local") == (
        "554 5.7.1 <exchange.local>: Helo command rejected: Go away, bad guy (.local).")
