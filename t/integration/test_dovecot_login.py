# SPDX-License-Identifier: MIT
"""Logins over IMAP and POP3 through real Dovecot with the driver "postern", its auth cache switched on."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from login_host import ALERT, MISMATCH, PASSWORD, LoginHost, accepted, logins  # noqa: F401  (fixture)
from mailhost import dovecot_dialect as dialect
from mailhost.dovecot_postern import MODULES
from mailhost.mailbox import Imap
from mailhost.process import let_others_enter, run

PROTOCOLS = ("imap", "pop3")
USER = "user@example.com"


def refused_for(protocol, text):
    return ALERT[protocol] + text


def no_encryption(logins, protocol):
    return refused_for(protocol, "This server takes no password without encryption. Set Encryption to STARTTLS on "
                                 f"port {logins.dovecot.ports[protocol]}")


@pytest.fixture
def policy(logins):
    """policy(CHECK, MODE, *SCOPE) for this test."""
    changed = []

    def set_mode(check, mode, *scope):
        logins.ctl("policy", "set", check, mode, *scope, *(["--yes"] if mode == "enforce" else []))
        changed.append((check, scope[:2]))

    yield set_mode
    for check, scope in changed:
        logins.ctl("policy", "unset", check, *scope)


@pytest.fixture
def suspend(logins):
    """suspend(USER, REASON, *OPTIONS) for this test."""
    suspended = []

    def set_suspended(user, reason, *options):
        logins.ctl("account", "suspend", user, "--reason", reason, *options)
        suspended.append(user)

    yield set_suspended
    for user in suspended:
        logins.ctl("account", "release", user, check=False)  # the test may have released it


# ---- TLS

@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plaintext_is_refused_with_its_reason(logins, protocol):
    """The one who can mend it is told how, once his password matched; nobody else is."""
    assert logins.login(protocol=protocol, security="none") == no_encryption(logins, protocol)
    assert logins.login(protocol=protocol, security="none", password="wrong") == MISMATCH[protocol]
    assert logins.login("nobody@example.com", protocol=protocol, security="none") == MISMATCH[protocol]


@pytest.mark.parametrize("security", ["starttls", "implicit"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_encrypted_is_accepted(logins, protocol, security):
    assert accepted(logins.login(protocol=protocol, security=security))
    assert logins.login(protocol=protocol, security=security, password="wrong") == MISMATCH[protocol]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_same_host_needs_no_tls(logins, protocol):
    """Webmail on the same machine, which Dovecot calls secured."""
    assert accepted(logins.login(protocol=protocol, security="none", source="127.0.0.1"))


@pytest.mark.parametrize("scope", [(), ("--domain", "example.com"), ("--account", USER),
                                   ("--account", USER, "--until", "2099-01-01")])
def test_exception(logins, policy, scope):
    policy("starttls", "off", *scope)
    assert accepted(logins.login(security="none"))
    other = logins.login("other@example.com", security="none")
    assert accepted(other) if "--account" not in scope else other == no_encryption(logins, "imap")


def test_expired_exception(logins, policy):
    policy("starttls", "off", "--account", USER, "--until", "2099-01-01")
    logins.edit("UPDATE policy SET expires = 1 WHERE scope = ?", USER)
    assert logins.login(security="none") == no_encryption(logins, "imap")


def test_observe(logins, policy):
    policy("starttls", "observe", "--domain", "example.com")
    assert accepted(logins.login("other@example.com", security="none"))
    logins.wait_log("would be refused if it were enforced: starttls")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_implicit_tls(logins, policy, protocol):
    policy("implicit_tls", "enforce", "--domain", "example.com")
    port = {"imap": 143, "pop3": 110}[protocol]
    assert logins.login(protocol=protocol, security="implicit") == refused_for(
        protocol, f"This server takes no password on this port. Set Encryption to STARTTLS on port {port}")
    assert accepted(logins.login(protocol=protocol))
    policy("implicit_tls", "off", "--account", USER)
    assert accepted(logins.login(protocol=protocol, security="implicit"))


# ---- accounts

@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_suspended(logins, suspend, protocol):
    suspend(USER, "Too much spam; call us: äöü")
    assert logins.login(protocol=protocol) == refused_for(protocol, "Account suspended: Too much spam; call us: äöü")
    assert logins.login(protocol=protocol, password="wrong") == MISMATCH[protocol]
    logins.ctl("account", "release", USER)
    assert accepted(logins.login(protocol=protocol))


def test_suspended_for_one_service(logins, suspend):
    suspend(USER, "too many connections", "--services", "pop3,smtp")
    assert accepted(logins.login())
    assert logins.login(protocol="pop3") == "-ERR [AUTH] Account suspended: too many connections"


def test_reason_is_one_line_and_no_protocol(logins, suspend):
    """What an administrator typed cannot end the reply."""
    suspend(USER, "see %u] {login} \"quoted\" \\ x")
    with Imap(logins.dovecot.ports["imap"]) as imap:
        imap.starttls()
        assert imap.login(USER, PASSWORD).startswith('NO [ALERT] Account suspended: see %u] {login} "quoted" \\ x')
        assert imap.command("NOOP").startswith("OK")


def test_disabled(logins):
    logins.ctl("account", "set", USER, "--status", "disabled")
    try:
        assert logins.login() == "NO [ALERT] Account suspended: disabled by the administrator"
        assert logins.login(password="wrong") == MISMATCH["imap"]
    finally:
        logins.ctl("account", "set", USER, "--status", "active")
    assert accepted(logins.login())


@pytest.mark.parametrize("user", ["o'brien@example.com", "jürgen@example.com", "%u%d{user}@example.net",
                                  "USER@Example.COM", "user", "OTHER"])
def test_names(logins, user):
    """Unusual ones, in another case, and bare ones with the default domain."""
    assert accepted(logins.login(user))
    assert logins.login(user, "wrong") == MISMATCH["imap"]


@pytest.mark.parametrize("user", ["\udcff\udcfe@example.com", "' OR 1=1 --", "a" * 600 + "@example.com", "@example.com",
                                  "user@example.com@example.com", "user@example.net", "user@example.com ", "%u", "*"])
def test_names_that_nobody_has(logins, user):
    assert logins.login(user).startswith("NO ")
    assert accepted(logins.login())


def test_bare_name_becomes_the_whole_address(logins):
    """What the mailbox process is told, and with it Dovecot's log."""
    assert accepted(logins.login("other"))
    logins.wait_log("user=<other@example.com>")


