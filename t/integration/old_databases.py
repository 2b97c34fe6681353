# SPDX-License-Identifier: MIT
"""Databases as earlier versions of Postern wrote them: the migrations of sql/ up to a version, and rows in every
table that version had.  Who adds a migration adds rows to ROWS; test_upgrade.py fails for a table without any."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

SQL = Path(__file__).resolve().parents[2] / "sql"
IDS = {"accounts": 0x50736172, "state": 0x50737461}
LATEST = 10 ** 6
PASSWORD = "{PLAIN}secret"
USER, STOLEN, SHOP = "user@example.com", "stolen@example.com", "shop@example.com"

# (database, first version, last version, rows in one table)
ROWS = [
    ("accounts", 1, LATEST, """INSERT INTO domain (name, kind, target, created) VALUES
        ('example.com', 'mailbox', NULL, 1000), ('customer.net', 'relay', NULL, 1000),
        ('example.org', 'alias', 'example.com', 1000)"""),
    ("accounts", 1, LATEST, f"""INSERT INTO account (address, domain, kind, status, suspended, suspended_reason,
        suspended_since, suspended_until, created) VALUES
        ('{USER}', 'example.com', 'user', 'active', NULL, NULL, NULL, NULL, 1000),
        ('{SHOP}', 'example.com', 'relay', 'active', NULL, NULL, NULL, NULL, 1000),
        ('{STOLEN}', 'example.com', 'user', 'active', 'all', 'sent spam', 2000, NULL, 1000)"""),
    ("accounts", 1, LATEST, f"INSERT INTO credential (address, password, changed) VALUES "
        f"('{USER}', '{PASSWORD}', 1000), ('{STOLEN}', '{PASSWORD}', 1000)"),
    ("accounts", 1, LATEST, "INSERT INTO alias (address, domain, members_send, created) VALUES "
        "('info@example.com', 'example.com', 1, 1000), ('@example.com', 'example.com', 0, 1000)"),
    ("accounts", 1, LATEST, f"INSERT INTO alias_destination (address, destination) VALUES "
        f"('info@example.com', '{USER}'), ('info@example.com', '{SHOP}'), ('@example.com', '{USER}')"),
    ("accounts", 1, LATEST, f"INSERT INTO send_grant (grantee, sender, created) VALUES "
        f"('{SHOP}', '@customer.net', 1000), ('@example.com', 'news@example.net', 1000)"),
    ("accounts", 1, 2, f"""INSERT INTO policy (scope, check_name, mode, expires, changed) VALUES
        ('', 'sender_login', 'enforce', NULL, 1000), ('{SHOP}', 'sender_login', 'off', 9000000000, 1000)"""),
    ("accounts", 3, LATEST, f"""INSERT INTO policy (scope, check_name, mode, starts, expires, changed) VALUES
        ('', 'sender_login', 'enforce', 0, NULL, 1000), ('{SHOP}', 'sender_login', 'off', 0, 9000000000, 1000),
        ('', 'helo_fqdn', 'enforce', 9000000000, NULL, 1000)"""),
    ("accounts", 1, 6, """INSERT INTO list_entry (id, action, client, helo, sender, scope, expires, note, created,
        key_field, key_value, key_prefix) VALUES
        (1, 'deny', '192.0.2.0/24', '', '', '', NULL, 'floods', 1000, 'client', '192.0.2.0/24', '4/24'),
        (2, 'allow', '', 'printer.local', '', '', NULL, '', 1000, 'helo', 'printer.local', '')"""),
    ("accounts", 7, LATEST, """INSERT INTO list_entry (id, action, client, client_name, helo, sender, recipient, scope,
        expires, note, created, shape) VALUES
        (1, 'deny', '192.0.2.0/24', '', '', '', '', '', NULL, 'floods', 1000, 'c25'),
        (2, 'allow', '', '', 'printer.local', '', '', '', NULL, '', 1000, 'h255')"""),
    ("accounts", 2, LATEST, f"""INSERT INTO account_field (scope, name, value) VALUES
        ('example.com', 'quota', '2G'), ('{USER}', 'home', '/srv/mail/user')"""),
    ("accounts", 2, LATEST, f"UPDATE account SET new_password_since = 1500 WHERE address = '{STOLEN}'"),
    ("accounts", 2, LATEST, f"UPDATE credential SET spent = '{PASSWORD}' WHERE address = '{STOLEN}'"),
    ("accounts", 4, LATEST, f"UPDATE account SET suspended_by = 'compromise', suspended_evidence = 'rate 90' "
        f"WHERE address = '{STOLEN}'"),
    ("accounts", 4, LATEST, f"""INSERT INTO account_event (time, kind, account, services, reason, until, by, evidence)
        VALUES (2000, 'account_suspended', '{STOLEN}', 'all', 'sent spam', NULL, 'compromise', 'rate 90')"""),
    ("accounts", 5, LATEST, f"""INSERT INTO send_limit (scope, counted_by, window_s, messages, recipients, bytes,
        changed) VALUES ('{USER}', 'account', 3600, 3, NULL, NULL, 1000)"""),
    ("accounts", 6, LATEST, """INSERT INTO policy (scope, check_name, mode, starts, changed)
        VALUES ('', 'compromise', 'hold', 0, 1000)"""),
    ("state", 1, 1, """INSERT INTO observation (check_name, subject, cause, count, first_seen, last_seen, sample) VALUES
        ('sender_login', 'user@example.com', 'foreign sender', 3, :now - 9, :now, '553 5.7.1 x'),
        ('helo_resolve', 'mail.example.net', 'no record', 2, :now - 9, :now, '450 4.7.1 x')"""),
    ("state", 2, LATEST, """INSERT INTO observation (subject, check_name, cause, envelope_sender, client, mode,
        subject_kind, count, delivered, arrived, first_seen, last_seen, sample) VALUES
        ('user@example.com', 'sender_login', 'foreign sender', 'x@example.net', '192.0.2.0/24', 'observe', 'account',
        3, 3, 1, :now - 9, :now, '553 5.7.1 x')"""),
    ("state", 2, LATEST, """INSERT INTO sending (account, envelope_sender, messages, recipients, bytes, first_seen,
        last_seen) VALUES ('user@example.com', 'x@example.net', 3, 4, 5000, :now - 9, :now)"""),
    ("state", 2, LATEST, """INSERT INTO tally (start, scope, check_name, outcome, count)
        VALUES (:now - :now % 3600, '', '', 'accepted', 3)"""),
    ("state", 2, LATEST, """INSERT INTO login (account, outcome, service, mechanism, security, port, server_name, client,
        cause, bare, count, first_seen, last_seen) VALUES ('user@example.com', 'accepted', 'imap', 'PLAIN', 'starttls',
        143, 'imap.example.com', '192.0.2.0/24', '', 0, 7, :now - 9, :now)"""),
    ("state", 3, LATEST, """INSERT INTO event (time, kind, account, subject, services, reason, until, by, evidence,
        origin) VALUES (:now - 9, 'account_released', 'user@example.com', '', NULL, '', NULL, 'uid 0', '', NULL)"""),
    ("state", 4, LATEST, "INSERT INTO usage (key, counts, expires) VALUES ('domain example.net', '', :now + 9000)"),
    ("state", 5, LATEST, "INSERT INTO behaviour (account, record, changed) VALUES ('user@example.com', '', :now)"),
    ("state", 6, LATEST, """INSERT INTO greylist (client, sender, recipient, state, known, expires)
        VALUES ('192.0.2.0/24', 'a@example.net', 'user@example.com', '', 0, :now + 9000)"""),
    ("state", 6, LATEST, """INSERT INTO greylist_client (client, passes, last_seen, expires)
        VALUES ('192.0.2.0/24', 5, :now, :now + 9000)"""),
]


def versions(database):
    """The numbers of the migrations, which are without gaps."""
    numbers = sorted(int(re.search(r"(\d+)\.sql$", path.name).group(1)) for path in SQL.glob(f"{database}-*.sql"))
    assert numbers == list(range(1, len(numbers) + 1))
    return numbers


def write(path, database, version, now):
    """Makes the file that a Postern of this schema version would have left."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for number in range(1, version + 1):
            db.executescript((SQL / f"{database}-{number:03}.sql").read_text())
        for name, first, last, rows in ROWS:
            if name == database and first <= version <= last:
                db.execute(rows, {"now": now} if ":now" in rows else {})
        db.execute(f"PRAGMA application_id = {IDS[database]}")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()


def content(path):
    """{table: [{column: value}]}, without SQLite's own tables."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                                               "'sqlite_%'")]
        return {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in tables}


def version_of(path):
    """PRAGMA user_version."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]
