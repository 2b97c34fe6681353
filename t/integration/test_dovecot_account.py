# SPDX-License-Identifier: MIT
"""What Dovecot is told of an account, through real Dovecot: the userdb, extra fields, and a new password demanded."""

import pytest

from login_host import ALERT, MISMATCH, PASSWORD, accepted, logins  # noqa: F401  (fixture)
from mailhost import dovecot_dialect as dialect
from mailhost.mailbox import ELSEWHERE, Imap
from mailhost.process import wait_for

USER = "user@example.com"
OTHER = "other@example.com"
NEW_PASSWORD = "Account suspended: this password must not be used any more, set a new one"


@pytest.fixture
def account(logins):
    """A fresh account in a domain of its own, both gone afterwards."""
    logins.policyd.script("domain add fresh.example\naccount add fresh@fresh.example")
    yield "fresh@fresh.example"
    logins.ctl("account", "remove", "fresh@fresh.example")
    logins.ctl("domain", "remove", "fresh.example")


def user_fields(logins, user):
    """What doveadm(1) shows of the userdb."""
    lines = logins.dovecot.doveadm("user", user).stdout.splitlines()
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def quota_field(size):
    return {"quota_storage_size": size} if dialect.IS_2_4 else {"quota_rule": f"*:storage={size}"}


# ---- userdb

def test_account_then_domain_then_configuration(logins, account):
    assert user_fields(logins, account)["home"] == f"{logins.directory}/mail/fresh.example/fresh"
    assert not quota_field("2G").keys() & user_fields(logins, account).keys()
    logins.ctl("domain", "set", "fresh.example", "--home", "/srv/{domain}/{local}", "--quota", "2G", "--gid", "mail")
    fields = user_fields(logins, account)
    assert fields["home"] == "/srv/fresh.example/fresh" and fields.items() >= quota_field("2G").items()
    assert (fields["uid"], fields["gid"]) == ("65534", "8")
    logins.ctl("account", "set", account, "--home", "/srv/own", "--quota", "0")
    fields = user_fields(logins, account)
    assert fields["home"] == "/srv/own" and fields.items() >= quota_field("0").items() and fields["gid"] == "8"
    assert logins.dovecot.doveadm("user", "-f", "home", account).stdout == "/srv/own\n"
    assert user_fields(logins, OTHER)["home"] == f"{logins.directory}/mail/example.com/other"


def test_mail_location_of_the_account(logins, account):
    """The mailbox that a login opens is there."""
    logins.ctl("account", "set", account, "--mail", "maildir:~/Moved")
    with Imap(logins.dovecot.ports["imap"]) as imap:
        imap.starttls()
        assert accepted(imap.login(account, PASSWORD))
        assert imap.command("CREATE Trips").startswith("OK")
    home = logins.directory / "mail" / "fresh.example" / "fresh"
    assert (home / "Moved" / ".Trips").is_dir() and not (home / "Maildir").exists()


def test_extra_fields_of_the_userdb(logins, account):
    logins.ctl("domain", "set", "fresh.example", "--field", "userdb_color=blue", "--field", "userdb_shape=%u {user}")
    logins.ctl("account", "set", account, "--field", "userdb_color=red")
    fields = user_fields(logins, account)
    assert (fields["color"], fields["shape"]) == ("red", "%u {user}")
    assert "color" not in logins.dovecot.doveadm("auth", "lookup", account).stdout


# ---- passdb

@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_allow_nets(logins, account, protocol):
    """Dovecot refuses from elsewhere, right password or not; a domain's field holds for its accounts."""
    assert accepted(logins.login(account, protocol=protocol))
    logins.ctl("domain", "set", "fresh.example", "--field", "allow_nets=192.0.2.0/24")
    assert logins.login(account, protocol=protocol) == MISMATCH[protocol]
    logins.ctl("account", "set", account, "--field", f"allow_nets={ELSEWHERE}")
    assert accepted(logins.login(account, protocol=protocol))
    assert logins.login(account, protocol=protocol, source="127.0.0.3") == MISMATCH[protocol]
    assert accepted(logins.login(USER, protocol=protocol, source="127.0.0.3"))


def test_allow_nets_without_the_password(logins, account):
    """Also for mechanisms that prove it."""
    def cram():
        with Imap(logins.dovecot.ports["imap"]) as imap:
            return imap.login_cram(account, "shared")

    logins.edit("UPDATE credential SET password = ? WHERE address = ?", "{PLAIN}shared", account)
    assert accepted(cram())
    logins.ctl("account", "set", account, "--field", "allow_nets=192.0.2.0/24")
    assert cram() == MISMATCH["imap"]


def test_extra_field_of_the_passdb(logins, account):
    """The userdb does not get it."""
    logins.ctl("account", "set", account, "--field", "color=green")
    assert "  color     : green\n" in logins.dovecot.doveadm("auth", "lookup", account).stdout
    assert "color" not in user_fields(logins, account)


def test_a_field_that_grants_in_the_table_by_other_means(logins, account):
    """Were one there, a wrong password would still be one."""
    logins.ctl("account", "set", account, "--field", "color=green")
    for name in ("nopassword", "noauthenticate"):
        logins.edit("UPDATE account_field SET name = ? WHERE scope = ?", name, account)
        assert logins.login(account, "wrong") == MISMATCH["imap"]


# ---- another password

def demand(logins, user):
    logins.ctl("account", "suspend", user, "--reason", "Your password was stolen")
    logins.ctl("account", "release", user, "--require-new-password")


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_release_demands_another_password(logins, account, protocol):
    """The old one is refused with its reason, the new one accepted, and nobody else concerned."""
    demand(logins, account)
    assert logins.login(account, protocol=protocol) == ALERT[protocol] + NEW_PASSWORD
    assert logins.login(account, "wrong", protocol) == MISMATCH[protocol]
    assert accepted(logins.login(OTHER, protocol=protocol))
    assert user_fields(logins, account)["home"]
    logins.ctl("account", "passwd", account, "--password-stdin", stdin="another\n")
    assert accepted(logins.login(account, "another", protocol))
    assert logins.login(account, protocol=protocol) == MISMATCH[protocol]


def test_the_old_password_set_once_more(logins, account):
    """In another hash it is still the old one."""
    demand(logins, account)
    for options in ({}, {"password_scheme": "bcrypt"}):
        logins.policyd.configure(**options)
        logins.ctl("account", "passwd", account, "--password-stdin", stdin=PASSWORD + "\n")
        assert logins.login(account) == ALERT["imap"] + NEW_PASSWORD
    logins.policyd.configure(password_scheme="yescrypt")


@pytest.mark.parametrize("scheme", ["SSHA512", "SHA512-CRYPT", "PLAIN"])
def test_schemes_of_the_old_password(logins, account, scheme):
    """Whatever hash the account came with."""
    hashed = logins.dovecot.doveadm("pw", "-s", scheme, "-p", PASSWORD).stdout.strip()
    logins.edit("UPDATE credential SET password = ? WHERE address = ?", hashed, account)
    demand(logins, account)
    logins.ctl("account", "passwd", account, "--password-stdin", stdin=PASSWORD + "\n")
    assert logins.login(account) == ALERT["imap"] + NEW_PASSWORD
    logins.ctl("account", "passwd", account, "--password-stdin", stdin="another\n")
    before = len(logins.dovecot.log_text())
    assert accepted(logins.login(account, "another"))
    wait_for(lambda: f"user=<{account}>" in logins.dovecot.log_text()[before:], "the login in Dovecot's log")
    assert "mismatch" not in logins.dovecot.log_text()[before:].lower(), "that it is not the old one is no fault"
