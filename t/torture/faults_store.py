# SPDX-License-Identifier: MIT
"""Databases that cannot be written, cannot be read, are locked, removed or replaced."""

import shutil
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

from daemon import DEADLINE_S, SUSPENDED, Strace, ask, check_integrity, daemon, login, messages_sent, paths, recipient
from ledger import Ledger, Sender
from mailhost.policy import PolicyClient, end_of_message
from mailhost.process import wait_for
from trial import fault

NOTICED_S = 5
LATE = "the change is made as soon as it is free"  # or not, if it fails then
GONE, BACK = "was removed or replaced", "is opened anew"
ALARM_S, HELD = 600, "its log was not written back as a whole for 10 minutes: "
LOG_MAX = 16 * 1024 * 1024  # journal_size_limit


def number():
    """Of a message that nobody sent before."""
    return next(Sender.numbers)


def timely(trial, admin, *wanted, **request):
    """One request, answered in time by one of the wanted replies, each a beginning."""
    start = time.monotonic()
    try:
        reply = ask(admin, **request)
    except OSError as error:
        return trial.check(False, f"no reply: {error}")
    took = time.monotonic() - start
    trial.check(took < DEADLINE_S, f"answered after {took:.1f} s")
    return trial.check(reply.startswith(wanted), f"{request.get('sasl_username')}: {reply}")


