# SPDX-License-Identifier: MIT
"""policyctl readiness: who would break, through real Dovecot and Postfix."""

import csv
import io
import json
import time

import pytest

from conftest import is_accepted
from login_host import accepted, make_host
from mailhost.mailbox import ELSEWHERE
from mailhost.process import wait_for
from mailhost.smtp import STRANGER, Smtp

NETWORK = ELSEWHERE.rpartition(".")[0] + ".0/24"
USER, OTHER = "user@example.com", "other@example.com"
RING = 64  # what a worker keeps: REPORT_RING


def report(policyd, *options):
    """What it says, as JSON."""
    return json.loads(policyd.ctl("readiness", "--json", *options).stdout)


def check_of(policyd, check, *options):
    """The report of one check."""
    return report(policyd, "--check", check, *options)["checks"][0]


def standing(policyd, check, name, *options):
    """What it says of a subject; None where it does not know it."""
    found = [s["standing"] for s in check_of(policyd, check, *options)["subjects"] if s["subject"] == name]
    return found[0] if found else None


def wait_standing(policyd, check, name, expected):
    """Observations are written at leisure."""
    wait_for(lambda: standing(policyd, check, name) == expected, f"{name} to be told as {expected} by {check}")


# ---- logins

@pytest.fixture(scope="module")
def logins(tmp_path_factory):
    """A host of its own: no other test's logins."""
    yield from make_host(tmp_path_factory)


@pytest.fixture
def mode(logins):
    """mode(CHECK, MODE, *SCOPE) for this test."""
    done = {}  # each scope once, in order

    def set_mode(check, value, *scope):
        logins.ctl("policy", "set", check, value, *scope, *(["--yes"] if value == "enforce" else []))
        done[check, *scope[:2]] = True  # what stands behind is --until

    yield set_mode
    for check, *scope in done:
        logins.ctl("policy", "unset", check, *scope)


def test_nothing_seen_is_not_safe(logins, mode):
    mode("starttls", "observe")
    found = check_of(logins.policyd, "starttls")
    assert found["verdict"] == "unknown"
    assert found["reasons"] == ["nothing was seen yet: no message and no login"]


def test_login_in_clear_breaks(logins, mode):
    mode("starttls", "observe")
    assert accepted(logins.login(OTHER))
    assert accepted(logins.login("user", security="none"))
    wait_standing(logins.policyd, "starttls", USER, "breaks")
    wait_for(lambda: report(logins.policyd)["connected"] == 2, "both logins to be written")  # by two workers perhaps
    found = check_of(logins.policyd, "starttls")
    assert found["verdict"] == "breaks"
    [user] = [s for s in found["subjects"] if s["standing"] == "breaks"]
    [cause] = user["causes"]
    assert (cause["cause"], cause["service"], cause["port"], cause["client"]) == (
        "no_tls", "imap", logins.dovecot.ports["imap"], NETWORK)
    whole = report(logins.policyd)
    assert [s["subject"] for s in whole["notes"]["bare_name"]] == [USER]
    assert [s["subject"] for s in whole["notes"]["exposed"]] == [USER]
    assert (whole["accounts"], whole["connected"]) == (5, 2)


def test_exception_is_no_break(logins, mode):
    mode("starttls", "observe")
    assert accepted(logins.login(USER, security="none"))
    wait_standing(logins.policyd, "starttls", USER, "breaks")
    end = int(time.time()) // 60 * 60 + 86400
    mode("starttls", "off", "--account", USER, "--until", time.strftime("%Y-%m-%dT%H:%M", time.localtime(end)))
    found = check_of(logins.policyd, "starttls")
    [user] = found["subjects"]
    assert (user["standing"], user["until"]) == ("excepted", end)
    assert found["verdict"] == "unknown"
    assert report(logins.policyd)["exceptions"] == [
        {"scope": USER, "check": "starttls", "mode": "off", "until": end}]
    mode("starttls", "enforce")
    assert check_of(logins.policyd, "starttls")["verdict"] == "enforced"
    assert accepted(logins.login(USER, security="none"))


