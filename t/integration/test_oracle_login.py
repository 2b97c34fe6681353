# SPDX-License-Identifier: MIT
"""Postfix's reject_sender_login_mismatch with the socketmap as an oracle: 300 pairs of sender and login.

Postfix asks smtpd_sender_login_maps, policyd decides by itself: both must come to the same end, with the
texts of each.  Every difference needs a line in DIFFERENCES with its reason.
"""

import random

import pytest

from mailhost.host import PASSWORD
from mailhost.smtp import Smtp

COUNT = 300

LOGINS = ("you@domain1.com", "john@domain1.com", "john-smith@domain1.com", "other-address@domain2.net",
          "owner@catchall.net", "smarthost@domain2.net", "o'brien@domain1.com", "stranger@elsewhere.net")

LOCALPARTS = ("you", "YOU", "you+shop", "john", "john+smith", "john-smith", "info", "info+x", "team", "staff", "nobody",
              "other-address", "owner", "o'brien", "smarthost", "prvs=1234567890=you")
DOMAINS = ("domain1.com", "Domain1.Com", "domain1.org", "domain2.net", "catchall.net", "customer.net", "elsewhere.net",
           "sub.domain1.com")

OWNED = "not owned by user"
NOBODY = "not logged in"
ACCEPTED = "accepted"
MAILBOX_DOMAINS = ("domain1.com", "domain1.org", "domain2.net", "catchall.net")

# Postfix's verdict, policyd's verdict, the domains in question: why they differ.
DIFFERENCES = (
    (ACCEPTED, NOBODY, MAILBOX_DOMAINS, "sender_auth is about the whole domain, the map only knows existing addresses"),
    (NOBODY, ACCEPTED, ("customer.net",), "users of a relay domain never log in here; the map knows the relay account"),
)


def explained(sender, postfix, policyd):
    """True when a row of DIFFERENCES tells why the two differ for this sender."""
    domain = sender.rpartition("@")[2].lower()
    return any((postfix, policyd) == (a, b) and domain in domains for a, b, domains, _ in DIFFERENCES)


def pairs():
    """COUNT different (login, sender) pairs; login None does not log in."""
    rng = random.Random(20222)
    chosen = {(login, "") for login in (None, *LOGINS[:4])}
    while len(chosen) < COUNT:
        chosen.add((rng.choice((None, *LOGINS)), f"{rng.choice(LOCALPARTS)}@{rng.choice(DOMAINS)}"))
    return sorted(chosen, key=str)


def ask(smtp, login, sender):
    """The verdict on a pair, in one word; policyd names addresses in their canonical form."""
    reply = smtp.envelope(sender, "someone@elsewhere.net" if login else "you@domain1.com")
    start = f"<{sender}>: Sender address rejected: "
    verdicts = {
        f"553 5.7.1 {start}not owned by user {login}": OWNED,
        f"553 5.7.1 {start}You are logged in as {login}, which may not send as {sender.lower()}": OWNED,
        f"553 5.7.1 {start}not logged in": NOBODY,
        f"554 5.7.1 {start}SMTP AUTH is required for users under this sender domain": NOBODY,
        "250 2.1.5 Ok": ACCEPTED,
    }
    return verdicts.get(reply, reply)


@pytest.fixture(scope="module")
def verdicts(host, module_mode):
    """For each pair what Postfix and what policyd say."""
    for check in ("sender_login", "sender_auth"):
        module_mode(check, "enforce")
    module_mode("starttls", "off")
    found = {}
    for service in ("oracle_login", "policyd_login"):
        for login in dict.fromkeys(login for login, _ in pairs()):
            with Smtp(host.port(service)) as smtp:
                smtp.command("EHLO mail.sender.net")
                assert login is None or smtp.login(login, PASSWORD).startswith("235")
                for sender in (sender for of, sender in pairs() if of == login):
                    found.setdefault((login, sender), []).append(ask(smtp, login, sender))
    return {pair: tuple(both) for pair, both in found.items()}


def test_each_difference_has_its_reason(verdicts):
    assert {pair: both for pair, both in verdicts.items()
            if both[0] != both[1] and not explained(pair[1], *both)} == {}


@pytest.mark.parametrize("postfix, policyd, domains, reason", DIFFERENCES)
def test_each_reason_is_needed(verdicts, postfix, policyd, domains, reason):
    assert (postfix, policyd) in verdicts.values(), reason


def test_the_pairs_cover_every_outcome(verdicts):
    assert len(verdicts) == COUNT
    said = [both[1] for both in verdicts.values()]
    for verdict, least in ((OWNED, 50), (NOBODY, 5), (ACCEPTED, 30)):
        assert said.count(verdict) >= least, verdict
