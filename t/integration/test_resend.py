# SPDX-License-Identifier: MIT
"""One decision, one record: a request that Postfix resends, and two messages that look alike.

Postfix resends a request when the connection breaks before the reply.  Postfix 3.7 keeps the instance when
a client skips MAIL after a refusal at END-OF-MESSAGE; the second message is then a decision of its own.
"""

import itertools
import json
import sqlite3
from contextlib import closing

import pytest

from conftest import is_accepted
from mailhost.proxy import PolicyProxy
from mailhost.process import wait_for
from mailhost.smtp import Smtp

MARKS = itertools.count(1)


@pytest.fixture(scope="module")
def proxy(host):
    """Between policyd and the service "proxied"."""
    go_between = PolicyProxy(host.policyd.sockets / "proxy", host.policyd.policy_socket)
    go_between.start()
    yield go_between
    go_between.stop()


def end_of_data(proxy):
    return [r for r in proxy.requests if r["policy_context"] == "end-of-data"]


def observed(host, check, subject):
    """How often state.db says that a check would have refused."""
    with closing(sqlite3.connect(f"file:{host.policyd.settings['state_db']}?mode=ro", uri=True)) as state:
        query = "SELECT sum(count) FROM observation WHERE check_name = ? AND subject = ?"
        return state.execute(query, (check, subject)).fetchone()[0] or 0


def wait_written(host, mail):
    """Observations are written ten at a time, a few of each mail: so the second of two mails of hosts that nobody
    else is comes behind all that there were."""
    for _ in range(2):
        helo = f"resend-{next(MARKS)}"
        assert is_accepted(mail.deliver("anna@sender.net", helo=helo))
        wait_for(lambda name=helo: observed(host, "helo_fqdn", name) == 1, "the observation to be written")


@pytest.mark.parametrize("context", ["helo", "sender", "end-of-data"])
def test_lost_reply_is_asked_again(host, proxy, context):
    """The mail passes, and Postfix's second request is the first one again."""
    del proxy.requests[:]
    proxy.lose_next_reply(context)
    with Smtp(host.port("proxied")) as smtp:
        smtp.command("EHLO mail.sender.net")
        assert is_accepted(smtp.message("anna@sender.net", "you@domain1.com"))
    asked = [r for r in proxy.requests if r["policy_context"] == context]
    assert len(asked) == 2 and asked[0] == asked[1]


def test_lost_refusal_is_repeated(host, proxy, mode):
    mode("sender_auth", "enforce")
    proxy.lose_next_reply("sender")
    with Smtp(host.port("proxied")) as smtp:
        smtp.command("EHLO mail.sender.net")
        assert smtp.message("you@domain1.com", "you@domain1.com") == (
            "554 5.7.1 <you@domain1.com>: Sender address rejected: "
            "SMTP AUTH is required for users under this sender domain")


def test_resent_request_is_counted_once(host, mail, proxy):
    wait_written(host, mail)
    before = observed(host, "sender_auth", "you@domain1.com")
    proxy.lose_next_reply("sender")
    with Smtp(host.port("proxied")) as smtp:
        smtp.command("EHLO mail.sender.net")
        assert is_accepted(smtp.message("you@domain1.com", "you@domain1.com"))
    wait_written(host, mail)
    assert observed(host, "sender_auth", "you@domain1.com") == before + 1


def test_resent_message_is_counted_once(host, proxy, mode):
    """Of what its login has sent."""
    login = "you@domain1.com"
    mode("starttls", "off")
    mode("send_limit", "enforce")

    def sent():
        rows = json.loads(host.policyd.ctl("limit", "show", login, "--json").stdout)
        return next(int(row["messages"]["sent"]) for row in rows if row["window"] == "1d")

    before = sent()
    proxy.lose_next_reply("end-of-data")
    with Smtp(host.port("proxied")) as smtp:
        smtp.command("EHLO mail.sender.net")
        assert smtp.login(login, "secret").startswith("235")
        assert is_accepted(smtp.message(login, "john@domain1.com"))
    assert sent() == before + 1


def goes_on_without_mail(host):
    """Whether this Postfix takes RCPT after a refused message."""
    version = host.postfix.postconf("-h", "mail_version").split(".")
    return [int(part) for part in version[:2]] < [3, 10]


def test_second_message_without_mail(host, mail, proxy, mode):
    """After a refusal at END-OF-MESSAGE the client goes on with RCPT.

    Postfix 3.7 takes it: same instance, another queue id, and both count.  (A client that goes straight on with DATA
    makes its smtpd crash.)  Postfix 3.10 asks for MAIL, and the one message counts.
    """
    mode("starttls", "off")
    login, sender = "you@domain1.com", "john@domain1.com"
    wait_written(host, mail)
    before = observed(host, "sender_login", login)
    del proxy.requests[:]
    with Smtp(host.port("proxied")) as smtp:
        smtp.command("EHLO mail.sender.net")
        assert smtp.login(login, "secret").startswith("235")
        assert smtp.envelope(sender, "john@domain1.com").startswith("250")
        host.policyd.ctl("account", "suspend", login, "--reason", "stolen password")
        try:
            assert smtp.data() == ("554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: "
                                   "Account suspended: stolen password")
        finally:
            host.policyd.ctl("account", "release", login)
        reply = smtp.command("RCPT TO:<john@domain1.com>")
        if goes_on_without_mail(host):
            assert reply.startswith("250")
            assert is_accepted(smtp.data())
        else:
            assert reply == "503 5.5.1 Error: need MAIL command"
    messages = end_of_data(proxy)
    wait_written(host, mail)
    assert observed(host, "sender_login", login) == before + len(messages)
    if goes_on_without_mail(host):
        first, second = messages
        assert first["instance"] == second["instance"] != ""
        assert first["queue_id"] != second["queue_id"]
    else:
        assert len(messages) == 1