def test_implicit_tls_is_known_while_it_is_off(logins):
    assert accepted(logins.login("o'brien@example.com", security="implicit"))
    wait_standing(logins.policyd, "implicit_tls", "o'brien@example.com", "breaks")
    found = check_of(logins.policyd, "implicit_tls")
    assert found["mode"] == "off" and "it is off, so not all was seen" in found["reasons"]


def test_challenge_without_tls_is_no_plaintext(logins, mode):
    mode("starttls", "observe")
    assert standing(logins.policyd, "starttls", "jürgen@example.com") is None
    assert not accepted(logins.login("jürgen@example.com", "wrong", security="none"))
    assert accepted(logins.login("jürgen@example.com"))
    wait_for(lambda: report(logins.policyd)["connected"] >= 4, "the login to be written")
    assert standing(logins.policyd, "starttls", "jürgen@example.com") is None


def test_old_server_name(logins):
    """Whoever asks for it in TLS, in whatever way the name is written here."""
    assert accepted(logins.login(OTHER))
    assert logins.login(USER, "wrong").startswith("NO")

    def asked(name):
        return {s["subject"] for s in report(logins.policyd, "--old-name", name)["notes"]["old_server_name"]}
    wait_for(lambda: OTHER in asked("IMAP.postern.example."), "the server name to be written")
    assert USER not in asked("imap.postern.example"), "it logged in in clear only"
    assert not asked("pop.postern.example")


def test_domain(logins, mode):
    mode("starttls", "observe")
    assert accepted(logins.login(USER, security="none"))
    wait_standing(logins.policyd, "starttls", USER, "breaks")
    assert standing(logins.policyd, "starttls", USER, "--domain", "example.com") == "breaks"
    assert standing(logins.policyd, "starttls", USER, "--domain", "example.net") is None
    assert report(logins.policyd, "--domain", "example.net")["accounts"] == 1


def test_safe_only_where_all_was_seen(logins, mode):
    """Nothing about sender_login was seen: that is safe from when on it is observed."""
    assert accepted(logins.login(OTHER))
    wait_for(lambda: report(logins.policyd)["connected"] > 0, "a login to be written")
    reasons = check_of(logins.policyd, "sender_login")["reasons"]
    assert len(reasons) == 1 and reasons[0].startswith("it was watched only since ")
    assert check_of(logins.policyd, "sender_login", "--since", "1s")["verdict"] == "safe"
    mode("sender_login", "off")
    assert check_of(logins.policyd, "sender_login", "--since", "1s")["verdict"] == "unknown"


def test_lost_is_never_safe(logins):
    """policyd is away for so many logins that a worker of Dovecot cannot keep them all."""
    assert check_of(logins.policyd, "sender_login", "--since", "1s")["verdict"] == "safe"
    logins.policyd.stop()
    try:
        done = 0
        while done < 2 * RING or done <= RING * len(logins.dovecot.workers()):  # a busy machine may need several
            assert accepted(logins.login(OTHER))
            done += 1
    finally:
        logins.policyd.start()
    wait_for(lambda: accepted(logins.login(OTHER)) and report(logins.policyd)["lost"], "the loss to be told")
    told = report(logins.policyd, "--check", "sender_login", "--since", "1s")
    [found] = told["checks"]
    assert found["verdict"] == "unknown" and told["lost"] > 0
    assert found["reasons"] == [f"{told['lost']} observations were lost"]