# ---- password schemes

SCHEMES = ("PLAIN", "SSHA512", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "MD5-CRYPT", "PBKDF2", "SSHA.b64", "CRYPT")


@pytest.fixture
def hashed(logins):
    """hashed(STORED) puts a hash into the table for this test."""
    yield lambda stored: logins.edit("UPDATE credential SET password = ? WHERE address = ?", stored, USER)
    logins.ctl("account", "passwd", USER, "--password-stdin", stdin=PASSWORD + "\n")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes(logins, hashed, scheme):
    hashed(logins.dovecot.doveadm("pw", "-s", scheme, "-p", "grüße").stdout.strip())
    assert accepted(logins.login(password="grüße"))
    assert logins.login(password="grusse") == MISMATCH["imap"]


@pytest.mark.parametrize("stored", ["{NOSUCH}x", "{CRYPT}*", "{CRYPT}", "{SSHA512}not base64", "{BLF-CRYPT}$2y$", "*",
                                    "{SHA512-CRYPT}$6$" + "x" * 2000])
def test_hash_that_is_none(logins, hashed, stored):
    hashed(stored)
    for password in ("", "x", stored, PASSWORD):
        assert logins.login(password=password).startswith("NO ")


@pytest.mark.parametrize("scheme", ["yescrypt", "bcrypt"])
def test_hashes_of_policyctl(logins, scheme):
    logins.policyd.configure(password_scheme=scheme)
    logins.ctl("account", "add", f"{scheme}@example.net", "--password-stdin", stdin="pässword\n")
    assert accepted(logins.login(f"{scheme}@example.net", "pässword"))
    assert logins.login(f"{scheme}@example.net", "password") == MISMATCH["imap"]


