# SPDX-License-Identifier: MIT
"""policyctl's subcommands, alike whether policyd runs or not: what they change, print and refuse."""

import datetime
import os
import re
import sqlite3
import subprocess
import time

import pytest

from admin import ACCOUNTS, admin, alone  # noqa: F401  (fixtures)
from mailhost.policyd import program
from mailhost.process import let_others_enter, run

# The command list of the project's first issue, word for word.
COMMANDS = """
policyctl -c policyd.conf init
policyctl -c policyd.conf domain add example.com
policyctl -c policyd.conf domain add example.org --alias-of example.com
policyctl -c policyd.conf account add user@example.com --password-stdin
policyctl -c policyd.conf alias add info@example.com user@example.com
policyctl -c policyd.conf grant add user@example.com '@example.org'
policyctl -c policyd.conf account suspend user@example.com --reason "stolen password"
policyctl -c policyd.conf account release user@example.com
policyctl -c policyd.conf policy set helo_fqdn enforce --yes
policyctl -c policyd.conf policy set helo_resolve enforce --domain example.com --until 2027-01-31 --yes
policyctl -c policyd.conf explain < request.txt
"""

REQUEST = ("request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.1\nhelo_name=laptop.local\n"
           "sender=anna@example.net\nrecipient=user@example.com\n\n")

def local_seconds(*date):
    """Seconds since 1970 of a local date and time."""
    return int(datetime.datetime(*date).timestamp())


def today(days=0):
    """A day from now, as --until takes it."""
    return (datetime.date.today() + datetime.timedelta(days)).isoformat()


def test_command_list(admin):
    """As it stands in the issue, in a shell, in the configuration's directory."""
    (admin.directory / "request.txt").write_text(REQUEST)
    path = os.path.dirname(program("policyctl")) + ":" + os.environ["PATH"]
    outputs = []
    for line in COMMANDS.strip().splitlines():
        feed = "echo secret | " if "--password-stdin" in line else ""
        outputs.append(run("sh", "-c", feed + line, cwd=admin.directory, env={**os.environ, "PATH": path}).stdout)
    assert outputs[-1].startswith("reply           554 5.7.1 Go away, bad guy (.local).\n")
    assert outputs[1:-1] == [""] * 9
    show = admin.json("account", "show", "user@example.com")
    assert (show["grants"], show["suspended"]) == (["@example.org"], None)
    rows = [row for row in admin.json("policy", "show") if row["scope"] != "default"]
    assert rows == [
        {"check": "helo_fqdn", "scope": "host", "name": None, "mode": "enforce", "from": None, "until": None, "expired": False},
        {"check": "helo_resolve", "scope": "domain", "name": "example.com", "mode": "enforce",
         "from": None, "until": local_seconds(2027, 1, 31), "expired": local_seconds(2027, 1, 31) <= time.time()}]


# -- init

def test_init_makes_everything(tmp_path):
    let_others_enter(tmp_path)
    config, data = tmp_path / "policyd.conf", tmp_path / "data"
    config.write_text(f'accounts_db = "{data}/accounts.db"\nstate_db = "{data}/state.db"\nuser = "nobody"\n'
                      f'control_socket = "{tmp_path}/control"\n')
    policyctl = [program("policyctl"), "-c", config, "init"]
    assert run(*policyctl).stdout == (
        f"{data}: made\n{data}/accounts.db: made\n{data}/state.db: made\n")
    assert run(*policyctl).stdout == f"{data}/accounts.db: up to date\n{data}/state.db: up to date\n"
    nobody = int(run("id", "-u", "nobody").stdout)
    assert (data.stat().st_uid, data.stat().st_mode & 0o7777) == (nobody, 0o2750)
    for file in data.iterdir():
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (nobody, 0o640), file


def test_init_while_policyd_runs(admin):
    data = admin.policyd.directory / "lib"
    assert admin.ok("init") == f"{data}/accounts.db: up to date\n{data}/state.db: up to date\n"


def test_init_without_the_user(alone):
    alone.policyd.configure(user="no-such-user", accounts_db=str(alone.directory / "new" / "accounts.db"))
    alone.fails(1, "user: there is no 'no-such-user': adduser --system --group no-such-user, or name another in "
                f"{alone.policyd.config}", "init")
    assert not (alone.directory / "new").exists()


