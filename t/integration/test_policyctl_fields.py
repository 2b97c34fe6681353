# SPDX-License-Identifier: MIT
"""policyctl: what Dovecot is told of accounts and domains, shown with who says it; and a new password demanded."""

import time

import pytest

from admin import ACCOUNTS, admin, alone  # noqa: F401  (fixtures)

USER = "user@example.com"
HOME = {"name": "home", "value": "/var/vmail/{domain}/{local}", "from": "configuration"}


def field(name, value, source):
    return {"name": name, "value": value, "from": source}


def test_account_then_domain_then_configuration(admin):
    admin.script(ACCOUNTS)
    admin.ok("domain", "set", "Example.com", "--quota", "2g", "--uid", "vmail", "--field", "nodelay=y")
    admin.ok("account", "set", USER, "--quota", "500M", "--home", "/srv/{local}", "--field", "allow_nets=192.0.2.0/24",
             "--field", "userdb_nice=10", "--status", "disabled")
    shown = admin.json("account", "show", USER)
    assert shown["status"] == "disabled"
    assert sorted(shown["fields"], key=lambda f: f["name"]) == [
        field("allow_nets", "192.0.2.0/24", "account"), field("home", "/srv/{local}", "account"),
        field("nodelay", "y", "domain"), field("quota", "500M", "account"), field("uid", "vmail", "domain"),
        field("userdb_nice", "10", "account")]
    assert sorted(admin.json("account", "show", "other@example.com")["fields"], key=lambda f: f["name"]) == [
        HOME, field("nodelay", "y", "domain"), field("quota", "2G", "domain"), field("uid", "vmail", "domain")]
    text = admin.ok("account", "show", USER)
    assert "quota               500M (account)\n" in text and "uid                 vmail (domain)\n" in text
    admin.ok("account", "set", USER, "--quota", "", "--home", "", "--no-field", "allow_nets", "--no-field", "userdb_nice")
    assert admin.json("account", "show", USER)["fields"] == admin.json("account", "show", "other@example.com")["fields"]


def test_domain_show(admin):
    admin.script(ACCOUNTS + "grant add @example.com list@example.net\npolicy set starttls off --domain example.com")
    assert admin.json("domain", "show", "EXAMPLE.com") == {
        "domain": "example.com", "kind": "mailbox", "alias_of": None, "grants": ["list@example.net"], "fields": [HOME],
        "policy": [{"check": "starttls", "mode": "off", "from": None, "until": None}]}
    admin.ok("domain", "set", "example.com", "--quota", "0")
    assert admin.ok("domain", "show", "example.com") == (
        "domain              example.com\nkind                mailbox\nalias_of            -\n"
        "may send as         list@example.net\nquota               0 (domain)\n"
        "home                /var/vmail/{domain}/{local} (configuration)\npolicy              starttls off\n")
    assert admin.json("domain", "show", "example.org")["alias_of"] == "example.com"
    admin.fails(1, "no domain nowhere.example", "domain", "show", "nowhere.example")


def test_all_or_nothing(admin):
    admin.script(ACCOUNTS)
    admin.fails(1, f"{USER} has no uid of its own", "account", "set", USER, "--quota", "1G", "--uid", "",
                "--status", "disabled")
    shown = admin.json("account", "show", USER)
    assert (shown["fields"], shown["status"]) == ([HOME], "active")


@pytest.mark.parametrize("words, line", [
    (("account", "set", "nobody@example.com", "--quota", "1G"), "no account or domain nobody@example.com"),
    (("domain", "set", "nowhere.example", "--quota", "1G"), "no account or domain nowhere.example"),
    (("account", "set", USER, "--no-field", "nodelay"), f"{USER} has no nodelay of its own")])
def test_there_is_none(admin, words, line):
    admin.script(ACCOUNTS)
    admin.fails(1, line, *words)


def test_a_long_value_is_never_cut(alone):
    alone.script(ACCOUNTS)
    long = "/srv/" + "x" * 395
    alone.ok("account", "set", USER, "--home", long)
    assert f"home                {long} (account)\n" in alone.ok("account", "show", USER)
    alone.policyd.configure(dovecot={"mail": "maildir:/" + "y" * 1000})
    assert f"mail                maildir:/{'y' * 1000} (configuration)\n" in alone.ok("account", "show", USER)
    assert alone.run("account", "set", USER, "--home", long + "x").returncode == 2


# -- another password

def test_release_demands_another_password(admin):
    admin.script(ACCOUNTS)
    admin.ok("account", "suspend", USER, "--reason", "stolen")
    admin.ok("account", "release", USER, "--require-new-password")
    shown = admin.json("account", "show", USER)
    assert shown["suspended"] is None and abs(shown["new_password_since"] - time.time()) < 60
    assert admin.json("account", "show", "other@example.com")["new_password_since"] is None
    request = ("explain", "--login", USER, "--sender", USER, "--recipient", "x@elsewhere.example", "--json")
    reply = "554 5.7.1 Account suspended: this password must not be used any more, set a new one"
    assert admin.json(*request[:-1])["reply"] == reply
    admin.ok("account", "passwd", USER, "--password-stdin", stdin="another\n")
    assert admin.json("account", "show", USER)["new_password_since"] is None
    assert admin.json(*request[:-1])["reply"] == "DUNNO"


def test_demanded_after_the_release(admin):
    admin.script(ACCOUNTS)
    admin.ok("account", "suspend", USER, "--reason", "stolen")
    admin.ok("account", "release", USER)
    admin.fails(1, f"no suspended account {USER}", "account", "release", USER)
    admin.ok("account", "release", USER, "--require-new-password")
    assert admin.json("account", "show", USER)["new_password_since"]
    admin.fails(1, "no suspended account nobody@example.com", "account", "release", "nobody@example.com",
                "--require-new-password")