def test_cram_md5(logins, hashed):
    """A mechanism that proves the password without sending it: no TLS needed, and a hash will not do."""
    def cram(password):
        with Imap(logins.dovecot.ports["imap"]) as imap:
            return imap.login_cram(USER, password)

    assert cram(PASSWORD).startswith("NO ")
    hashed("{PLAIN}shared")
    assert accepted(cram("shared"))
    assert cram("other") == MISMATCH["imap"]
    logins.ctl("account", "suspend", USER, "--reason", "x")
    try:
        assert cram("shared").startswith("NO ") and "suspended" not in cram("shared")
    finally:
        logins.ctl("account", "release", USER)


# ---- Dovecot's cache

@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cache_knows_no_account(logins, suspend, protocol):
    """Suspended, another password, no TLS: each is refused at the next login, behind logins that a cache would have
    kept, and so is the next one after it; what is right again passes at once."""
    user = "other@example.com"

    def login(password=PASSWORD, security="starttls"):
        return [logins.login(user, password, protocol, security) for _ in range(2)]

    def all_pass(*arguments):
        return all(map(accepted, login(*arguments)))

    def flushed():  # what Dovecot's cache held, which is emptied by that
        return logins.dovecot.doveadm("auth", "cache", "flush").stdout

    suspended = refused_for(protocol, "Account suspended: now")
    flushed()
    assert all_pass()
    assert login(security="none") == [no_encryption(logins, protocol)] * 2
    assert all_pass()
    suspend(user, "now")
    assert login() == [suspended] * 2
    assert login(security="implicit") == [suspended] * 2
    assert [accepted(reply) for reply in login(security="none")] == [False] * 2
    logins.ctl("account", "release", user)
    assert all_pass()
    try:
        logins.ctl("account", "passwd", user, "--password-stdin", stdin="new\n")
        assert login() == [MISMATCH[protocol]] * 2
        assert all_pass("new") and login() == [MISMATCH[protocol]] * 2
        assert login("new", "none") == [no_encryption(logins, protocol)] * 2
        suspend(user, "now")
        assert login("new") == [suspended] * 2 and login() == [MISMATCH[protocol]] * 2
    finally:
        logins.ctl("account", "release", user, check=False)
        logins.ctl("account", "passwd", user, "--password-stdin", stdin=PASSWORD + "\n")
    assert login("new") == [MISMATCH[protocol]] * 2 and all_pass()
    assert flushed() == "0 cache entries flushed\n"


def test_the_cache_is_on(tmp_path):
    """It keeps what a passdb of Dovecot's own says, and nothing of the driver's: so the test above says something."""
    let_others_enter(tmp_path)
    users = tmp_path / "users"
    with closing(sqlite3.connect(users)) as db, db:
        db.execute("CREATE TABLE users (name TEXT, password TEXT)")
        db.execute("INSERT INTO users VALUES ('cached@example.com', '{PLAIN}secret')")
    host = LoginHost(tmp_path, more=dialect.sqlite_passdb(
        tmp_path, users, "SELECT password FROM users WHERE name = '{user}'"))
    shutil.copytree(f"{MODULES}/auth", host.dovecot.directory / "modules" / "auth")

    def cached():
        return host.dovecot.doveadm("auth", "test", "cached@example.com", PASSWORD, check=False).returncode == 0

    def flushed():
        return host.dovecot.doveadm("auth", "cache", "flush").stdout

    try:
        host.prepare()
        host.start()
        assert cached() and accepted(host.login("other@example.com"))
        with closing(sqlite3.connect(users)) as db, db:
            db.execute("UPDATE users SET password = '{PLAIN}new'")
        host.ctl("account", "passwd", "other@example.com", "--password-stdin", stdin="new\n")
        assert cached() and host.login("other@example.com") == MISMATCH["imap"]
        assert flushed() == "2 cache entries flushed\n"  # the one, and that the other is none of that passdb's
        assert not cached()
    finally:
        host.stop()


