# SPDX-License-Identifier: MIT
"""What is kept of people: forgotten when asked for; and no password or hash where none belongs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from admin import Admin
from mailhost.policy import PolicyClient, end_of_message
from mailhost.policyd import USER
from mailhost.process import let_others_enter, run

PASSWORD = "Correct-horse-9-battery"
WRONG = "Wrong-horse-8-battery"
NOW = "strftime('%s', 'now')"

# One row in each table that names an address, of two people.
ROWS = {
    "observation": "('{0}', 'sender_login', 'c', 'x@elsewhere.net', '192.0.2.0/24', 'observe', 'account', 1, 0, 0, "
                   f"{NOW}, {NOW}, 'sample')",
    "sending": f"('{{0}}', '{{0}}', 1, 1, 1, {NOW}, {NOW})",
    "login": f"('{{0}}', 'ok', 'imap', 'PLAIN', 'starttls', 143, '', '192.0.2.0/24', '', 0, 1, {NOW}, {NOW})",
    "event": f"(NULL, {NOW}, 'limit_hit', '{{0}}', '', NULL, '', NULL, '', '', NULL)",
    "usage": f"('account {{0}}', '', {NOW} + 1000)",
    "greylist": f"('192.0.2.0/24', '{{0}}', '{{0}}', '', 0, {NOW} + 1000)",
    "behaviour": f"('{{0}}', '', {NOW})",
}


@pytest.fixture(params=[True, False], ids=["running", "alone"])
def admin(tmp_path, request):
    """With policyd and without."""
    let_others_enter(tmp_path)
    made = Admin(tmp_path / "p", running=request.param)
    made.start()
    yield made
    if made.policyd.running():
        made.policyd.stop()


def tables_that_name(state_db, address):
    """Every table with the address anywhere in it, whatever its columns are."""
    found = set()
    with closing(sqlite3.connect(f"file:{state_db}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if any(address in str(value) for row in db.execute(f"SELECT * FROM {table}") for value in row):
                found.add(table)
    return found


def test_forget_what_is_not_written_yet(tmp_path):
    """What policyd had in memory, or on its way to state.db, does not come back."""
    let_others_enter(tmp_path)
    admin = Admin(tmp_path / "p", running=True)
    admin.start()
    forgotten, kept = "user@example.com", "other@example.com"
    state_db = Path(admin.policyd.settings["state_db"])
    admin.ok("limit", "set", "messages=9/1h")
    with PolicyClient(admin.policyd.policy_socket) as client:
        for user in (forgotten, kept):
            for number in range(3):
                assert client.ask(**end_of_message(user, number)) == "DUNNO"
        admin.ok("forget", forgotten)
        assert client.ask(protocol_state="END-OF-MESSAGE", sender=kept) == "DUNNO"
    admin.policyd.stop()
    named = {table: address for address in (forgotten, kept) for table in tables_that_name(state_db, address)}
    assert set(named.values()) == {kept}, named
    assert set(named) >= {"sending", "behaviour"}
    assert not list(state_db.parent.glob("state.db-usage*"))


def test_forget(admin):
    state_db = admin.policyd.settings["state_db"]
    admin.policyd.stop()
    admin.policyd.start()
    admin.policyd.stop()
    with closing(sqlite3.connect(state_db)) as db, db:
        for table, values in ROWS.items():
            for address in ("user@example.com", "other@example.com"):
                db.execute(f"INSERT INTO {table} VALUES {values.format(address)}")
        db.execute("INSERT INTO observation VALUES ('host.example', 'sender_auth', 'c', 'user@example.com', '', "
                   f"'observe', 'host', 1, 0, 0, {NOW}, {NOW}, 'sample')")
    if admin.running:
        admin.policyd.start()
    swept = {"usage_sweep"}  # policyd sweeps each second, and remembers where it stands
    assert tables_that_name(state_db, "user@example.com") - swept == set(ROWS)
    admin.ok("forget", "USER@example.com")
    assert tables_that_name(state_db, "user@example.com") == set()
    assert tables_that_name(state_db, "other@example.com") - swept == set(ROWS)
    admin.ok("forget", "nobody@example.com")
    admin.fails(2, "the address has no domain: no address", "forget", "no address")


def test_forget_where_the_sweep_stands(admin):
    """Which remembers the last key that it looked at, also of a row that is gone."""
    state_db = admin.policyd.settings["state_db"]
    if admin.running:
        admin.policyd.stop()
    with closing(sqlite3.connect(state_db)) as db, db:
        db.execute("UPDATE usage_sweep SET low = 'account user@example.com', high = 'account user@example.com'")
    if admin.running:
        admin.policyd.start()
    admin.ok("forget", "other@example.com")
    assert tables_that_name(state_db, "user@example.com") == {"usage_sweep"}
    admin.ok("forget", "user@example.com")
    assert tables_that_name(state_db, "user@example.com") == set()


def everything_written(directory):
    """The text of every file, and of every table but the one of password hashes."""
    for path in Path(directory).rglob("*"):
        if path.is_file() and not path.name.startswith("accounts.db"):
            yield path, path.read_bytes()
    accounts = Path(directory) / "lib" / "accounts.db"
    with closing(sqlite3.connect(f"file:{accounts}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'credential'"):
            yield table, repr(db.execute(f"SELECT * FROM {table}").fetchall()).encode()


def test_no_password_or_hash_is_written(admin):
    """Every command that takes a password, right and wrong, and what comes of it."""
    printed = [
        admin.run("domain", "add", "example.com"),
        admin.run("account", "add", "user@example.com", "--password-stdin", stdin=PASSWORD + "\n"),
        admin.run("account", "add", "user@example.com", "--password-stdin", stdin=WRONG + "\n"),
        admin.run("account", "add", "user@nowhere.net", "--password-stdin", stdin=WRONG + "\n"),
        admin.run("account", "passwd", "user@example.com", "--password-stdin", stdin=PASSWORD + "\n"),
        admin.run("account", "passwd", "nobody@example.com", "--password-stdin", stdin=WRONG + "\n"),
        admin.run("account", "suspend", "user@example.com", "--reason", "stolen"),
        admin.run("account", "release", "user@example.com", "--new-password"),
        admin.run("account", "show", "user@example.com", "--json"),
        admin.run("evidence", "user@example.com"),
        admin.run("explain", "login", "user@example.com"),
        admin.run("status"),
    ]
    with closing(sqlite3.connect(admin.policyd.settings["accounts_db"])) as db:
        (hashed,) = db.execute("SELECT password FROM credential").fetchone()
    assert hashed.startswith("{") and PASSWORD not in hashed
    secrets = [text.encode() for text in (PASSWORD, WRONG, hashed, hashed.split("$")[-1])]
    texts = [(done.args, (done.stdout + done.stderr).encode()) for done in printed]
    texts += list(everything_written(admin.directory))
    assert len(texts) > len(printed) + 10
    assert [(where, secret) for where, text in texts for secret in secrets if secret in text] == []
    readers = run("find", admin.directory / "lib", "-perm", "/007").stdout
    assert readers == "" and run("stat", "-c", "%U %a", admin.directory / "lib").stdout == f"{USER} 2750\n"
