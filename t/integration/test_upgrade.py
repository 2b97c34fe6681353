# SPDX-License-Identifier: MIT
"""Databases of every earlier schema version: policyd's start and policyctl init bring them up to date with all that
they hold, and a newer one is refused by every program, in words that say what to do."""

import os
import pwd
import re
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

import old_databases
from admin import Admin
from login_host import logins  # noqa: F401  (a fixture)
from mailhost.policy import PolicyClient
from mailhost.policyd import USER, program
from mailhost.process import PATIENCE, let_others_enter, run, wait_for
from old_databases import SHOP, STOLEN, content, version_of, versions
from test_dovecot_faults import UNAVAILABLE

NEWEST = {name: versions(name)[-1] for name in ("accounts", "state")}
OLD = range(1, max(NEWEST.values()) + 1)
DERIVED = {"key_field", "key_value", "key_prefix"}  # columns that a later version says in another way
TAKEN_OVER = "account_event"  # by policyd's start, into state.db


@pytest.fixture
def host(tmp_path):
    """Directories and configuration, without databases."""
    let_others_enter(tmp_path)
    admin = Admin(tmp_path)
    admin.policyd.prepare()
    for file in (admin.policyd.directory / "lib").iterdir():
        file.unlink()
    yield admin
    admin.policyd.stop()


def path_of(admin, database):
    return admin.policyd.settings[f"{database}_db"]


def put(admin, version):
    """Both databases as they were side by side; what they hold."""
    owner = pwd.getpwnam(USER)
    for database, newest in NEWEST.items():
        old_databases.write(path_of(admin, database), database, min(version, newest), int(time.time()))
    for file in (admin.policyd.directory / "lib").iterdir():
        os.chown(file, owner.pw_uid, owner.pw_gid)
    return {database: content(path_of(admin, database)) for database in NEWEST}


def lost(before, after):
    """Rows that are not there any more, by the columns that they had."""
    missing = []
    for table, rows in before.items():
        for row in rows:
            row = {column: value for column, value in row.items() if column not in DERIVED}
            now = [{column: one.get(column) for column in row} for one in after[table]]
            if table != TAKEN_OVER and row not in now:
                missing.append((table, row))
    return missing


def ask(admin, **request):
    """policyd's answer to one request."""
    with PolicyClient(admin.policyd.policy_socket) as client:
        return client.ask(**request)


@pytest.mark.parametrize("version", OLD)
def test_every_table_has_rows(host, version):
    """So that what follows looks at all of them."""
    before = put(host, version)
    assert [table for tables in before.values() for table, rows in tables.items() if not rows] == []


@pytest.mark.parametrize("version", OLD)
def test_policyd_brings_them_up_to_date(host, version):
    """It loses nothing, and decides by what the rows say."""
    before = put(host, version)
    host.policyd.start()
    for database, newest in NEWEST.items():
        assert version_of(path_of(host, database)) == newest
        assert lost(before[database], content(path_of(host, database))) == []
    recipient = {"protocol_state": "RCPT", "client_address": "198.51.100.7", "recipient": "x@elsewhere.example"}
    assert "553 5.7.1" in ask(host, **recipient, sasl_method="PLAIN", sasl_username="user@example.com",
                              encryption_protocol="TLSv1.3", sender="other@example.net")
    assert "554 5.7.1 Account suspended: sent spam" in ask(
        host, **recipient, sasl_method="PLAIN", sasl_username=STOLEN, encryption_protocol="TLSv1.3", sender=STOLEN)
    assert ask(host, **recipient, sasl_method="PLAIN", sasl_username=SHOP, encryption_protocol="TLSv1.3",
               sender="any@example.net") == "DUNNO"
    assert "Access denied" in ask(host, **{**recipient, "client_address": "192.0.2.9"}, helo_name="mail.example.net")
    if version >= 4:
        wait_for(lambda: any(event["account"] == STOLEN for event in events(host)), "the event to be taken over")


