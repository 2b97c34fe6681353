# SPDX-License-Identifier: MIT
"""A migration: a host with everything in observe, a report, and then everything enforced.

The report has to name exactly those whose logins and mail were accepted before and are refused after.
"""

import json
import os
import random
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from mailhost.dovecot_dialect import UNLIMITED
from mailhost.dovecot_postern import PosternDovecot
from mailhost.host import MailHost
from mailhost.process import let_others_enter, wait_for
from migration import behaviours
from migration.behaviours import Delivery, Login, World
from migration.driver import passed, perform, perform_all

SEED = int(os.environ.get("MIGRATION_SEED", random.randrange(10000)))
ACCOUNTS, ACTIVE = 5000, 1300
CHECKS = ("account_status", "starttls", "implicit_tls", "sender_login", "sender_auth", "helo_local", "helo_fqdn",
          "helo_self", "helo_resolve")
ZONE = "mail A 192.0.2.20\n" + "".join(f"ok{n} A 192.0.2.21\n" for n in range(60))
CLEARTEXT = ("smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=no", "smtpd_tls_security_level=may",
             "smtpd_helo_restrictions=", "smtpd_sender_restrictions=$mua_sender_restrictions",
             "smtpd_recipient_restrictions=$mua_recipient_restrictions")
MANY_LOGINS = "".join(f"service {name}-login {{\n  {UNLIMITED}}}\n" for name in ("imap", "pop3"))


def make_host(base):
    """Postfix, Dovecot with the driver for all logins, policyd."""
    host = MailHost(base, {"sender.net": ZONE})
    host.dovecot = PosternDovecot(base / "dovecot", host.policyd.config, "10M", MANY_LOGINS,
                                  sasl_socket=host.postfix.queue / "private" / "auth")
    host.policyd.settings.update(default_domain=behaviours.DEFAULT_DOMAIN, dovecot={
        "home": f"{base}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody", "gid": "nogroup",
        "implicit_tls_ports": [*host.dovecot.implicit_tls_ports, host.port("submissions")]})
    host.prepare()
    host.dovecot.prepare()
    (base / "mail").mkdir(mode=0o755)
    shutil.chown(base / "mail", "nobody", "nogroup")
    host.postfix.add_smtpd("cleartext", *CLEARTEXT)
    return host


def fill(path, world):
    """Everybody into the account table, and every check into observe."""
    now = int(time.time())
    domain = dict.fromkeys(behaviours.DOMAINS)
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT INTO domain VALUES (?, ?, ?, ?)", [
            *((name, "mailbox", None, now) for name in domain),
            (behaviours.ALIAS_DOMAIN, "alias", behaviours.DEFAULT_DOMAIN, now)])
        db.executemany("INSERT INTO account (address, domain, kind, status, created) VALUES (?, ?, 'user', 'active', ?)",
                       [(a.address, a.address.partition("@")[2], now) for a in world.accounts])
        db.executemany("INSERT INTO credential (address, password, changed) VALUES (?, ?, ?)",
                       [(a.address, "{PLAIN}" + behaviours.PASSWORD, now) for a in world.accounts])
        for alias, destinations in world.aliases.items():
            db.execute("INSERT INTO alias VALUES (?, ?, 0, ?)", (alias, alias.partition("@")[2], now))
            db.executemany("INSERT INTO alias_destination VALUES (?, ?)", [(alias, to) for to in destinations])
        db.executemany("INSERT INTO send_grant VALUES (?, ?, ?)", [(*grant, now) for grant in sorted(world.grants)])
        db.executemany("INSERT INTO policy (scope, check_name, mode, changed, starts) VALUES (?, ?, ?, ?, 0)", [
            *(("", check, "observe", now) for check in CHECKS),
            *((scope, check, "off", now) for scope, check in world.exceptions.items())])


def observed(host):
    """(logins, messages) that policyd has written."""
    with closing(sqlite3.connect(host.policyd.settings["state_db"])) as db:
        return (db.execute("SELECT ifnull(sum(count), 0) FROM login WHERE outcome != 'mail'").fetchone()[0],
                db.execute("SELECT ifnull(sum(count), 0) FROM tally WHERE scope = '' AND check_name = ''"
                           " AND outcome = 'accepted'").fetchone()[0])


