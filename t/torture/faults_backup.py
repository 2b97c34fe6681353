# SPDX-License-Identifier: MIT
"""Backups that are killed, or find no room, while accounts are added: the earlier one or the new one, and whole."""

import hashlib
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from daemon import ask, check_integrity, daemon, login
from faults_store import number, small_disk
from mailhost.policy import end_of_message
from mailhost.policyd import program
from mailhost.process import Process, run
from trial import fault

CALLS = ("pwrite64", "pwrite64", "fsync", "rename", "openat", "unlink", "ftruncate", "pread64")


class Backup:
    """Both files of one backup, and what they held when they were last whole."""

    def __init__(self, trial, admin, directory):
        self.trial, self.admin, self.directory = trial, admin, directory
        self.told = set()
        directory.mkdir(mode=0o700, exist_ok=True)
        self.files = [directory / "accounts", directory / "state"]
        self.held = {}

    def add(self):
        """An account more, and a message."""
        address = f"new{len(self.told)}@example.com"
        self.admin.ok("account", "add", address, "--password-stdin", stdin="secret\n")
        self.told.add(address)
        self.trial.check(ask(self.admin, **end_of_message(login(0), number())) == "DUNNO", "not counted")

    def sums(self):
        """Of each file."""
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files}

    def make(self):
        """Without a fault: it succeeds, has what was acknowledged, and leaves nothing else."""
        self.admin.ok("backup", *self.files)
        for path in self.files:
            self.check_whole(path)
        self.trial.check(set(os.listdir(self.directory)) <= {"accounts", "state", "filler"},
                         f"left: {os.listdir(self.directory)}")
        self.held = self.sums()

    def check_whole(self, path):
        """By its integrity, and by what it must hold."""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            found = db.execute("PRAGMA integrity_check").fetchall()
            self.trial.check(found == [("ok",)], f"{path.name}: {found[:3]}")
            if path.name == "accounts":
                there = {address for (address,) in db.execute("SELECT address FROM account")}
                self.trial.check(self.told <= there, f"not in the backup: {sorted(self.told - there)[:3]}")
            else:
                self.trial.check(db.execute("SELECT count(*) FROM usage").fetchone()[0] > 0, "no counts")

    def compare(self, what):
        """Each file is to the octet what it was, or a new one; how many are new."""
        new = 0
        for path, digest in self.sums().items():
            if digest != self.held[path]:
                self.check_whole(path)
                new += 1
        rubbish = set(os.listdir(self.directory)) - {"accounts", "state", "filler"}
        self.trial.check(all(name.endswith((".new", ".new-journal")) for name in rubbish), f"{what}: left {rubbish}")
        return new


def killed_in_a_call(trial, admin, backup):
    """At one system call of those that a backup makes; whether it was met."""
    call, when = trial.random.choice(CALLS), trial.random.randint(1, 60)
    done = run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
               f"inject={call}:signal=KILL:when={when}", program("policyctl"), "-c", admin.policyd.config, "backup",
               *backup.files, check=False)
    killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    trial.check(killed or done.returncode == 0, f"{call} {when}: {done.stderr.strip()}")
    backup.compare(f"{call} {when}")
    return killed


def killed_at_a_moment(trial, admin, backup):
    """At any moment; whether it had not yet ended."""
    child = Process([program("policyctl"), "-c", str(admin.policyd.config), "backup", *map(str, backup.files)],
                    trial.directory / "backup.log")
    time.sleep(trial.random.random() * 0.03)
    killed = child.running()
    child.stop(signal.SIGKILL)
    backup.compare("killed")
    return killed


@fault("5", "killed (-9), or no room, in a backup", share=2)
def in_a_backup(trial):
    with small_disk(trial.directory) as disk, daemon(trial.directory, 1) as admin:
        backups = [Backup(trial, admin, Path(trial.directory) / "backups"), Backup(trial, admin, disk / "backups")]
        killed = full = 0
        backups[1].told = backups[0].told
        backups[0].add()
        while trial.more():
            for backup in backups:
                backup.make()
            backups[0].add()
            fault_now = trial.random.choice([killed_in_a_call, killed_in_a_call, killed_at_a_moment])
            killed += fault_now(trial, admin, backups[0])
            full += no_room(trial, admin, backups[1])
        for backup in backups:
            backup.make()
        trial.check(killed > 0 or trial.tries < 20, "never killed")
        trial.check(full > 0 or trial.tries < 10, "never full")
        trial.note(f"{killed} killed, {full} full")
        check_integrity(trial, admin)


def no_room(trial, admin, backup):
    """On a disk that has room for less than both files; whether that was too little."""
    filler = backup.directory / "filler"
    free = os.statvfs(backup.directory)
    room = trial.random.randrange(0, sum(path.stat().st_size for path in backup.files))
    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - room))
    done = admin.run("backup", *backup.files)
    trial.check(done.returncode in (0, 1), f"{done.returncode}: {done.stderr.strip()}")
    trial.check(done.returncode == 0 or ": not made: " in done.stderr or "No space" in done.stderr, done.stderr.strip())
    new = backup.compare("no room")
    trial.check(new == 2 or done.returncode == 1, "said to be done, and is not")
    trial.check(set(os.listdir(backup.directory)) == {"accounts", "state", "filler"}, "left something")
    filler.unlink()
    return done.returncode == 1
