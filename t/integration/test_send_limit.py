# SPDX-License-Identifier: MIT
"""Sending limits through Postfix: what is refused and in which words, what counts once, and what counts in observe."""

import json
import re

import pytest

from conftest import is_accepted
from mailhost.process import wait_for
from test_resend import observed

REFUSED = "450 4.7.1 <END-OF-MESSAGE>: End-of-data rejected: Sending limit reached: "


@pytest.fixture
def limit(host):
    """limit(LIMITS, *SCOPE) for this test; an account takes its limits with it."""
    made = []

    def set_limit(limits, *scope):
        host.policyd.ctl("limit", "set", *limits.split(), *scope)
        if scope[0] != "--account":
            made.append(scope)

    yield set_limit
    for scope in made:
        host.policyd.ctl("limit", "unset", "all", *scope)


@pytest.fixture
def account(host, request):
    """A new account of its own for each test."""
    name = f"{request.node.name.split('[')[0].replace('_', '-')}@domain2.net"
    host.policyd.script(f"account add {name}")
    yield name
    host.policyd.ctl("account", "remove", name)


def sent(host, account):
    """What policyctl says was sent, by window."""
    rows = json.loads(host.policyd.ctl("limit", "show", account, "--json").stdout)
    return {row["window"]: tuple(row[unit]["sent"] for unit in ("messages", "recipients", "bytes")) for row in rows}


def test_by_messages(host, mail, mode, limit, account):
    """The third within the minute waits; another account does not."""
    mode("send_limit", "enforce")
    limit("messages=2/1m", "--account", account)
    assert is_accepted(mail.submit(account, account))
    assert is_accepted(mail.submit(account, account))
    reply = mail.submit(account, account)
    assert re.fullmatch(re.escape(f"{REFUSED}{account} may send 2 messages in 1 minute and has sent 2: try again in ")
                        + r"\d+ seconds?", reply), reply
    assert is_accepted(mail.submit("other-address@domain2.net", "other-address@domain2.net"))


def test_by_recipients(mail, mode, limit, account):
    """A message counts with all its recipients, or with none."""
    mode("send_limit", "enforce")
    limit("recipients=3/1h", "--account", account)
    with mail.dialogue(account) as smtp:
        assert is_accepted(smtp.message(account, "a@elsewhere.net", "b@elsewhere.net"))
        assert smtp.message(account, "a@elsewhere.net", "b@elsewhere.net").startswith(
            f"{REFUSED}{account} may send 3 recipients in 1 hour and has sent 2: try again in ")
        assert is_accepted(smtp.message(account, "a@elsewhere.net"))


@pytest.fixture
def local_free(host):
    """Recipients in this host's domains do not count."""
    before = host.policyd.settings
    host.policyd.configure(send_limit={"count_local": False})
    host.policyd.ctl("reload")
    yield
    host.policyd.settings = before
    host.policyd.write_config()
    host.policyd.ctl("reload")


def test_local_recipients_that_do_not_count(host, mail, mode, limit, account, local_free):
    """A message to none but those counts not at all, others by whom they have elsewhere."""
    mode("send_limit", "enforce")
    limit("messages=2,recipients=2/1h", "--account", account)
    local = "other-address@domain2.net"
    with mail.dialogue(account) as smtp:
        for _ in range(3):
            assert is_accepted(smtp.message(account, local))
        assert sent(host, account)["1h"] == (0, 0, 0)
        assert is_accepted(smtp.message(account, local, "a@elsewhere.net"))
        assert sent(host, account)["1h"][:2] == (1, 1)
        assert is_accepted(smtp.message(account, "b@elsewhere.net"))
        assert sent(host, account)["1h"][:2] == (2, 2)
        assert smtp.message(account, local, "a@elsewhere.net").startswith(REFUSED)
        assert is_accepted(smtp.message(account, local))


def test_by_bytes(mail, mode, limit, account):
    mode("send_limit", "enforce")
    limit("bytes=2K/1d", "--account", account)
    with mail.dialogue(account) as smtp:
        assert smtp.envelope(account, "a@elsewhere.net").startswith("250")
        assert re.match(re.escape(f"{REFUSED}{account} may send 2K bytes in 1 day, and this is more: ") + r"\d+$",
                        smtp.data("x" * 900 + ("\r\n" + "x" * 900) * 2 + "\r\n"))
        assert is_accepted(smtp.message(account, "a@elsewhere.net"))