@pytest.mark.parametrize("options, said", [
    (("--check", "nosuch"), "no check 'nosuch': see policyctl policy show"),
    (("--since", "soon"), "no time 'soon': write 7d (s, m, h, d or w) or a date YYYY-MM-DD"),
    (("--since", "2100-01-01"), "2100-01-01 is not past: name an earlier date"),
    (("--domain", "nosuch.example"), "no domain nosuch.example"),
    (("--json", "--csv"), "--csv, --html and --json exclude each other"),
])
def test_wrong_usage(logins, options, said):
    done = logins.ctl("readiness", *options, check=False)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert done.stderr == f"policyctl: {said}\n"


# ---- mail

LOGIN, FOREIGN = "you@domain1.com", "other-address@domain2.net"


def test_sender_is_settled_by_a_grant(host, mail):
    host.policyd.forget()
    assert is_accepted(mail.submit(FOREIGN, "o'brien@domain1.com"))
    wait_standing(host.policyd, "sender_login", FOREIGN, "breaks")
    host.policyd.ctl("grant", "add", FOREIGN, "@domain1.com")
    try:
        assert standing(host.policyd, "sender_login", FOREIGN) == "settled"
    finally:
        host.policyd.ctl("grant", "remove", FOREIGN, "@domain1.com")
    assert standing(host.policyd, "sender_login", FOREIGN) == "breaks"


def test_stranger_counts_where_mail_arrived(host, mail):
    with Smtp(host.port("smtp")) as smtp:
        smtp.command("EHLO readiness-bot")
        smtp.command("MAIL FROM:<anna@sender.net>")
        assert smtp.command("RCPT TO:<you@domain1.com>").startswith("250")
    wait_standing(host.policyd, "helo_fqdn", "readiness-bot", "attempt")
    assert is_accepted(mail.deliver("anna@sender.net", helo="readiness-host"))
    wait_standing(host.policyd, "helo_fqdn", "readiness-host", "breaks")
    assert check_of(host.policyd, "helo_fqdn")["verdict"] == "breaks"
    host.policyd.ctl("list", "allow", "--helo", "readiness-host")
    try:
        assert standing(host.policyd, "helo_fqdn", "readiness-host") == "excepted"
    finally:
        host.policyd.ctl("list", "remove", "allow", "--helo", "readiness-host")


def test_forwarder_is_excepted_by_its_network(host, mail):
    sender = "john-smith@domain1.com"
    assert is_accepted(mail.deliver(sender, helo="mail.sender.net"))
    wait_standing(host.policyd, "sender_auth", sender, "breaks")
    for client, expected in ((STRANGER, "breaks"), (STRANGER.rpartition(".")[0] + ".0/24", "excepted")):
        host.policyd.ctl("list", "allow", "--sender", sender, "--client", client)
        try:
            assert standing(host.policyd, "sender_auth", sender) == expected
        finally:
            host.policyd.ctl("list", "remove", "allow", "--sender", sender, "--client", client)


def test_terminal(host, mail):
    """80 columns, but for names that are longer; nothing a stranger wrote reaches the terminal raw."""
    assert is_accepted(mail.deliver("anna@sender.net", helo="esc\x1b[31m"))
    wait_for(lambda: "esc" in host.policyd.ctl("readiness").stdout, "the HELO name to be written")
    text = host.policyd.ctl("readiness").stdout
    assert "\x1b" not in text
    glance = text.split("\n\n")[1].splitlines()
    assert glance[0].split() == ["CHECK", "MODE", "IF", "ENFORCED", "WHO", "BREAKS", "ACCOUNTS", "PASS", "MAIL",
                                 "PASSES"]
    assert len(glance) >= 12 and max(map(len, glance)) <= 80


def test_csv(host, mail):
    assert is_accepted(mail.deliver("anna@sender.net", helo="=cmd"))

    def lines():
        return list(csv.DictReader(io.StringIO(host.policyd.ctl("readiness", "--csv", "--check", "helo_fqdn").stdout)))
    wait_for(lambda: any(line["subject"] == "'=cmd" for line in lines()), "the HELO name to be written")
    assert {line["check"] for line in lines()} == {"helo_fqdn"}
