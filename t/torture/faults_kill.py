# SPDX-License-Identifier: MIT
"""kill -9: under load, in a checkpoint, in a migration."""

import os
import pwd
import re
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from admin import Admin
from daemon import Strace, check_integrity, daemon, paths, wait_for_end
from ledger import Ledger
from mailhost.policyd import USER, program
from mailhost.process import PATIENCE, run
from trial import fault

SQL = Path(__file__).resolve().parents[2] / "sql"


@fault("1, 22", "policyd killed (-9) under load", share=5)
def under_load(trial):
    with daemon(trial.directory, held=True) as admin, Ledger(admin) as ledger:
        while trial.more():
            ledger.wait_for_more(trial.random.randint(1, 200))
            time.sleep(trial.random.random() * 0.02)
            admin.policyd.kill()
            admin.policyd.start()
        ledger.stop()
        ledger.compare(trial)
        check_integrity(trial, admin)


@fault("3", "policyd killed (-9) in a checkpoint", share=3)
def in_a_checkpoint(trial):
    """Only then is anything written to the database itself: all else goes to the log beside it."""
    with daemon(trial.directory, held=True, sandbox=False) as admin, Ledger(admin) as ledger:
        hit = 0
        while trial.more():
            page = trial.random.randint(1, 40) if hit else 1  # which any checkpoint meets
            with Strace(admin.policyd.pid, "pwrite64", f"signal=KILL:when={page}", paths(admin)):
                hit += wait_for_end(admin, 12 if hit else PATIENCE)
            admin.policyd.kill()
            admin.policyd.start()
            ledger.wait_for_more(50)
        ledger.stop()
        ledger.compare(trial)
        trial.check(hit > 0, "no checkpoint was hit")
        trial.note(f"{hit} hit")
        check_integrity(trial, admin)


def old_database(path, version, application_id, kind="accounts"):
    """A database as an earlier version made it."""
    owner = pwd.getpwnam(USER)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for number in range(1, version + 1):
            db.executescript((SQL / f"{kind}-{number:03}.sql").read_text())
        db.execute(f"PRAGMA user_version = {version}")
        db.execute(f"PRAGMA application_id = {application_id}")
    os.chown(path, owner.pw_uid, owner.pw_gid)
    os.chmod(path, 0o640)


def shape(path):
    """Schema version, integrity, and the schema without comments and blanks."""
    with closing(sqlite3.connect(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        found = db.execute("PRAGMA integrity_check").fetchone()[0]
        schema = db.execute("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema")
        return version, found, sorted(re.sub(r"--[^\n]*|\s", "", text) for (text,) in schema)


@fault("4", "killed (-9) in a migration")
def in_a_migration(trial):
    admin = Admin(trial.directory)
    admin.start()
    path = Path(admin.policyd.settings["accounts_db"])
    with closing(sqlite3.connect(path)) as db:
        identity = db.execute("PRAGMA application_id").fetchone()[0]
    newest = shape(path)[0]
    shapes = {}
    for version in range(1, newest + 1):
        model = trial.directory / f"model{version}.db"
        old_database(model, version, identity)
        shapes[version] = shape(model)[2]
    hit = 0
    while trial.more():
        begin = trial.random.randint(1, newest - 1)
        for part in path.parent.glob("accounts.db*"):
            part.unlink()
        old_database(path, begin, identity)
        call = trial.random.choice(["pwrite64", "pwrite64", "fdatasync"])
        when = trial.random.randint(1, 60 if call == "pwrite64" else 8)
        done = run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                   f"inject={call}:signal=KILL:when={when}", program("policyctl"), "-c", admin.policyd.config, "init",
                   check=False)
        hit += done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        version, found, schema = shape(path)
        trial.check(found == "ok", f"from {begin}, {call} {when}: {found}")
        trial.check(begin <= version <= newest and schema == shapes[version],
                    f"from {begin}, {call} {when}: neither the old schema nor the new")
        for part in path.parent.glob("accounts.db*"):
            os.chown(part, pwd.getpwnam(USER).pw_uid, -1)
        admin.ok("init")
        trial.check(shape(path)[0] == newest, f"from {begin}, {call} {when}: not brought up to date afterwards")
    trial.check(hit > 0 or trial.tries < 10, "never hit")
    trial.note(f"{hit} hit")
