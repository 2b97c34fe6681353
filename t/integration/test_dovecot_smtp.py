# SPDX-License-Identifier: MIT
"""Dovecot with the driver "postern" as Postfix's SASL server: one account table shuts every service at once."""

import json
import re
import shutil

import pytest

from conftest import is_accepted
from login_host import accepted, moved_away
from mailhost.dovecot_postern import PosternDovecot
from mailhost.host import PASSWORD, MailHost
from mailhost.mailbox import Imap
from mailhost.process import let_others_enter, run, wait_for
from mailhost.smtp import Smtp

USER = "user@example.com"
REASON = "This server takes no password without encryption. Set Encryption to STARTTLS on port 587"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A mail host whose logins are decided by the driver; its service "cleartext" takes AUTH without TLS."""
    base = tmp_path_factory.mktemp("sasl")
    let_others_enter(base)
    built = MailHost(base, {"sender.net": "mail A 192.0.2.20\n"})
    built.dovecot = PosternDovecot(base / "dovecot", built.policyd.config, "10M",
                                   sasl_socket=built.postfix.queue / "private" / "auth", sieve=True)
    built.policyd.settings.update(default_domain="example.com", dovecot={
        "home": f"{base}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody", "gid": "nogroup",
        "implicit_tls_ports": built.dovecot.implicit_tls_ports})
    try:
        built.prepare()
        built.dovecot.prepare()
        (base / "mail").mkdir(mode=0o755)
        shutil.chown(base / "mail", "nobody", "nogroup")
        built.policyd.script("domain add example.com\naccount add user@example.com\naccount add other@example.com")
        built.postfix.add_smtpd("cleartext", "smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=no",
                                "smtpd_tls_security_level=may")
        built.start()
        yield built
    finally:
        built.stop()


def auth(host, service, password=PASSWORD, starttls=False, user=USER):
    """Postfix's reply to AUTH, without what Dovecot says in its own name."""
    with Smtp(host.port(service), tls=service == "submissions") as smtp:
        smtp.command("EHLO [127.0.0.2]")
        if starttls:
            smtp.starttls()
            smtp.command("EHLO [127.0.0.2]")
        return smtp.login(user, password)


def imap(host):
    with Imap(host.dovecot.ports["imap"]) as dialogue:
        dialogue.starttls()
        return dialogue.login(USER, PASSWORD)


def test_cleartext(host):
    """The reason reaches the one whose password matched."""
    assert re.fullmatch(rf"535 5\.7\.8 Error: authentication failed: {re.escape(REASON)}", auth(host, "cleartext"))
    assert REASON not in auth(host, "cleartext", "wrong")
    assert auth(host, "cleartext", starttls=True).startswith("235 ")


def test_swaks(host):
    """A client that nobody here wrote, told to use no TLS and told to use it."""
    def swaks(*options):
        return run("swaks", "--server", f"127.0.0.1:{host.port('cleartext')}", "--local-interface", "127.0.0.2",
                   "--auth", "PLAIN", "--auth-user", USER, "--auth-password", PASSWORD, "--quit-after", "AUTH",
                   *options, check=False)

    plain = swaks()
    assert plain.returncode == 28 and REASON in plain.stdout + plain.stderr  # 28: authentication failed
    assert swaks("--tls").returncode == 0


def test_store_missing(host):
    """Postfix tells what Dovecot cannot answer for now as it tells a wrong password."""
    with moved_away(host):
        assert auth(host, "submission", starttls=True).startswith("535 5.7.8 Error: authentication failed")
    assert auth(host, "submission", starttls=True).startswith("235 ")


def test_exception(host):
    host.policyd.ctl("policy", "set", "starttls", "off", "--account", USER)
    try:
        assert auth(host, "cleartext").startswith("235 ")
        assert REASON in auth(host, "cleartext", user="other@example.com")
    finally:
        host.policyd.ctl("policy", "unset", "starttls", "--account", USER)


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_encrypted(host, service):
    starttls = service == "submission"
    assert auth(host, service, starttls=starttls).startswith("235 ")
    assert auth(host, service, "wrong", starttls).startswith("535 5.7.8 Error: authentication failed")