def test_init_without_the_parent_directory(alone):
    alone.policyd.configure(accounts_db=str(alone.directory / "a" / "b" / "accounts.db"))
    alone.fails(1, f"{alone.directory}/a/b: cannot be made: No such file or directory", "init")


def test_init_refuses_a_newer_schema(alone):
    path = alone.policyd.settings["accounts_db"]
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    done = alone.run("init")
    assert done.returncode == 1
    assert re.fullmatch(rf"policyctl: {path}: schema version 999 is newer than this program's \d+: upgrade Postern\n",
                        done.stderr)


# -- domains

def test_domains(admin):
    admin.script("domain add Example.COM\ndomain add bücher.example --relay\ndomain add example.org --alias-of "
                 "example.com\naccount add user@example.com\nalias add info@example.com user@example.com")
    assert admin.json("domain", "list") == [
        {"domain": "example.com", "kind": "mailbox", "alias_of": None, "accounts": 1, "aliases": 1},
        {"domain": "example.org", "kind": "alias", "alias_of": "example.com", "accounts": 0, "aliases": 0},
        {"domain": "xn--bcher-kva.example", "kind": "relay", "alias_of": None, "accounts": 0, "aliases": 0}]
    assert admin.ok("domain", "list") == (
        "DOMAIN                 KIND     ALIAS OF     ACCOUNTS  ALIASES\n"
        "example.com            mailbox  -            1         1\n"
        "example.org            alias    example.com  0         0\n"
        "xn--bcher-kva.example  relay    -            0         0\n")
    admin.fails(1, "domain example.com exists already", "domain", "add", "EXAMPLE.com")
    admin.fails(1, "domain example.com still has accounts, aliases or alias domains: remove them first",
                "domain", "remove", "example.com")
    admin.ok("domain", "remove", "bücher.example")
    admin.fails(1, "no domain xn--bcher-kva.example", "domain", "remove", "bücher.example")


def test_domain_of_both_kinds(admin):
    admin.fails(2, "--relay and --alias-of exclude each other",
                "domain", "add", "a.example", "--relay", "--alias-of", "b.example")


def test_alias_domain_of_a_stranger(admin):
    admin.fails(1, "domain b.example is not known, or is itself an alias: add the domain it shall stand for first",
                "domain", "add", "a.example", "--alias-of", "b.example")


# -- accounts

def test_account(admin):
    admin.script(ACCOUNTS + "grant add user@example.com info@example.net\n"
                 "policy set sender_login enforce --account user@example.com --yes")
    admin.ok("account", "suspend", "user@example.com", "--reason", "stolen password", "--services", "smtp,imap",
             "--until", "2099-12-31T23:59")
    admin.ok("account", "set", "other@example.com", "--status", "disabled")
    before = int(time.time())
    shown = admin.json("account", "show", "user@example.com")
    assert abs(shown.pop("suspended_since") - before) < 60
    assert abs(shown.pop("password_changed") - before) < 60 and abs(shown.pop("created") - before) < 60
    assert shown == {
        "address": "user@example.com", "kind": "user", "status": "active", "suspended": "smtp,imap",
        "suspended_reason": "stolen password", "suspended_until": local_seconds(2099, 12, 31, 23, 59),
        "new_password_since": None, "suspended_by": "root", "suspended_evidence": None,
        "grants": ["info@example.net"],
        "fields": [{"name": "home", "value": "/var/vmail/{domain}/{local}", "from": "configuration"}],
        "policy": [{"check": "sender_login", "mode": "enforce", "until": None, "from": None}]}
    assert admin.ok("account", "list") == (
        "ADDRESS            KIND  STATUS    SUSPENDED  UNTIL\n"
        "other@example.com  user  disabled  -          -\n"
        "user@example.com   user  active    smtp,imap  2099-12-31 23:59\n")
    shown = admin.ok("account", "show", "user@example.com")
    assert "suspended_reason    stolen password\n" in shown
    assert "may send as         info@example.net\n" in shown
    assert shown.endswith("policy              sender_login enforce\n")
    admin.ok("account", "release", "user@example.com")
    admin.fails(1, "no suspended account user@example.com", "account", "release", "user@example.com")
    admin.ok("account", "set", "other@example.com", "--status", "active")
    assert [a["status"] for a in admin.json("account", "list", "--domain", "EXAMPLE.com")] == ["active", "active"]
    admin.ok("account", "remove", "user@example.com")
    admin.fails(1, "no account user@example.com", "account", "show", "user@example.com")
    assert admin.json("grant", "list") == []


