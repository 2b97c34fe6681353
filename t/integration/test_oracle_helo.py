# SPDX-License-Identifier: MIT
"""Postfix's own HELO restrictions as an oracle: 300 names, answered by Postfix on one port, by policyd on another.

Never stricter is the rule; every other difference needs a line in DIFFERENCES with its reason.
"""

import re

import pytest

import helo_names
from mailhost.smtp import Smtp

OK = "250 2.1.5 Ok"
NOT_FOUND = "450 4.7.1 Helo command rejected: Host not found"
NO_FQDN = "504 5.5.2 Helo command rejected: need fully-qualified hostname"
BAD_NAME = "501 5.5.2 Helo command rejected: Invalid name"
BAD_ADDRESS = "501 5.5.2 Helo command rejected: invalid ip address"

# Postfix's reply, policyd's reply, the names in question, the reason.
DIFFERENCES = (
    (BAD_NAME, NO_FQDN, r"[^\u0080-\uffff]*", "helo_fqdn has one reply for names that are wrong in any way"),
    (BAD_ADDRESS, NO_FQDN, r"\[.*|.*\]", "the same for wrong address literals"),
    (BAD_NAME, OK, r".*[\u0080-\uffff].*", "a U-label is taken as its A-label, which exists"),
    (BAD_NAME, NOT_FOUND, r".*[\u0080-\uffff].*", "a U-label is taken as its A-label, which does not exist"),
    (BAD_NAME, NO_FQDN, r".*[\u0080-\U0010ffff].*", "a U-label that has no A-label is a wrong name"),
    (NOT_FOUND, OK, r"(.*\.)?broken\.net|loop2?\.helo\.net", "a DNS failure is never taken for \"not found\""),
    (NOT_FOUND, OK, r".*[^.]\.", "a name with a final dot is the name without it"),
)


def explained(name, postfix, policyd):
    """True when a row of DIFFERENCES tells why the two differ for this name."""
    return any((postfix, policyd) == (a, b) and re.fullmatch(names, name, re.S) for a, b, names, _ in DIFFERENCES)


@pytest.fixture(scope="module")
def replies(host, module_mode):
    """For each name the two replies to RCPT, the name itself taken out."""
    for check in ("helo_fqdn", "helo_resolve"):
        module_mode(check, "enforce")
    module_mode("helo_local", "off")
    with Smtp(host.port("oracle_helo")) as postfix, Smtp(host.port("smtp")) as policyd:
        return {name: (ask(postfix, name), ask(policyd, name)) for name in helo_names.generate()}


def ask(smtp, name):
    """The reply to RCPT under a HELO name; the name that Postfix repeats is left out."""
    reply = smtp.command(f"EHLO {name}")
    if reply.startswith("250"):
        reply = smtp.envelope("anna@sender.net", "you@domain1.com")
    start, mark, end = reply.partition(">: ")
    return f"{start.partition(' <')[0]} {end}" if mark else reply


def test_every_name_is_answered(replies):
    assert len(replies) == helo_names.COUNT
    assert {reply[:3] for pair in replies.values() for reply in pair} <= {"250", "450", "500", "501", "504"}


def test_each_difference_has_its_reason(replies):
    assert {name: pair for name, pair in replies.items() if pair[0] != pair[1] and not explained(name, *pair)} == {}


@pytest.mark.parametrize("postfix, policyd, names, reason", DIFFERENCES)
def test_each_reason_is_needed(replies, postfix, policyd, names, reason):
    assert any(pair == (postfix, policyd) and re.fullmatch(names, name, re.S) for name, pair in replies.items()), reason


def test_never_stricter(replies):
    assert {name: pair for name, pair in replies.items() if pair[0] == OK != pair[1]} == {}


def test_the_names_cover_every_outcome(replies):
    answers = [pair[0] for pair in replies.values()]
    for reply, least in ((OK, 40), (NOT_FOUND, 40), (NO_FQDN, 20), (BAD_NAME, 40), (BAD_ADDRESS, 20)):
        assert answers.count(reply) >= least, reply
