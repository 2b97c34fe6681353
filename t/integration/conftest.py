# SPDX-License-Identifier: MIT
"""The mail host that the integration tests share, and short ways to send it mail.

One host is started for the whole run: every check in its default mode, the accounts below.  A test that
needs a mode asks for it with the fixture "mode", which takes it away afterwards.
"""

import pytest

import helo_names
from mailhost.host import PASSWORD, MailHost
from mailhost.process import let_others_enter
from mailhost.smtp import STRANGER, Smtp, submission

# The DNS of the tests, from the root down; every other name does not exist.
ZONES = {
    "sender.net": "mail A 192.0.2.20\n@ MX 10 mail\n",
    "mydomain.com": "@ A 192.0.2.10\n" + "".join(f"many A 192.0.2.{n}\n" for n in range(1, 250)),
    "forwarder.org": "mx A 192.0.2.30\n",
    "lists.org": "out A 192.0.2.40\n",
    "bulk.net": "out A 192.0.2.50\n",
    "broken.net": None,
    # DNS lists: 127.0.0.4 is a client of the tests; one that lists everything, one that refuses to answer
    "list.net": '2.0.0.127 A 127.0.0.2\n4.0.0.127 A 127.0.0.4\n4.0.0.127 TXT "Listed for the test"\n',
    "allow.net": "4.0.0.127 A 127.0.0.1\n",
    "everything.net": "* A 127.0.0.2\n",
    "silent.net": None,  # it and the next are mended by a test
    "flooding.net": "* 1 A 127.0.0.2\n",
    "refusing.net": "* A 127.255.255.254\n",
    "helo.net": helo_names.ZONE,
}

# What every test may rely on; a test adds the rest, and takes it away.
ACCOUNTS = """
domain add domain1.com
domain add domain2.net
domain add catchall.net
domain add domain1.org --alias-of domain1.com
domain add customer.net --relay
account add you@domain1.com
account add john@domain1.com
account add john-smith@domain1.com
account add other-address@domain2.net
account add owner@catchall.net
account add o'brien@domain1.com
account add jürgen@domain1.com
account add smarthost@domain2.net --relay
alias add info@domain1.com you@domain1.com
alias add team@domain1.com you@domain1.com john@domain1.com
alias add staff@domain1.com you@domain1.com john@domain1.com --members-send
alias add @catchall.net owner@catchall.net
grant add smarthost@domain2.net @customer.net
"""

HELO_RESTRICTIONS = ("reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname", "reject_unknown_helo_hostname")

ACCEPTED = "250 2.0.0 Ok: queued as "


class Sender:
    """Sends whole messages to a host and returns the server's last word."""

    def __init__(self, host):
        self.host = host

    def deliver(self, sender, recipient="you@domain1.com", helo="mail.sender.net", source=STRANGER, client=None):
        """From a mail server: at source, or, by XCLIENT, at the address client."""
        with Smtp(self.host.port("smtp"), source) as smtp:
            smtp.command(f"EHLO {helo}")
            if client:
                smtp.xclient(ADDR=client, NAME="[UNAVAILABLE]")
                smtp.command(f"EHLO {helo}")
            return smtp.message(sender, recipient)

    def submit(self, login, sender, recipient="someone@elsewhere.net", service="submission"):
        """From a mail program that logs in."""
        with self.dialogue(login, service) as smtp:
            return smtp.message(sender, recipient)

    def dialogue(self, login, service="submission", helo="[127.0.0.2]"):
        """An open dialogue of a mail program that has logged in."""
        return submission(self.host.port(service), login, PASSWORD, helo, tls=service == "submissions")


def is_accepted(reply):
    """True for Postfix's reply to a message it has taken."""
    return reply.startswith(ACCEPTED)


def add_services(postfix):
    """Services on which Postfix answers by its own restrictions, one like them for policyd, one by a proxy."""
    bare = ("smtpd_sender_restrictions=", "smtpd_recipient_restrictions=", "smtpd_end_of_data_restrictions=")
    postfix.add_smtpd("oracle_helo", *bare, f"smtpd_helo_restrictions={','.join(HELO_RESTRICTIONS)}")
    login = ("smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=no", "smtpd_helo_restrictions=", *bare)
    postfix.add_smtpd("oracle_login", *login, "smtpd_sender_restrictions=reject_sender_login_mismatch")
    lists = ("helo", "sender", "recipient", "end_of_data")
    postfix.postconf("-e", *(f"proxied_{name} = check_policy_service {{ unix:postern/proxy, timeout=10s, "
                             f"policy_context={name.replace('_', '-')} }}" for name in lists))
    postfix.add_smtpd("proxied", "smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=no",
                      *(f"smtpd_{name}_restrictions=$proxied_{name}" for name in lists))
    postfix.add_smtpd("policyd_login", *login, "smtpd_sender_restrictions=$mua_sender_restrictions")


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """The shared host, running."""
    base = tmp_path_factory.mktemp("host")
    let_others_enter(base)
    shared = MailHost(base, ZONES, libc_dns=True)
    try:
        shared.prepare()
        add_services(shared.postfix)
        shared.policyd.script(ACCOUNTS)
        shared.start()
        yield shared
    finally:
        shared.stop()


@pytest.fixture(scope="session")
def mail(host):
    """Sends to the shared host."""
    return Sender(host)


@pytest.fixture
def mode(host):
    """mode(CHECK, MODE, *SCOPE) sets a mode for this test."""
    yield from _modes(host)


@pytest.fixture(scope="module")
def module_mode(host):
    """The same for all tests of a module."""
    yield from _modes(host)


def _modes(host):
    changed = []

    def set_mode(check, value, *scope):
        host.policyd.ctl("policy", "set", check, value, *scope, *(["--yes"] if value == "enforce" else []))
        changed.append((check, scope))

    yield set_mode
    for check, scope in reversed(changed):
        host.policyd.ctl("policy", "unset", check, *scope)