@contextmanager
def small_disk(directory):
    """A tmpfs of three megabytes."""
    disk = directory / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def fill(disk):
    """To the last octet."""
    with open(disk / "filler", "ab", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            return


def alarms(admin):
    """How often policyd said that it counts in memory."""
    return admin.policyd.log_text().count("limits are counted in memory only")


@fault("6", "disk full", share=2)
def disk_full(trial):
    with small_disk(trial.directory) as disk, daemon(trial.directory, 1, state_db=str(disk / "state.db")) as admin:
        while trial.more():
            before = alarms(admin)
            fill(disk)
            with PolicyClient(admin.policyd.policy_socket, timeout=DEADLINE_S) as client:
                for _ in range(5000 if before == 0 else 300):  # once a minute it is said
                    reply = client.ask(**end_of_message(login(0), number()))
                    if not trial.check(reply == "DUNNO", reply) or alarms(admin) > before:
                        break
            trial.check(alarms(admin) <= before + 1, "more than one alarm")
            timely(trial, admin, SUSPENDED, **recipient("suspended@example.com"))
            (disk / "filler").unlink()
            recovers(trial, admin)
        trial.check(alarms(admin) > 0, "no alarm")  # a log that is there already may have room enough
        trial.note(f"{alarms(admin)} alarms")
        check_integrity(trial, admin)


def recovers(trial, admin):
    """A message is counted in the table again."""
    def counted():
        held = messages_sent(admin, login(0))
        return ask(admin, **end_of_message(login(0), number())) == "DUNNO" and messages_sent(admin, login(0)) == held + 1
    wait_for(counted, "counting to go on", 15)
    trial.check(admin.policyd.running(), "policyd ended")


@fault("7", "fsync and write errors", share=2)
def write_errors(trial):
    with daemon(trial.directory, 1, sandbox=False) as admin:
        accounts, state = paths(admin)
        counts = "counts"  # the log of them beside state.db
        told, refused, failed = set(), set(), set()
        while trial.more():
            user = f"new{trial.tries}@example.com"
            error = trial.random.choice(["EIO", "ENOSPC"])
            call, where = trial.random.choice([("fdatasync", accounts), ("pwrite64", accounts), ("pwrite64", state),
                                               ("pwrite64", counts)])
            failed.add(where)
            files = [f"{state}-usage0", f"{state}-usage1"] if where == counts else [where, f"{where}-wal"]
            with Strace(admin.policyd.pid, call, f"error={error}:when=1+", files):
                for _ in range(3):
                    timely(trial, admin, "DUNNO", **end_of_message(login(0), number()))
                timely(trial, admin, SUSPENDED, **recipient("suspended@example.com"))
                done = admin.run("account", "add", user, "--password-stdin", stdin="secret\n")
                if LATE not in done.stderr:
                    (told if done.returncode == 0 else refused).add(user)
                    trial.check((done.returncode == 0) == (where != accounts), f"{call}, {error}: {done.stderr.strip()}")
            recovers(trial, admin)
            admin.ok("account", "add", f"after{trial.tries}@example.com", "--password-stdin", stdin="secret\n")
            told.add(f"after{trial.tries}@example.com")
        trial.check(" policyd: alarm: " in admin.policyd.log_text() or not failed & {accounts, state}, "no alarm")
        trial.check(alarms(admin) > 0 or counts not in failed, "no alarm of counting in memory")
        held = {row["address"] for row in admin.json("account", "list")}
        trial.check(told <= held, f"told, but not held: {sorted(told - held)[:3]}")
        trial.check(not refused & held, f"refused, but held: {sorted(refused & held)[:3]}")
        check_integrity(trial, admin)


@fault("8", "read errors")
def read_errors(trial):
    with daemon(trial.directory, 1, sandbox=False) as admin:
        accounts = paths(admin)[0]
        while trial.more():
            user = f"new{trial.tries}@example.com"
            admin.ok("account", "add", user, "--password-stdin", stdin="secret\n")
            admin.ok("account", "suspend", user, "--reason", "stolen")
            when = trial.random.choice(["1+", "1", "2", "1+2"])
            with Strace(admin.policyd.pid, "pread64", f"error=EIO:when={when}", [accounts, f"{accounts}-wal"]):
                for known in (user, "suspended@example.com"):
                    timely(trial, admin, SUSPENDED, "451 4.3.0 ", **recipient(known))
            timely(trial, admin, SUSPENDED, **recipient(user))
            timely(trial, admin, "DUNNO", **recipient(login(0)))
            trial.check(admin.policyd.running(), "policyd ended")
        check_integrity(trial, admin)


def is_added(admin, user):
    """Also where an earlier try was made after its answer."""
    done = admin.run("account", "add", user, "--password-stdin", stdin="secret\n")
    return done.returncode == 0 or "exists already" in done.stderr


def companions(path):
    """The database with its log and index, those that are there."""
    return [p for p in (Path(path), Path(f"{path}-wal"), Path(f"{path}-shm")) if p.exists()]


@fault("9", "accounts.db removed or renamed", share=2)
def renamed(trial):
    with daemon(trial.directory, 1) as admin:
        path = paths(admin)[0]
        while trial.more():
            timely(trial, admin, SUSPENDED, **recipient("suspended@example.com"))
            said, back = (admin.policyd.log_text().count(text) for text in (GONE, BACK))
            moved = [(p, p.rename(p.with_name("away-" + p.name))) for p in companions(path)]
            until = time.monotonic() + trial.random.random() * 3
            wait_for(lambda: admin.policyd.log_text().count(GONE) > said, "removal to be noticed",
                     NOTICED_S)
            while time.monotonic() < until:
                timely(trial, admin, SUSPENDED, "451 4.3.0 ", **recipient("suspended@example.com"))
                timely(trial, admin, "DUNNO", "451 4.3.0 ", **recipient(login(0)))
            done = admin.run("account", "add", f"new{trial.tries}@example.com", "--password-stdin", stdin="secret\n")
            trial.check(done.returncode != 0, "a change to no database was acknowledged")
            trial.check(not Path(path).exists(), "an empty database was made")
            for p, away in moved:
                away.rename(p)
            wait_for(lambda: is_added(admin, f"new{trial.tries}@example.com"), "changes to be taken again", NOTICED_S)
            wait_for(lambda: admin.policyd.log_text().count(BACK) > back, "the return to be noticed", NOTICED_S)
        check_integrity(trial, admin)


@fault("10", "accounts.db swapped for another")
def swapped(trial):
    """The other one says of an account what this one does not."""
    with daemon(trial.directory, 1) as admin:
        path = Path(paths(admin)[0])
        other = trial.directory / "lib" / "other.db"
        while trial.more():
            is_suspended = trial.tries % 2 == 1
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(other)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                with copy:
                    copy.execute("UPDATE account SET suspended = ?, suspended_since = ?, suspended_reason = 'stolen' "
                                 "WHERE address = ?", ("all" if is_suspended else None, 1 if is_suspended else None,
                                                       login(0)))
            shutil.copystat(path, other)
            shutil.chown(other, path.owner(), path.group())
            for p in companions(path)[1:]:
                p.unlink()
            other.rename(path)
            wanted = SUSPENDED if is_suspended else "DUNNO"
            wait_for(lambda: ask(admin, **recipient(login(0))) == wanted, "the new file to be noticed", NOTICED_S)
            timely(trial, admin, SUSPENDED, **recipient("suspended@example.com"))
        check_integrity(trial, admin)


@fault("15", "write lock held", share=2)
def locked(trial):
    with daemon(trial.directory, 1) as admin:
        while trial.more():
            path = trial.random.choice(paths(admin))
            hold = min(60, trial.seconds / 2) * (trial.random.random() if trial.tries > 1 else 1)
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                until = time.monotonic() + hold
                while time.monotonic() < until:
                    timely(trial, admin, "DUNNO", **end_of_message(login(0), number()))
                    timely(trial, admin, SUSPENDED, **recipient("suspended@example.com"))
                other.execute("ROLLBACK")
            recovers(trial, admin)
        check_integrity(trial, admin)


@fault("16", "a reader held", share=2)
def reader_held(trial):
    """What it keeps from being written back is bounded again once it is gone."""
    with daemon(trial.directory) as admin, Ledger(admin, clerk=False) as ledger:
        state = paths(admin)[1]
        log, largest = Path(f"{state}-wal"), 0
        while trial.more():
            with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, isolation_level=None)) as other:
                other.execute("BEGIN")
                other.execute("SELECT count(*) FROM usage").fetchone()
                begun = time.monotonic()
                until = begun + min(ALARM_S + 30, trial.seconds / 2)
                while time.monotonic() < until:
                    ledger.wait_for_more(100)
                if until >= begun + ALARM_S + 30:  # shorter ones: t/unit/test_write_back.c
                    trial.check(HELD in admin.policyd.log_text(), "no alarm")
                largest = max(largest, log.stat().st_size)
                other.execute("COMMIT")
            ledger.wait_for_more(2000)
            wait_for(lambda: log.stat().st_size <= LOG_MAX, "the log to be cut", 15)
        ledger.stop()
        ledger.compare(trial)
        trial.note(f"log at most {largest >> 20} MB")
        check_integrity(trial, admin)
