# SPDX-License-Identifier: MIT
"""policyctl letter: what a customer is told, and that doing so is accepted."""

import csv
import email
import email.policy
import io
import json
import time
from pathlib import Path

import pytest

from conftest import is_accepted
from login_host import accepted, make_host
from mailhost.mailbox import ELSEWHERE, Imap
from mailhost.process import wait_for

NETWORK = ELSEWHERE.rpartition(".")[0] + ".0/24"
USER, OTHER, THIRD = "user@example.com", "other@example.com", "o'brien@example.com"
TEMPLATES = Path(__file__).parents[2] / "policyctl" / "letter"
SERVER = "imap.postern.example"


def letter(policyd, *options):
    """The message as a mail program reads it."""
    return email.message_from_string(policyd.ctl("letter", *options).stdout, policy=email.policy.default)


def body(message):
    """Its lines."""
    return message.get_content().splitlines()


def setting(lines, name):
    """The value beside a name, indented as it is in a list of settings."""
    [value] = {line[len(name) + 1:].strip() for line in lines if line.startswith(f" {name} ")}
    return value


def logged_in(host, account):
    """The services that an account was seen to log in to."""
    return {login["service"] for login in json.loads(host.ctl("who", account, "--json").stdout)["logins"]
            if login["outcome"] == "ok"}


@pytest.fixture(scope="module")
def logins(tmp_path_factory):
    """One account that logs in as it should not any more, in three ways; one over implicit TLS; one as it should."""
    for host in make_host(tmp_path_factory):
        host.ctl("policy", "set", "starttls", "observe")
        assert accepted(host.login("user", security="none"))
        assert accepted(host.login(USER, security="none", protocol="pop3"))
        assert accepted(host.login(OTHER, security="implicit"))
        assert accepted(host.login(THIRD))
        for account, services in ((USER, {"imap", "pop3"}), (OTHER, {"imap"}), (THIRD, {"imap"})):
            wait_for(lambda account=account, services=services: services == logged_in(host, account), "the logins")
        yield host


@pytest.fixture
def settings(logins):
    """Set the letter's section for one test."""
    def change(**values):
        logins.policyd.configure(letter=values)
    yield change
    del logins.policyd.settings["letter"]
    logins.policyd.write_config()


def test_account(logins):
    message = letter(logins.policyd, "USER@example.com")
    assert message["To"] == USER and message["Subject"] == "Please change the settings of your mail program"
    assert message["Auto-Submitted"] == "auto-generated" and message.get_content_charset() == "utf-8"
    lines = body(message)
    assert max(map(len, lines)) <= 72
    assert f"Dear user of {USER}," in lines
    imap = lines[next(i for i, line in enumerate(lines) if line.startswith("IMAP: the password is sent")):]
    settings_of_imap = imap[:imap.index(next(line for line in imap if line.startswith(" last seen")))]
    assert setting(settings_of_imap, "Server") == "mx.postern.example"
    assert setting(settings_of_imap, "Port") == str(logins.dovecot.ports["imap"])
    assert setting(settings_of_imap, "Encryption") == "STARTTLS"
    assert any(line.startswith(f" last seen {time.strftime('%Y-')}") and line.endswith(f"from {NETWORK}, in total 1")
               for line in lines)
    assert any(line.startswith("POP3: the password is sent") for line in lines)
    assert setting(lines, "User name") == USER
    assert any(line.startswith("The password crossed the network") for line in lines)
    assert OTHER not in message.as_string()


def test_settings_of_the_letter_work(logins, settings):
    """Whoever does what it says gets in when the check is enforced, and only then."""
    settings(imap=f"{SERVER}:{logins.dovecot.ports['imap']}")
    lines = body(letter(logins.policyd, USER))
    lines = lines[lines.index(next(line for line in lines if line.startswith("IMAP: the password"))):]
    lines = [line for line in lines if line.startswith(" ")]
    server, port, encryption = (setting(lines[:3], name) for name in ("Server", "Port", "Encryption"))
    user = setting(lines, "User name")
    assert (server, encryption) == (SERVER, "STARTTLS")
    logins.ctl("policy", "set", "starttls", "enforce", "--yes")
    try:
        assert not accepted(logins.login(USER, security="none"))
        with Imap(int(port), ELSEWHERE) as dialogue:
            dialogue.starttls()
            assert accepted(dialogue.login(user, "secret"))
    finally:
        logins.ctl("policy", "set", "starttls", "observe")


@pytest.mark.parametrize("configured, expected", [
    ("", ("mx.postern.example", "143", "STARTTLS")),
    ("imap.example.net", ("imap.example.net", "143", "STARTTLS")),
    ("imap.example.net:10143", ("imap.example.net", "10143", "STARTTLS")),
    ("imap.example.net:IMPLICIT", ("imap.example.net", "143", "STARTTLS"))])
