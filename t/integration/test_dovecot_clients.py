# SPDX-License-Identifier: MIT
"""Mail programs that nobody here wrote, and ManageSieve: what each is told, and that each gets its mail through."""

import pytest

from mailhost.dovecot_postern import FOREIGN
from mailhost.host import PASSWORD
from mailhost.mailbox import Dialogue, plain
from mailhost.process import run, wait_for
from test_dovecot_smtp import USER, host  # noqa: F401  (fixture)

REFUSED = "This server takes no password without encryption. Set Encryption to STARTTLS on port"
MESSAGE = "From: anna@sender.net\nTo: user@example.com\nSubject: {subject}\n\nHello\n"


@pytest.fixture
def suspended(host):
    """suspended(*OPTIONS) suspends the user for this test."""
    def suspend(*options):
        host.policyd.ctl("account", "suspend", USER, "--reason", "stolen password", *options)
    yield suspend
    host.policyd.ctl("account", "release", USER, check=False)


def put_message(host, subject):
    """One message in the user's mailbox."""
    host.dovecot.doveadm("save", "-u", USER, stdin=MESSAGE.format(subject=subject))


# ---- mbsync

def mbsync(host, tmp_path, security):
    """Fetch the mailbox; the process, and the messages that are there afterwards."""
    kind, port = {"none": ("None", "imap"), "starttls": ("STARTTLS", "imap"), "implicit": ("IMAPS", "imaps")}[security]
    inbox = tmp_path / "mail" / "INBOX"
    inbox.parent.mkdir(exist_ok=True)
    config = tmp_path / "mbsyncrc"
    config.write_text(f"""
IMAPStore far
Host {FOREIGN}
Port {host.dovecot.ports[port]}
User {USER}
Pass {PASSWORD}
SSLType {kind}
AuthMechs LOGIN
CertificateFile {host.dovecot.directory}/cert.pem

MaildirStore near
Inbox {inbox}

Channel all
Far :far:
Near :near:
Sync Pull
SyncState *
""")
    done = run("mbsync", "-c", config, "all", check=False)
    return done, [path.read_text() for path in inbox.glob("new/*")]


def test_mbsync(host, tmp_path):
    put_message(host, "for mbsync")
    done, messages = mbsync(host, tmp_path, "none")
    assert done.returncode != 0 and REFUSED in done.stderr and messages == []
    for security in ("starttls", "implicit"):
        (tmp_path / security).mkdir()
        done, messages = mbsync(host, tmp_path / security, security)
        assert done.returncode == 0, done.stderr
        assert any("Subject: for mbsync" in text for text in messages)


# ---- fetchmail

def fetchmail(host, tmp_path, protocol, tls):
    """Fetch without removing; the process, and what it handed on."""
    got = tmp_path / "got"
    config = tmp_path / "fetchmailrc"
    encryption = "sslproto TLS1.2+ no sslcertck" if tls else "sslproto ''"
    config.write_text(f"poll {FOREIGN} proto {protocol} port {host.dovecot.ports[protocol]} auth password\n"
                      f"  user \"{USER}\" password \"{PASSWORD}\" keep {encryption} mda \"cat >> {got}\"\n")
    config.chmod(0o600)
    done = run("fetchmail", "-v", "-f", config, "--pidfile", tmp_path / "pid", "--idfile", tmp_path / "ids",
               env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}, check=False)
    return done, got.read_text() if got.exists() else ""


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetchmail(host, tmp_path, protocol):
    put_message(host, f"for fetchmail {protocol}")
    done, got = fetchmail(host, tmp_path, protocol, tls=False)
    assert done.returncode != 0 and REFUSED in done.stdout + done.stderr and got == ""
    done, got = fetchmail(host, tmp_path, protocol, tls=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Subject: for fetchmail {protocol}" in got


# ---- msmtp

def msmtp(host, service, tls, starttls):
    """Send a message; the process."""
    return run("msmtp", "--host=127.0.0.1", f"--port={host.port(service)}", "--source-ip=127.0.0.2", "--auth=plain",
               f"--user={USER}", f"--passwordeval=echo {PASSWORD}", f"--tls={tls}", f"--tls-starttls={starttls}",
               "--tls-certcheck=off", f"--from={USER}", "someone@elsewhere.net",
               stdin=MESSAGE.format(subject="from msmtp"), check=False)


def test_msmtp(host, suspended):
    done = msmtp(host, "cleartext", "off", "off")
    assert done.returncode != 0 and REFUSED in done.stderr
    for service, starttls in (("submission", "on"), ("submissions", "off")):
        done = msmtp(host, service, "on", starttls)
        assert done.returncode == 0, done.stderr
    suspended()
    done = msmtp(host, "submission", "on", "on")
    assert done.returncode != 0 and "Account suspended: stolen password" in done.stderr


# ---- ManageSieve (RFC 5804)

def sieve_login(host, starttls=True):
    """The reply to AUTHENTICATE, as one line."""
    with Dialogue(host.dovecot.ports["sieve"]) as sieve:
        def reply():
            line = sieve.read_line()
            while not line.startswith(("OK", "NO", "BYE")):
                line = sieve.read_line()
            return line + sieve.read_line() if line.endswith("}") else line  # a text in the form of a literal

        if not sieve.greeting.startswith("OK"):
            reply()
        if starttls:
            sieve.send("STARTTLS")
            assert reply().startswith("OK")
            sieve.encrypt()
            reply()
        sieve.send(f'AUTHENTICATE "PLAIN" "{plain(USER, PASSWORD)}"')
        return reply()


def test_sieve(host, suspended):
    refused = sieve_login(host, starttls=False)
    assert refused.startswith("NO") and f"{REFUSED} {host.dovecot.ports['sieve']}" in refused
    assert sieve_login(host).startswith("OK")
    suspended("--services", "sieve")
    refused = sieve_login(host)
    assert refused.startswith("NO") and "Account suspended: stolen password" in refused
    with Dialogue(host.dovecot.ports["pop3"]) as pop3:
        pop3.send("STLS")
        assert pop3.read_line().startswith("+OK")
        pop3.encrypt()
        pop3.send(f"AUTH PLAIN {plain(USER, PASSWORD)}")
        assert pop3.read_line().startswith("+OK")
    host.policyd.ctl("account", "release", USER)
    wait_for(lambda: sieve_login(host).startswith("OK"), "ManageSieve to be open again")