def events(admin):
    """All that happened."""
    return content(path_of(admin, "state"))["event"]


@pytest.mark.parametrize("version", OLD)
def test_policyctl_init_brings_them_up_to_date(host, version):
    before = put(host, version)
    said = "".join(f"{path_of(host, database)}: {'up to date' if version >= newest else 'brought up to date'}\n"
                   for database, newest in NEWEST.items())
    assert host.ok("init") == said
    for database, newest in NEWEST.items():
        assert version_of(path_of(host, database)) == newest
        assert lost(before[database], content(path_of(host, database))) == []
    assert {account["address"] for account in host.json("suspended")} == {STOLEN}
    # what comes of it is what a new database holds: the same tables, columns and indices
    old = {database: schema(path_of(host, database)) for database in NEWEST}
    for file in (host.policyd.directory / "lib").iterdir():
        file.unlink()
    host.ok("init")
    assert {database: schema(path_of(host, database)) for database in NEWEST} == old


def schema(path):
    """What was said to make the tables, without comments, which the programs leave out."""
    with closing(sqlite3.connect(path)) as db:
        return {(kind, name): "".join(re.sub("--.*", "", sql or "").split())
                for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_schema")}


@pytest.mark.parametrize("version", [number for number in OLD if number < NEWEST["accounts"]])
def test_policyctl_alone_says_what_to_do(host, version):
    """It neither reads an older table nor changes it behind policyd's back."""
    put(host, version)
    path = path_of(host, "accounts")
    line = (f"policyctl: {path}: schema version {version} is older than this program's {NEWEST['accounts']}: "
            "policyctl init brings it up to date\n")
    for words in ("domain list", "domain add example.net"):
        done = host.run(*words.split())
        assert (done.returncode, done.stdout, done.stderr) == (3, "", line)
    assert version_of(path) == version


# -- downgrade: a database that a newer Postern wrote

def set_version(path, version):
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize("database", NEWEST)
def test_a_newer_database_is_refused(host, database):
    """By the daemon, by every kind of command, and by postern-act; it stays as it is."""
    host.ok("init")
    path, newer = path_of(host, database), NEWEST[database] + 1
    set_version(path, newer)
    before = content(path)
    why = f"{path}: schema version {newer} is newer than this program's {NEWEST[database]}: upgrade Postern"
    done = run(program("policyd"), "-f", "-c", host.policyd.config, check=False)
    assert (done.returncode, done.stderr) == (1, f"policyd: {why}\n")
    commands = {"accounts": ("init", "domain list", "domain add example.net", "policy show"),
                "state": ("init", "events", "readiness")}
    for words in commands[database]:
        done = host.run(*words.split())
        assert done.returncode in (1, 3) and done.stderr.endswith(f"{why}\n"), (words, done.stderr)
    assert (version_of(path), content(path)) == (newer, before)


def test_postern_act_waits_for_its_own_version(host):
    host.policyd.configure(act={"cursor": str(host.directory / "cursor")})
    host.ok("init")
    path = path_of(host, "state")
    set_version(path, NEWEST["state"] + 1)
    log = host.directory / "act.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([program("postern-act"), "-c", host.policyd.config], stdout=out, stderr=out)
    try:
        wait_for(lambda: re.search(r"schema version \d+ is newer than this program's \d+: upgrade Postern",
                                   log.read_text()), "postern-act to say so")
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_a_login_waits(logins):  # noqa: F811
    """The driver of an older version grants nothing by a table that it does not know."""
    set_version(logins.database, NEWEST["accounts"] + 1)
    try:
        assert logins.login().startswith(UNAVAILABLE["imap"])
        logins.wait_log(f"schema version {NEWEST['accounts'] + 1} is newer than this program's")
    finally:
        set_version(logins.database, NEWEST["accounts"])
    assert logins.login().startswith("OK ")
