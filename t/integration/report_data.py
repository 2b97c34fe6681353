# SPDX-License-Identifier: MIT
"""A week of a mail host as its databases hold it, written there without any server: for reports.

Two customers' domains, habits good and bad, a spammer's HELO names, and names that would be markup."""

import sqlite3
import time
from contextlib import closing

from mailhost.policyd import Policyd

HOUR, DAY = 3600, 86400
DOMAINS = {"bakery.example": ("anna", "ben", "carla"), "school.example": ("dora", "emil")}
OLD_NAME = "imap27.hosting.example"
HOSTILE = ("<script>window.hacked = 1</script>", '"><img src=x onerror="window.hacked = 2">', "'+alert`1`+'",
           "</title></style><svg onload=window.hacked=3>", "\u202egpj.exe", "a&lt;b")
HOSTILE_SENDER = "\"<b>'\"@evil.example"
BOTS = 40


def network(number):
    """Of a client."""
    return f"198.51.{number % 256}.0/24"


def logins(now):
    """Rows of the table login."""
    def row(account, security, service, port, name="", cause="", bare=0, outcome="ok", count=7):
        return (account, outcome, service, "PLAIN", security, port, name, "203.0.113.0/24", cause, bare, count,
                now - 6 * DAY, now - DAY)
    return [
        row("anna@bakery.example", "none", "imap", 143, cause="starttls", count=120),
        row("anna@bakery.example", "none", "pop3", 110, cause="starttls", count=3),
        row("ben@bakery.example", "starttls", "imap", 143, OLD_NAME, count=1000),
        row("carla@bakery.example", "starttls", "imap", 143, "imap.hosting.example"),
        row("carla@bakery.example", "starttls", "smtp", 587, outcome="mail"),
        row("dora@school.example", "implicit", "imap", 993, count=41),
        row("emil@school.example", "none", "imap", 143, cause="starttls", bare=1, count=9),
    ]


def observations(now):
    """Rows of the table observation."""
    def row(subject, check, cause, kind, delivered, count, sender="", number=1, mode="observe"):
        return (subject, check, cause, sender, network(number), mode, kind, count, delivered, int(delivered > 0),
                now - 6 * DAY, now - DAY, f"504 5.5.2 <{subject}>: Helo command rejected")
    return [
        row("carla@bakery.example", "sender_login", "not_owned", "account", 12, 12, "boss@elsewhere.example"),
        row("carla@bakery.example", "sender_login", "not_owned", "account", 2, 2, HOSTILE_SENDER),
        row("emil@school.example", "sender_auth", "no_auth", "sender", 5, 6),
        row("ben@bakery.example", "send_limit", "account_messages_hour", "account", 40, 40),
        row("192.0.2.7", "send_limit", "client_messages_hour", "account", 3, 3),
        *(row(name, "helo_fqdn", "not_fqdn", "host", i + 1, i + 3, number=i) for i, name in enumerate(HOSTILE)),
        *(row(f"bot{i}.example", "helo_resolve", "no_address", "host", 0, i + 1, number=i) for i in range(BOTS)),
        row("exchange.local", "helo_local", ".local", "host", 0, 30, mode="enforce"),
    ]


def tallies(now):
    """Rows of the table tally: the host by the hour, its first domain by the day."""
    figures = {("", "accepted"): 200, ("", "refused"): 30, ("", "login_starttls"): 300, ("", "login_none"): 20,
               ("", "login_implicit"): 90, ("sender_login", "observed"): 2, ("sender_login", "delivered"): 2,
               ("helo_fqdn", "observed"): 9, ("helo_fqdn", "delivered"): 1, ("helo_local", "refused"): 4}
    first = now - now % HOUR - 8 * DAY
    for hour in range(8 * 24 + 1):
        for (check, outcome), count in figures.items():
            yield (first + hour * HOUR, "", check, outcome, count * (1 + hour % 24) // 12)
    for day in range(9):
        for (check, outcome), count in figures.items():
            yield (first - first % DAY + day * DAY, "bakery.example", check, outcome, count + day)


def make_host(directory, empty=False):
    """policyctl with these databases, or with accounts only; policyd does not run."""
    policyd = Policyd(directory / "policyd", directory / "queue",
                      {"hostname": "mx.hosting.example", "help_url": "https://help.hosting.example/?a=1&b=2",
                       "letter": {"imap": "imap.hosting.example", "smtp": "smtp.hosting.example:587"}})
    policyd.prepare()
    policyd.script("".join(f"domain add {domain}\n" + "".join(f"account add {name}@{domain}\n" for name in names)
                           for domain, names in DOMAINS.items()))
    if empty:
        return policyd
    for check in ("starttls", "implicit_tls"):
        policyd.ctl("policy", "set", check, "observe")
    policyd.ctl("policy", "set", "starttls", "off", "--account", "emil@school.example", "--until", "2099-12-31")
    now, lib = int(time.time()), directory / "policyd" / "lib"
    with closing(sqlite3.connect(lib / "accounts.db")) as db, db:
        db.execute("UPDATE policy SET changed = ?", (now - 30 * DAY,))
    with closing(sqlite3.connect(lib / "state.db")) as db, db:
        for table, rows in (("login", logins(now)), ("observation", observations(now)), ("tally", tallies(now))):
            for row in rows:
                db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    return policyd