def report(host, *options):
    """What readiness says."""
    return json.loads(host.policyd.ctl("readiness", "--json", *options).stdout)


class Migration:
    """What was done before and after, and what was said between."""

    def __init__(self, host, world):
        self.owners = {id(action): a.address for a in world.accounts for action in a.actions}
        self.actions = [action for a in world.accounts for action in a.actions] + world.deliveries
        world.random.shuffle(self.actions)
        self.before = perform_all(host, self.actions)
        logins = sum(not isinstance(action, Delivery) for action in self.actions)
        messages = sum(not isinstance(action, Login) and passed(reply) for action, reply in self.before)
        wait_for(lambda: observed(host) == (logins, messages), "all to be written")
        self.report = report(host, "--old-name", behaviours.OLD_NAME)
        for check in CHECKS:
            host.policyd.ctl("policy", "set", check, "enforce", "--yes")
        self.after = perform_all(host, self.actions)

    def broken(self):
        """(action, reply) of what passed before and does not any more."""
        return [(action, said) for (action, reply), (_, said) in zip(self.before, self.after)
                if passed(reply) and not passed(said)]

    def named(self, kind):
        """{subject: checks} that the report says would break."""
        found = {}
        for check in self.report["checks"]:
            for subject in check["subjects"]:
                if subject["standing"] == "breaks" and subject["kind"] == kind:
                    found.setdefault(subject["subject"], set()).add(check["check"])
        return found


@pytest.fixture(scope="module")
def world():
    """Everybody."""
    print(f"MIGRATION_SEED={SEED}")
    return World(SEED, ACCOUNTS, ACTIVE)


@pytest.fixture(scope="module")
def migration(tmp_path_factory, world):
    """Done once."""
    base = tmp_path_factory.mktemp("migration")
    let_others_enter(base)
    host = make_host(base)
    try:
        fill(host.policyd.settings["accounts_db"], world)
        host.start()
        yield Migration(host, world)
    finally:
        host.stop()


def test_names_exactly_the_accounts_that_break(migration):
    broke = {migration.owners[id(action)] for action, _ in migration.broken() if not isinstance(action, Delivery)}
    assert len(broke) > 100 and set(migration.named("account")) == broke
    assert migration.report["lost"] == 0


def test_names_the_check_that_refuses(migration):
    """The words of each refusal are those of a check under which the account is named."""
    words = {"starttls": "takes no password without encryption", "implicit_tls": "takes no password on this port",
             "sender_login": "which may not send as"}
    named, met = migration.named("account"), set()
    for action, reply in migration.broken():
        if not isinstance(action, Delivery):
            [check] = [check for check, text in words.items() if text in reply]
            assert check in named[migration.owners[id(action)]], (action, reply)
            met.add((migration.owners[id(action)], check))
    assert met == {(account, check) for account, checks in named.items() for check in checks}


def test_names_exactly_the_hosts_and_senders_that_break(migration):
    broken = [(action, reply) for action, reply in migration.broken() if isinstance(action, Delivery)]
    hosts = {action.helo.lower() for action, reply in broken if "Helo command rejected" in reply}
    senders = {action.sender for action, reply in broken if "Sender address rejected" in reply}
    assert len(hosts) > 10 and set(migration.named("host")) == hosts
    assert len(senders) == 6 and set(migration.named("sender")) == senders
    assert len(hosts) + len(senders) <= len(broken)


def test_habits(migration, world):
    """What no check refuses: it is what the customers' programs do."""
    notes = {name: {s["subject"] for s in migration.report["notes"][name]}
             for name in ("bare_name", "old_server_name", "exposed")}
    assert notes["bare_name"] == world.users_of(behaviours.bare_name, behaviours.bare_name_sending)
    assert notes["old_server_name"] == world.users_of(behaviours.old_server_name, behaviours.old_server_name_implicit)
    assert notes["exposed"] == world.users_of(behaviours.imap_in_clear, behaviours.pop3_in_clear,
                                              behaviours.sends_in_clear)


def test_nothing_breaks_that_was_not_done(migration, world):
    """The others, those whose mail is stopped already, and those who are spared are no part of it."""
    named = migration.named("account")
    assert not named.keys() & {a.address for a in world.accounts if not a.actions}
    spared = {account for account in world.exceptions if "@" in account}
    assert spared and all(world.exceptions[account] not in named.get(account, ()) for account in spared)