@pytest.mark.parametrize("verb", [("remove",), ("release",), ("show",), ("set", "--status", "active"),
                                  ("suspend", "--reason", "x"), ("passwd", "--password-stdin")])
def test_no_such_account(admin, verb):
    line = "no suspended account nobody@example.com" if verb[0] == "release" else "no account nobody@example.com"
    admin.fails(1, line, "account", verb[0], "nobody@example.com", *verb[1:], stdin="secret\n")


def test_account_in_no_domain(admin):
    admin.fails(1, "domain example.com is not known: policyctl domain add example.com",
                "account", "add", "user@example.com", "--password-stdin", stdin="secret\n")


@pytest.mark.parametrize("address", ["o'brien@example.com", "a?b@example.com", '"x y"@example.com',
                                     "jürgen@example.com", "!#$%&*+/=^_`{|}~@example.com"])
def test_odd_addresses(admin, address):
    admin.ok("domain", "add", "example.com")
    admin.ok("account", "add", address, "--password-stdin", stdin="secret\n")
    assert admin.json("account", "show", address)["address"] == address
    assert admin.ok("account", "list").splitlines()[1].startswith(address)


def test_long_addresses_are_never_cut(admin):
    admin.ok("domain", "add", "example.com")
    long = "a" * 60 + "@example.com"
    for address in (long, "b@example.com"):
        admin.ok("account", "add", address, "--password-stdin", stdin="secret\n")
    lines = admin.ok("account", "list").splitlines()
    assert lines[1] == long + "  user  active  -          -"
    assert lines[2] == "b@example.com  user  active  -          -"


# -- aliases and grants

def test_aliases(admin):
    admin.script(ACCOUNTS)
    admin.ok("alias", "add", "team@example.com", "user@example.com", "other@example.com", "--members-send")
    admin.ok("alias", "add", "@example.com", "user@example.com")
    team = {"alias": "team@example.com", "members_send": True,
            "destinations": ["other@example.com", "user@example.com"]}
    catchall = {"alias": "@example.com", "members_send": False, "destinations": ["user@example.com"]}
    assert admin.json("alias", "list") == [catchall, team]
    assert admin.ok("alias", "list") == ("ALIAS             MEMBERS SEND  DESTINATION\n"
                                         "@example.com      no            user@example.com\n"
                                         "team@example.com  yes           other@example.com\n"
                                         "team@example.com  yes           user@example.com\n")
    admin.fails(1, "alias team@example.com goes to user@example.com already",
                "alias", "add", "team@example.com", "new@example.com", "user@example.com")
    assert admin.json("alias", "list") == [catchall, team], "all or nothing"
    admin.ok("alias", "add", "team@example.com", "third@elsewhere.example")
    assert admin.json("alias", "list")[1]["members_send"], "not named: as it was"
    admin.ok("alias", "set", "team@example.com", "--no-members-send")
    admin.ok("alias", "remove", "team@example.com", "other@example.com", "third@elsewhere.example")
    assert admin.json("alias", "list")[1] == {**team, "members_send": False, "destinations": ["user@example.com"]}
    admin.fails(1, "alias team@example.com does not go to nobody@example.com",
                "alias", "remove", "team@example.com", "user@example.com", "nobody@example.com")
    admin.ok("alias", "remove", "team@example.com", "user@example.com")
    admin.ok("alias", "remove", "@example.com")
    assert admin.json("alias", "list", "--domain", "example.com") == []
    admin.fails(1, "no alias @example.com", "alias", "remove", "@example.com")
    admin.fails(1, "no domain nowhere.example", "alias", "list", "--domain", "nowhere.example")


def test_alias_with_many_destinations(admin):
    """More than one request of policyd's limits would be: still all or nothing, by either way."""
    admin.script(ACCOUNTS)
    many = [f"member{n}@elsewhere.example" for n in range(500)]
    admin.ok("alias", "add", "all@example.com", *many)
    assert admin.json("alias", "list")[0]["destinations"] == sorted(many)


