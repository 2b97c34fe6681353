# SPDX-License-Identifier: MIT
"""S14: quotas of accounts and domains, kept by Dovecot and told by Postfix at RCPT; delivery where the table says.

Dovecot and Postfix run with the ready files of contrib.
"""

import shutil

import pytest

from conftest import is_accepted
from mailhost import dovecot_dialect as dialect
from mailhost.dovecot_postern import PosternDovecot
from mailhost.host import APPLY, MailHost
from mailhost.process import let_others_enter, run, wait_for
from mailhost.smtp import Smtp

SENDER = "anna@sender.net"
LIMIT = "100K"
# Less than the grace above the limit: the mailbox takes it, and is full then.
FILLS = "Subject: large\r\n\r\n" + ("x" * 70 + "\r\n") * (104 * 1024 // 72)


class QuotaHost(MailHost):
    """A mail host that delivers to Dovecot by LMTP."""

    def __init__(self, base):
        super().__init__(base, {"sender.net": "mail A 192.0.2.20\n"})
        self.mail = base / "mail"
        private = self.postfix.queue / "private"
        ready = dialect.QUOTA.read_text().replace("/var/spool/postfix/private", str(private))
        self.dovecot = PosternDovecot(base / "dovecot", self.policyd.config, "10M", ready,
                                      sasl_socket=private / "auth", lmtp_socket=private / "dovecot-lmtp")
        self.policyd.settings["dovecot"] = {
            "home": f"{self.mail}/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody", "gid": "nogroup"}

    def prepare(self):
        """Everything but the accounts."""
        super().prepare()
        run(APPLY, "quota.cf", "-c", self.postfix.config)
        self.postfix.postconf("-e", "virtual_transport = lmtp:unix:private/dovecot-lmtp", "message_size_limit = 30000000")
        self.dovecot.prepare()
        self.mail.mkdir(mode=0o755)
        shutil.chown(self.mail, "nobody", "nogroup")
        self.policyd.script("domain add example.com\ndomain add example.net")

    def configure_quota(self, size):
        """For everybody; Dovecot reads it when it starts."""
        self.policyd.configure(dovecot={"quota": size})
        self.dovecot.stop()
        self.dovecot.start()

    def deliver(self, recipient, text="Subject: small\r\n\r\nx\r\n", size=None):
        """From another server: the reply to RCPT, or the final one."""
        with Smtp(self.port("smtp")) as smtp:
            smtp.command("EHLO mail.sender.net")
            smtp.command(f"MAIL FROM:<{SENDER}>" + (f" SIZE={size}" if size else ""))
            reply = smtp.command(f"RCPT TO:<{recipient}>")
            return smtp.data(text) if reply.startswith("250") else reply

    def messages(self, home):
        """How many lie in the mailbox of a home."""
        return len(list(home.glob("Maildir/new/*")))

    def fill(self, recipient, home):
        """Make the mailbox full, and see the message in it."""
        reply = self.deliver(recipient, FILLS)
        assert is_accepted(reply), reply
        gone = f"{reply.split()[-1]}: removed"  # Dovecot has counted it when it says so, later than it shows it
        wait_for(lambda: gone in self.postfix.log_text(), f"the message for {recipient} to be delivered")
        assert self.messages(home) == 1


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    base = tmp_path_factory.mktemp("quota")
    let_others_enter(base)
    built = QuotaHost(base)
    try:
        built.prepare()
        built.start()
        yield built
    finally:
        built.stop()


@pytest.fixture
def account(host, request):
    """account(NAME) adds one; returns its address and home."""
    added = []

    def add(address):
        host.policyd.script(f"account add {address}")
        added.append(address)
        local, domain = address.split("@")
        return address, host.mail / domain / local

    yield add
    for address in added:
        host.policyd.ctl("account", "remove", address)


def full(address):
    return f"552 5.2.2 <{address}>: Recipient address rejected: Mailbox is full"


def test_account_quota(host, account):
    """Full: refused at RCPT in these words. Raised: it takes mail again, at once."""
    user, home = account("user@example.com")
    host.policyd.ctl("account", "set", user, "--quota", LIMIT)
    host.fill(user, home)
    assert host.deliver(user) == full(user)
    host.policyd.ctl("account", "set", user, "--quota", "2G")
    assert is_accepted(host.deliver(user))
    host.policyd.ctl("account", "set", user, "--quota", "0")
    assert is_accepted(host.deliver(user))


def test_domain_quota(host, account):
    """For every account in it that says nothing else."""
    user, home = account("one@example.net")
    unlimited, its_home = account("two@example.net")
    host.policyd.ctl("domain", "set", "example.net", "--quota", LIMIT)
    host.policyd.ctl("account", "set", unlimited, "--quota", "0")
    for address, where in ((user, home), (unlimited, its_home)):
        host.fill(address, where)
    assert host.deliver(user) == full(user)
    assert is_accepted(host.deliver(unlimited))
    host.policyd.ctl("domain", "set", "example.net", "--quota", "")
    assert is_accepted(host.deliver(user))


def test_configured_quota(host, account):
    user, home = account("of-config@example.com")
    host.configure_quota(LIMIT)
    try:
        host.fill(user, home)
        assert host.deliver(user) == full(user)
    finally:
        host.configure_quota("")


def test_announced_size(host, account):
    """One message larger than all the mailbox may hold, refused before it is sent."""
    user, _ = account("sized@example.com")
    host.policyd.ctl("account", "set", user, "--quota", LIMIT)
    assert host.deliver(user, size=20_000_000) == full(user)
    assert is_accepted(host.deliver(user, size=2000))


def test_others_are_not_asked_about(host, account):
    """Who has no mailbox here is refused or passed on as ever."""
    user, home = account("target@example.com")
    host.policyd.ctl("alias", "add", "info@example.com", user)
    assert is_accepted(host.deliver("info@example.com"))
    wait_for(lambda: host.messages(home) == 1, "the alias' message")
    assert "User unknown" in host.deliver("nobody@example.com")
    assert "Relay access denied" in host.deliver("x@elsewhere.net")


def test_home_of_the_account(host, account):
    """Mail lies where the account's row says, also of one that is suspended."""
    user, home = account("moved@example.com")
    elsewhere = host.mail / "elsewhere"
    host.policyd.ctl("account", "set", user, "--home", elsewhere)
    host.policyd.ctl("account", "suspend", user, "--reason", "x")
    assert host.dovecot.doveadm("user", "-f", "home", user).stdout.strip() == str(elsewhere)
    assert is_accepted(host.deliver(user))
    wait_for(lambda: host.messages(elsewhere) == 1, "the message in the other home")
    assert not home.exists()


def test_dovecot_away(host, account):
    """Mail passes, and waits in Postfix's queue."""
    user, home = account("later@example.com")
    host.dovecot.stop()
    try:
        assert is_accepted(host.deliver(user))
    finally:
        host.dovecot.start()
    def arrived():
        run("postqueue", "-c", host.postfix.config, "-f")  # again: the first attempt may be recorded behind this
        return host.messages(home) == 1

    wait_for(arrived, "the queued message")