def test_implicit_tls(host):
    """Postfix tells Dovecot no port: policyd decides, at the first request after the login."""
    before = host.policyd.settings
    ports = before["dovecot"]["implicit_tls_ports"]
    host.policyd.configure(dovecot={"implicit_tls_ports": [*ports, host.port("submissions")]})
    host.policyd.ctl("reload")
    host.policyd.ctl("policy", "set", "implicit_tls", "enforce", "--yes")
    try:
        for service, begins in (("submissions", "554 5.7.1"), ("submission", "2")):
            with Smtp(host.port(service), tls=service == "submissions") as smtp:
                smtp.command("EHLO [127.0.0.2]")
                if service == "submission":
                    smtp.starttls()
                    smtp.command("EHLO [127.0.0.2]")
                assert smtp.login(USER, PASSWORD).startswith("235 ")
                reply = smtp.message(USER, "someone@elsewhere.net")
            assert reply.startswith(begins), reply
            assert ("Set Encryption to STARTTLS on port 587" in reply) == (service == "submissions")
    finally:
        host.policyd.ctl("policy", "unset", "implicit_tls")
        host.policyd.settings = before
        host.policyd.write_config()
        host.policyd.ctl("reload")


def test_bare_name(host):
    """Postfix, and with it policyd, is told the whole address."""
    with Smtp(host.port("submission")) as smtp:
        smtp.command("EHLO [127.0.0.2]")
        smtp.starttls()
        smtp.command("EHLO [127.0.0.2]")
        assert smtp.login("user", PASSWORD).startswith("235 ")
        assert is_accepted(smtp.message(USER, "someone@elsewhere.net"))
    wait_for(lambda: f"sasl_username={USER}" in host.postfix.log_text(), "Postfix's line")


def test_suspension_shuts_every_service(host):
    """By one command; and its release opens them all."""
    assert accepted(imap(host)) and auth(host, "submissions").startswith("235 ")
    host.policyd.ctl("account", "suspend", USER, "--reason", "Your password was stolen")
    try:
        assert imap(host) == "NO [ALERT] Account suspended: Your password was stolen"
        assert auth(host, "submissions") == (
            "535 5.7.8 Error: authentication failed: Account suspended: Your password was stolen")
        assert "suspended" not in auth(host, "submissions", "wrong")
    finally:
        host.policyd.ctl("account", "release", USER)
    assert accepted(imap(host)) and auth(host, "submissions").startswith("235 ")


def test_who(host):
    """What the help desk asks: how an account's programs connect, as whom it sends, and what would be refused."""
    assert accepted(imap(host))
    for sender in (USER, "other@example.com"):
        with Smtp(host.port("submission")) as smtp:
            smtp.command("EHLO [127.0.0.2]")
            smtp.starttls()
            smtp.command("EHLO [127.0.0.2]")
            assert smtp.login(USER, PASSWORD).startswith("235 ")
            assert is_accepted(smtp.message(sender, "someone@elsewhere.net"))  # sender_login observes

    def seen():
        return json.loads(host.policyd.ctl("who", USER, "--json").stdout)

    def found():
        return [row for row in seen()["observations"] if row["check"] == "sender_login"]

    def ways():
        return {(way["outcome"], way["service"], way["security"], way["port"]) for way in seen()["logins"]}

    wait_for(lambda: found() and found()[0]["delivered"] == 1, "the observation")
    wait_for(lambda: ways() >= {("ok", "imap", "starttls", host.dovecot.ports["imap"]),
                                ("mail", "smtp", "starttls", host.port("submission"))}, "the logins")
    wait_for(lambda: {row["envelope_sender"] for row in seen()["sending"]} >= {USER, "other@example.com"}, "the senders")
    assert [(row["envelope_sender"], row["mode"]) for row in found()] == [("other@example.com", "observe")]
    shown = host.policyd.ctl("who", USER).stdout
    assert "Sends as\nAS " in shown and "127.0.0.0/24" in shown
    assert "sender_login      observe (default)\n" in shown
    [hour] = [row for row in seen()["limits"] if row["window"] == "1h"]
    assert hour["key"] == f"account {USER}" and hour["messages"]["sent"] >= 2
    assert host.policyd.ctl("who", "nobody@example.com", check=False).returncode == 1