def test_grants(admin):
    admin.script(ACCOUNTS)
    admin.ok("grant", "add", "USER@example.com", "@Example.NET")
    admin.ok("grant", "add", "@example.com", "*")
    assert admin.json("grant", "list") == [{"grantee": "@example.com", "sender": "*"},
                                           {"grantee": "user@example.com", "sender": "@example.net"}]
    assert admin.ok("grant", "list", "user@example.com") == ("WHO               MAY SEND AS\n"
                                                             "user@example.com  @example.net\n")
    admin.fails(1, "user@example.com may send as @example.net already",
                "grant", "add", "user@example.com", "@example.net")
    admin.fails(1, "no account or domain nobody@example.com", "grant", "add", "nobody@example.com", "*")
    admin.ok("grant", "remove", "@example.com", "*")
    admin.fails(1, "@example.com has no grant for *", "grant", "remove", "@example.com", "*")


# -- lists and policy

def test_lists(admin):
    admin.script(ACCOUNTS)
    admin.ok("list", "allow", "--sender", "App@Example.com", "--client", "192.0.2.0/24", "--note", "the app")
    admin.ok("list", "deny", "--helo", ".Bad.example", "--domain", "example.com", "--until", "2099-01-01")
    allow, deny = admin.json("list", "show")
    nothing = dict.fromkeys(("client", "client_name", "helo", "sender", "recipient", "domain", "until", "note"))
    assert allow == {**nothing, "id": allow["id"], "action": "allow", "client": "192.0.2.0/24",
                     "sender": "app@example.com", "note": "the app"}
    assert deny == {**nothing, "id": deny["id"], "action": "deny", "helo": ".bad.example",
                    "domain": "example.com", "until": local_seconds(2099, 1, 1)}
    assert admin.ok("list", "show").splitlines()[0].split() == [
        "ID", "ACTION", "CLIENT", "CLIENT-NAME", "HELO", "SENDER", "RECIPIENT", "DOMAIN", "UNTIL", "NOTE"]
    admin.fails(1, "such an entry exists already",
                "list", "allow", "--client", "192.0.2.0/24", "--sender", "app@example.com")
    admin.fails(1, "no such entry: see policyctl list show", "list", "remove", "deny", "--client", "192.0.2.0/24")
    admin.ok("list", "remove", "allow", "--client", "192.0.2.0/24", "--sender", "app@example.com")
    admin.fails(1, "no list entry 999: see policyctl list show", "list", "remove", "999")
    admin.ok("list", "remove", str(deny["id"]))
    assert admin.json("list", "show") == []


def test_policy(admin):
    admin.script(ACCOUNTS)
    tomorrow = today(1)
    defaults = admin.json("policy", "show")
    assert {row["scope"] for row in defaults} == {"default"}
    admin.ok("policy", "set", "helo_fqdn", "off", "--domain", "Example.com")
    admin.ok("policy", "set", "helo_fqdn", "observe")
    admin.ok("policy", "set", "sender_login", "enforce", "--account", "user@example.com", "--until", tomorrow,
             "--yes")
    lines = admin.ok("policy", "show").splitlines()
    assert lines[0].split() == ["CHECK", "SCOPE", "MODE", "FROM", "UNTIL"]
    words = [line.split() for line in lines if line.startswith(("helo_fqdn", "sender_login"))]
    assert words == [["sender_login", "default", "observe", "-", "-"],
                     ["sender_login", "user@example.com", "enforce", "-", tomorrow, "00:00"],
                     ["helo_fqdn", "default", "observe", "-", "-"],
                     ["helo_fqdn", "host", "observe", "-", "-"],
                     ["helo_fqdn", "example.com", "off", "-", "-"]]
    admin.ok("policy", "unset", "helo_fqdn", "--domain", "example.com")
    admin.fails(1, "no policy row for helo_fqdn in that scope",
                "policy", "unset", "helo_fqdn", "--domain", "example.com")
    admin.ok("policy", "set", "all", "enforce", "--yes")
    rows = [row for row in admin.json("policy", "show") if row["scope"] == "host"]
    assert [row["check"] for row in rows] == [row["check"] for row in defaults]
    assert {row["mode"] for row in rows} == {"enforce"}
    admin.ok("policy", "unset", "all")
    admin.ok("policy", "unset", "all", "--account", "user@example.com")
    assert admin.json("policy", "show") == defaults
    admin.fails(1, "no policy row for the host", "policy", "unset", "all")