def test_what_is_refused_at_the_end_is_not_counted(host, mail, mode, limit, account):
    """By another check; then Postfix has a message that it did not take, and nobody sent one."""
    mode("send_limit", "enforce")
    limit("messages=5/1h", "--account", account)
    with mail.dialogue(account) as smtp:
        assert smtp.envelope(account, "a@elsewhere.net").startswith("250")
        host.policyd.ctl("account", "suspend", account, "--reason", "stolen password")
        assert "Account suspended" in smtp.data()
    host.policyd.ctl("account", "release", account)
    assert sent(host, account) == {"1h": (0, 0, 0)}


def test_observed_is_counted_and_recorded(host, mail, limit, account):
    """The default: nothing is refused, and what would have been stands in the table."""
    limit("messages=1/1h", "--account", account)
    assert is_accepted(mail.submit(account, account))
    assert is_accepted(mail.submit(account, account))
    wait_for(lambda: observed(host, "send_limit", account) == 1, "the observation to be written")
    assert sent(host, account)["1h"][0] == 1


def test_the_domain_and_the_host(host, mail, mode, limit, account):
    """Together, and each by its own limit."""
    mode("send_limit", "enforce")
    limit("messages=100/1d", "--per", "host")
    limit("messages=100/1h", "--domain", "domain2.net", "--per", "domain")
    assert is_accepted(mail.submit(account, account))
    assert is_accepted(mail.submit("other-address@domain2.net", "other-address@domain2.net"))
    rows = json.loads(host.policyd.ctl("limit", "show", account, "--json").stdout)
    used = {(row["key"], row["window"]): row["messages"]["sent"] for row in rows}
    assert used["domain domain2.net", "1h"] == 2 and used["host", "1d"] == 2
    assert used[f"account {account}", "1m"] == 1


def test_clients_by_address(host, mail, mode, limit):
    """S11: a server in a network with limits is held, another is not."""
    mode("send_limit", "enforce")
    limit("messages=1/1h", "--client", "203.0.113.16/28")
    assert is_accepted(mail.deliver("anna@sender.net", client="203.0.113.17"))
    assert mail.deliver("anna@sender.net", client="203.0.113.18").startswith(
        REFUSED + "203.0.113.16/28 may send 1 message in 1 hour and has sent 1: try again in ")
    assert is_accepted(mail.deliver("anna@sender.net", client="203.0.113.33"))


def test_explain_counts_nothing(host, mail, mode, limit, account):
    """It says what counts, what was sent and what would be answered, as often as it is asked."""
    mode("send_limit", "enforce")
    limit("messages=1/1h", "--account", account)
    ask = ("explain", "--json", "--login", account, "--sender", account, "--state", "END-OF-MESSAGE")

    def finding():
        checks = json.loads(host.policyd.ctl(*ask).stdout)["checks"]
        return next(check for check in checks if check["check"] == "send_limit")

    for _ in range(2):
        assert finding()["verdict"] == "pass"
        assert finding()["row"] == f"{account} messages=1/1h; sent of account {account}: 0 of 1 messages in 1h"
    assert is_accepted(mail.submit(account, account))
    assert finding()["verdict"] == "refuse" and "1 of 1 messages in 1h" in finding()["row"]
    assert finding()["reply"].startswith(f"450 4.7.1 Sending limit reached: {account} may send 1 message in 1 hour")


def test_limits_are_shown(host, limit, account):
    """As they were set, below the defaults."""
    limit("recipients=7,messages=3/60m bytes=1024K/24h", "--account", account)
    limit("none", "--domain", "domain2.net", "--per", "relay")
    rows = json.loads(host.policyd.ctl("limit", "show", "--json").stdout)
    assert {"scope": "default", "per": "account", "limit": "messages=30/1m"} in rows
    assert [row["limit"] for row in rows if row["scope"] == account] == ["messages=3,recipients=7/1h", "bytes=1M/1d"]
    assert {"scope": "domain2.net", "per": "relay", "limit": "none"} in rows
    host.policyd.ctl("limit", "unset", "1h", "--account", account)
    rows = json.loads(host.policyd.ctl("limit", "show", "--json").stdout)
    assert [row["limit"] for row in rows if row["scope"] == account] == ["bytes=1M/1d"]
    for wrong in (("limit", "set", "messages=3"), ("limit", "unset", "1y"), ("limit", "set", "messages=1/1h", "--per", "x"),
                  ("limit", "set", "messages=1/1h", "--account", account, "--domain", "domain2.net")):
        assert host.policyd.ctl(*wrong, check=False).returncode == 2