def test_implicit_tls(logins, settings, configured, expected):
    """It is to go, so a port of it is no advice."""
    settings(imap=configured.replace("IMPLICIT", str(logins.dovecot.ports["imaps"])))
    lines = body(letter(logins.policyd, OTHER))
    assert tuple(setting(lines, name) for name in ("Server", "Port", "Encryption")) == expected


def test_implicit_tls_as_advice(logins, settings):
    port = logins.dovecot.ports["imaps"]
    settings(imap=f"{SERVER}:{port}", pop3=f"{SERVER}:{port}")
    lines = body(letter(logins.policyd, USER))
    assert (setting(lines, "Port"), setting(lines, "Encryption")) == (str(port), "SSL/TLS")


def test_old_name(logins):
    with Imap(logins.dovecot.ports["imap"], ELSEWHERE) as dialogue:
        dialogue.starttls()  # it asks for SERVER
        assert accepted(dialogue.login(THIRD, "secret"))
    wait_for(lambda: SERVER in logins.ctl("who", THIRD).stdout, "the name to be written")
    lines = body(letter(logins.policyd, THIRD, "--old-name", SERVER))
    assert f"IMAP: the server's old name {SERVER} will go. Set:" in lines
    assert setting(lines, "Server") == "mx.postern.example"


def test_domain(logins):
    message = letter(logins.policyd, "Example.com")
    assert message["To"] == "postmaster@example.com"
    assert message["Subject"] == "Mail accounts of example.com that need new settings"
    lines = body(message)
    assert lines.index(OTHER) < lines.index(USER) and THIRD not in lines


def test_nothing_to_change(logins):
    for name in ("example.net", "jürgen@example.com", THIRD):
        done = logins.ctl("letter", name, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"policyctl: nothing is known that {name} would have to change\n"


def test_german(logins, settings):
    settings(template=str(TEMPLATES / "de.txt"))
    message = letter(logins.policyd, USER)
    assert message["Subject"] == "Bitte ändern Sie die Einstellungen Ihres Mailprogramms"
    assert setting(body(message), "Benutzername") == USER


def test_template(logins, tmp_path):
    text = (TEMPLATES / "en.txt").read_text(encoding="utf-8")
    own = tmp_path / "own.txt"
    own.write_text(text.replace("Dear user of {account}", "Hello {account}"))
    assert f"Hello {USER}," in body(letter(logins.policyd, USER, "--template", str(own)))
    assert logins.ctl("letter", "--template", str(own)).stdout == f"{own}: complete\n"
    own.write_text(text.replace("[closing]", "[close]"))
    line = text.split("\n").index("[closing]") + 1
    for options in ((), (USER,)):
        done = logins.ctl("letter", *options, "--template", str(own), check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"policyctl: {own}:{line}: no section 'close': see en.txt\n"


@pytest.mark.parametrize("options, status, said", [
    ((), 2, "name an account, a domain, or a host by --helo: see policyctl help letter"),
    ((USER, "--helo", "pc"), 2, "name an account, a domain, or a host by --helo: see policyctl help letter"),
    (("nobody@example.com",), 1, "no account nobody@example.com"),
    (("nowhere.example",), 1, "no domain nowhere.example"),
    ((USER, "--since", "soon"), 2, "no time 'soon': write 7d (s, m, h, d or w) or a date YYYY-MM-DD"),
])
def test_wrong_usage(logins, options, status, said):
    done = logins.ctl("letter", *options, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", f"policyctl: {said}\n")


# ---- mail

def test_sender_and_host(host, mail):
    login, foreign = "you@domain1.com", "other-address@domain2.net"
    host.policyd.forget()
    assert is_accepted(mail.submit(foreign, login))
    assert is_accepted(mail.deliver("anna@sender.net", helo="letter"))
    assert is_accepted(mail.deliver("john-smith@domain1.com", helo="mail.sender.net"))

    def written():
        rows = list(csv.DictReader(io.StringIO(host.policyd.ctl("readiness", "--csv").stdout)))
        return all(any(row["subject"] == name and int(row["delivered"]) > 0 for row in rows)
                   for name in (foreign, "letter", "john-smith@domain1.com"))
    wait_for(written, "the mail")
    lines = body(letter(host.policyd, foreign))
    assert "Messages are sent under an address that does not belong to this account." in " ".join(lines)
    assert any(line.startswith(f" as {login}, last on ") for line in lines)
    lines = body(letter(host.policyd, "domain1.com"))
    assert "Mail with the sender john-smith@domain1.com reaches us" in " ".join(lines)
    message = letter(host.policyd, "--helo", "letter")
    assert message["To"] is None and message["Subject"] == "Your mail server introduces itself as letter"
    assert any("need fully-qualified hostname" in line for line in body(message))
