# SPDX-License-Identifier: MIT
"""policyctl who: what the account table says of an account. How it connects: test_dovecot_smtp.py."""

import re

import pytest

from admin import alone  # noqa: F401  (a fixture)

ACCOUNT = "anna@example.com"
FAR = "2099-01-01"

TOLD = f"""
domain add example.com
account add {ACCOUNT}
account add ben@example.com
grant add {ACCOUNT} boss@example.net
grant add @example.com @example.org
grant add ben@example.com other@example.net
policy set starttls observe
policy set sender_login enforce --domain example.com --yes
policy set implicit_tls observe --account {ACCOUNT} --until {FAR}
limit set messages=7/1h --account {ACCOUNT}
"""


@pytest.fixture
def told(alone):  # noqa: F811
    """An account with something of everything."""
    alone.script(TOLD)
    return alone


def test_as_json(told):
    found = told.json("who", ACCOUNT)
    assert (found["account"], found["kind"], found["status"], found["suspended"]) == (ACCOUNT, "user", "active", None)
    assert found["grants"] == [{"grantee": ACCOUNT, "sender": "boss@example.net"},
                               {"grantee": "@example.com", "sender": "@example.org"}]
    modes = {row["check"]: (row["mode"], row["from"], row["until"] is not None) for row in found["modes"]}
    assert modes.items() >= {"account_status": ("enforce", "default", False), "starttls": ("observe", "host", False),
                             "implicit_tls": ("observe", ACCOUNT, True),
                             "sender_login": ("enforce", "example.com", False),
                             "send_limit": ("observe", "default", False)}.items()
    assert not {"access", "sender_auth", "helo_fqdn"} & set(modes)  # no account has these
    [limit] = found["limits"]
    assert (limit["window"], limit["messages"]) == ("1h", {"sent": 0, "limit": 7})
    assert [found[part] for part in ("logins", "sending", "observations")] == [[], [], []]


def test_for_people(told):
    lines = told.ok("who", ACCOUNT).splitlines()
    assert max(map(len, lines)) <= 80
    for line in (f"account           {ACCOUNT} (user, active)", "may send as       boss@example.net",
                 "may send as       @example.org, as all of @example.com", "starttls          observe (host)",
                 "sender_login      enforce (example.com)",
                 f"implicit_tls      observe ({ACCOUNT}, until {FAR} 00:00)", "no login was seen"):
        assert line in lines
    assert re.fullmatch(r"password          set \d{4}-\d\d-\d\d \d\d:\d\d", lines[1])


def test_suspended(told):
    told.ok("account", "suspend", ACCOUNT, "--services", "smtp", "--until", FAR, "--reason", "Password stolen")
    found = told.json("who", ACCOUNT)["suspended"]
    assert (found["services"], found["reason"]) == ("smtp", "Password stolen") and found["since"] and found["until"]
    [line] = [line for line in told.ok("who", ACCOUNT).splitlines() if line.startswith("suspended")]
    assert line.startswith("suspended         smtp since 20") and line.endswith(": Password stolen")
    assert f" until {FAR} 00:00" in line
    told.ok("account", "release", ACCOUNT, "--require-new-password")
    lines = told.ok("who", ACCOUNT).splitlines()
    assert lines[1].startswith("password ") and "another one demanded since 20" in lines[1]


def test_nothing_is_counted(told):
    told.ok("policy", "set", "send_limit", "off")
    assert told.json("who", ACCOUNT)["limits"] is None
    assert "send_limit is off: nothing is counted" in told.ok("who", ACCOUNT)


def test_nobody(told):
    told.fails(1, "no account nobody@example.com", "who", "nobody@example.com")