def test_expired_rows_are_marked(alone):
    alone.script(ACCOUNTS)
    alone.ok("policy", "set", "helo_fqdn", "enforce", "--until", "2099-01-01", "--yes")
    alone.ok("account", "suspend", "user@example.com", "--reason", "x", "--until", "2099-01-01")
    with sqlite3.connect(alone.policyd.settings["accounts_db"]) as db:
        db.execute("UPDATE policy SET expires = ?", (local_seconds(2020, 2, 29),))
        db.execute("UPDATE account SET suspended_until = ? WHERE suspended IS NOT NULL", (local_seconds(2020, 3, 1),))
    assert ["helo_fqdn", "host", "enforce", "-", "2020-02-29", "00:00", "expired"] in [
        line.split() for line in alone.ok("policy", "show").splitlines()]
    assert [row["expired"] for row in alone.json("policy", "show") if row["scope"] == "host"] == [True]
    assert "2020-03-01 00:00 expired" in alone.ok("account", "list")


def test_policy_for_strangers(admin):
    admin.fails(1, "no account or domain example.com", "policy", "set", "helo_fqdn", "off", "--domain", "example.com")


# -- status, reload

def test_status(admin):
    admin.script(ACCOUNTS)
    done = admin.run("status", "--json")
    assert (done.returncode, '"accounts": 2' in done.stdout) == (0 if admin.running else 3, True)
    table = dict(line.split(None, 1) for line in admin.run("status").stdout.splitlines())
    assert table["running"] == ("yes" if admin.running else "no")
    assert (table["accounts"], table["domains"]) == ("2", "3")
    if admin.running:
        status = admin.json("status")
        assert status["running"] is True and status["accounts_readable"] is True
        assert status["configuration"] == str(admin.policyd.config) and status["requests"] > 0
    else:
        assert done.stderr == f"policyctl: {admin.policyd.settings['control_socket']}: policyd does not run\n"


def test_reload(admin):
    if not admin.running:
        admin.fails(3, f"{admin.policyd.settings['control_socket']}: policyd does not run", "reload")
        return
    admin.policyd.configure(helo_local={"text": "Not with {suffix}"})
    assert admin.ok("reload") == ""
    admin.policyd.wait_log("configuration read again")
    admin.policyd.configure(accounts_db="/elsewhere/accounts.db")
    admin.fails(1, f"{admin.policyd.config}: a new accounts_db needs a restart: the old configuration stays", "reload")


# -- one writer at a time

def test_two_at_once(alone):
    """Without policyd each waits for the other: nothing is lost, nobody fails."""
    alone.ok("domain", "add", "example.com")
    argv = [program("policyctl"), "-c", str(alone.policyd.config), "alias", "add"]
    children = [subprocess.Popen([*argv, f"alias{n}@example.com", "user@example.com"], stderr=subprocess.PIPE)
                for n in range(4)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 4
    assert len(alone.json("alias", "list")) == 4


def test_lock_held_without_policyd(alone):
    """Somebody writes and does not answer: one line, and to be tried again."""
    lock = alone.policyd.settings["accounts_db"] + ".lock"
    holder = subprocess.Popen(["flock", lock, "sh", "-c", "echo held; read x"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        done = alone.run("domain", "add", "example.com")
        assert done.returncode == 3
        assert re.fullmatch(rf"policyctl: {lock}: held by process \w+: only one policyd, or a policyctl without it, "
                            r"may write\n", done.stderr)
    finally:
        holder.communicate(b"\n")
    alone.ok("domain", "add", "example.com")


def test_lock_held_for_some_seconds(alone):
    """A disk that is busy: policyctl waits for who writes."""
    holder = subprocess.Popen(["flock", alone.policyd.settings["accounts_db"] + ".lock", "sh", "-c", "echo held; read x"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    waiting = subprocess.Popen([program("policyctl"), "-c", alone.policyd.config, "domain", "add", "example.com"],
                               stderr=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(5)
    holder.communicate(b"\n")
    assert (waiting.communicate()[1], waiting.returncode) == (b"", 0)


def test_databases_absent(alone):
    path = alone.directory / "absent.db"
    alone.policyd.configure(accounts_db=str(path))
    line = f"{path}: No such file or directory: make it with policyctl init"
    for arguments in (("domain", "list"), ("domain", "add", "example.com")):
        alone.fails(3, line, *arguments)
    done = alone.run("status")
    assert (done.returncode, done.stderr) == (3, f"policyctl: {line}\n")
    assert not path.exists()


def test_root_leaves_no_files_of_its_own(admin):
    """What policyctl makes as root, policyd's user can write."""
    admin.script(ACCOUNTS)
    nobody = int(run("id", "-u", "nobody").stdout)
    for file in (admin.policyd.directory / "lib").iterdir():
        assert file.stat().st_uid == nobody, file