def test_cache_knows_no_absence(logins):
    assert logins.login("later@example.com") == MISMATCH["imap"]
    logins.ctl("account", "add", "later@example.com", "--password-stdin", stdin=PASSWORD + "\n")
    assert accepted(logins.login("later@example.com"))
    logins.ctl("account", "remove", "later@example.com")
    assert logins.login("later@example.com") == MISMATCH["imap"]


def test_same_password_two_users(logins):
    """Each is himself: the mailbox that a login opens is his own."""
    for user in ("user", "other", "user"):
        with Imap(logins.dovecot.ports["imap"]) as imap:
            imap.starttls()
            assert accepted(imap.login(f"{user}@example.com", PASSWORD))
            imap.command(f"CREATE of-{user}")
    for user, absent in (("user", "other"), ("other", "user")):
        mail = logins.directory / "mail" / "example.com" / user / "Maildir"
        assert (mail / f".of-{user}").is_dir() and not (mail / f".of-{absent}").exists()


# ---- a mail program that nobody here wrote

@pytest.mark.parametrize("protocol, no, yes", [("imap", "NO [ALERT]", "OK"), ("pop3", "-ERR [AUTH]", "+OK")])
def test_curl(logins, protocol, no, yes):
    def curl(*options, scheme=protocol, password=PASSWORD):
        url = f"{scheme}://127.0.0.1:{logins.dovecot.ports[scheme]}/"
        return run("curl", "-svk", "--interface", "127.0.0.2", "--login-options", "AUTH=PLAIN", "-u",
                   f"{USER}:{password}", *options, url, check=False)

    for right in (curl("--ssl-reqd"), curl(scheme=protocol + "s")):
        assert right.returncode == 0 and yes in right.stderr
    assert curl("--ssl-reqd", password="wrong").returncode == 67  # login denied
    plain = curl()
    assert plain.returncode == 67 and f"{no} This server takes no password without encryption." in plain.stderr


# ---- other look-ups

def test_credentials_lookup(logins, suspend):
    """doveadm(1) shows what a proxy or a mechanism would get."""
    def lookup(user):
        return logins.dovecot.doveadm("auth", "lookup", user, check=False)

    assert f"  user      : {USER}\n" in lookup("User").stdout
    assert lookup("nobody@example.com").returncode == 67
    suspend(USER, "x")
    assert lookup(USER).returncode != 0


# ---- setting up

def test_ready_file(logins, tmp_path):
    """Dovecot takes the file of contrib as it stands."""
    name = "90-postern-2.4.conf" if dialect.IS_2_4 else "90-postern-2.3.conf"
    path = Path(__file__).resolve().parents[2] / "contrib" / "dovecot" / name
    config = tmp_path / "dovecot.conf"
    config.write_text(f"{dialect.VERSION}!include {path}\n")
    settings = logins.dovecot.doveconf("-n", config)
    assert settings.count("= /etc/postern/policyd.conf") == 2 and dialect.CLEARTEXT.splitlines()[0] in settings


# ---- userdb

def test_userdb_fields(logins, suspend):
    """Of a suspended account too: mail to it still arrives."""
    suspend(USER, "x")
    fields = dict(line.split("\t", 1) for line in logins.dovecot.doveadm("user", USER).stdout.splitlines()
                  if "\t" in line)
    home = f"{logins.directory}/mail/example.com/user"
    expected = {"uid": "65534", "gid": "65534", "home": home, **dialect.mail_field(home)}
    assert {name: fields[name] for name in expected} == expected
    assert logins.dovecot.doveadm("user", "nobody@example.com", check=False).returncode == 67
    assert f"{logins.directory}/mail/example.com/other" in logins.dovecot.doveadm("user", "Other").stdout


def test_iteration(logins):
    expected = {account["address"] for account in json.loads(logins.ctl("account", "list", "--json").stdout)}
    assert set(logins.dovecot.doveadm("user", "*").stdout.split()) == expected
    assert logins.dovecot.doveadm("user", "o*").stdout.split() == ["o'brien@example.com", "other@example.com"]
