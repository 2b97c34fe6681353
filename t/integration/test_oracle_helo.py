# SPDX-License-Identifier: MIT
"""Postfix's own HELO restrictions as an oracle: 300 names, answered by Postfix on one port, by policyd on another.

Never stricter is the rule; every other difference needs a line in DIFFERENCES with its reason.
"""

import pytest

import helo_names
from mailhost.smtp import Smtp

# (Postfix's reply, policyd's reply), both from the text after the name on: why they differ.
DIFFERENCES = {
}


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
    unexplained = {name: pair for name, pair in replies.items()
                   if pair[0] != pair[1] and pair not in DIFFERENCES}
    assert unexplained == {}


def test_each_reason_is_needed(replies):
    assert set(DIFFERENCES) <= set(replies.values())


def test_never_stricter(replies):
    stricter = {name: pair for name, pair in replies.items() if pair[0].startswith("250") and pair[0] != pair[1]}
    assert stricter == {}


def test_the_names_cover_every_outcome(replies):
    answers = [pair[0] for pair in replies.values()]
    for start, least in (("250", 40), ("450 4.7.1 Helo command rejected: Host not found", 20),
                         ("504 5.5.2 Helo command rejected: need fully-qualified hostname", 5),
                         ("501 5.5.2 Helo command rejected: Invalid name", 20)):
        assert sum(a.startswith(start) for a in answers) >= least, start
