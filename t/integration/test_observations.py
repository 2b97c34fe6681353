# SPDX-License-Identifier: MIT
"""What policyd writes down of the mail that it decides: once a message, and told apart by what arrived."""

import sqlite3
from contextlib import closing

from conftest import is_accepted
from mailhost.process import wait_for
from mailhost.smtp import STRANGER, Smtp

NETWORK = STRANGER.rpartition(".")[0] + ".0/24"


def rows(host, query, *values):
    with closing(sqlite3.connect(f"file:{host.policyd.settings['state_db']}?mode=ro", uri=True)) as state:
        return state.execute(query, values).fetchall()


def observed(host, subject):
    """(check, client, mode, count, delivered) of the subject."""
    return rows(host, "SELECT check_name, client, mode, count, delivered FROM observation WHERE subject = ?"
                " ORDER BY check_name", subject)


def accepted(host):
    return rows(host, "SELECT coalesce(sum(count), 0) FROM tally WHERE scope = '' AND check_name = ''"
                " AND outcome = 'accepted'")[0][0]


def test_once_a_message_and_whether_it_arrived(host):
    with Smtp(host.port("smtp")) as smtp:
        smtp.command("EHLO pc-with-no-dot")
        replies = [smtp.command(line) for line in ("MAIL FROM:<anna@sender.net>", "RCPT TO:<you@domain1.com>",
                                                   "RCPT TO:<you@domain1.com>", "RSET")]  # nothing arrives
        assert all(reply.startswith("250") for reply in replies), replies
    wait_for(lambda: ("helo_fqdn", NETWORK, "observe", 1, 0) in observed(host, "pc-with-no-dot"),
             "the attempt to be written")
    before = accepted(host)
    with Smtp(host.port("smtp")) as smtp:
        smtp.command("EHLO pc-with-no-dot")
        assert is_accepted(smtp.message("anna@sender.net", "you@domain1.com"))
    wait_for(lambda: accepted(host) > before, "the message to be counted")
    wait_for(lambda: ("helo_fqdn", NETWORK, "observe", 2, 1) in observed(host, "pc-with-no-dot"),
             "the message to be told from the attempt")


def test_what_is_refused_is_kept_too(host):
    with Smtp(host.port("smtp")) as smtp:
        smtp.command("EHLO nas.local")
        smtp.command("MAIL FROM:<anna@sender.net>")
        assert not is_accepted(smtp.command("RCPT TO:<you@domain1.com>"))
    wait_for(lambda: ("helo_local", NETWORK, "enforce", 1, 0) in observed(host, "nas.local"), "the refusal to be written")
