# SPDX-License-Identifier: MIT
"""Reloads and restarts beneath a real Postfix, and clocks that jump."""

import mmap
import os
import re
import struct
import time
from contextlib import contextmanager
from pathlib import Path

from daemon import ask, daemon
from mailhost.host import MailHost
from mailhost.load import MailLoad
from mailhost.policy import end_of_message
from mailhost.process import run
from trial import fault

ACCOUNTS = """
domain add domain1.com
account add john@domain1.com
account add you@domain1.com
policy set sender_auth enforce --yes
"""
HONEST, FORGED = "anna{n}@sender.net", "user{n}@domain1.com"
REFUSED = f"554 5.7.1 <{FORGED}>: Sender address rejected: SMTP AUTH is required for users under this sender domain"
DAY, BUCKET = 86400, 7200
LIMIT = 3


@contextmanager
def mail_under_way(trial, held):
    """A mail host, and mail that ought to pass beside mail that ought not."""
    host = MailHost(trial.directory, {"sender.net": "mail A 192.0.2.20\n"}, libc_dns=True)
    try:
        host.prepare()
        host.set_patience(60)  # a stop waits for the disk
        host.policyd.script(ACCOUNTS)
        if held:
            host.policyd.hold_sockets()
        host.start()
        with MailLoad(host.port("smtp"), (HONEST, FORGED), "john@domain1.com") as load:
            load.wait_for_more(8)
            yield host, load
        late = [r for r in load.replies[HONEST] if not r.startswith("250 2.0.0 Ok: queued")]
        trial.check(not late, f"honest mail: {len(late)} of {len(load.replies[HONEST])}, such as {late[:1]}")
        wrong = [r for r in load.replies[FORGED] if r != REFUSED]
        trial.check(not wrong, f"forged mail: {len(wrong)} of {len(load.replies[FORGED])}, such as {wrong[:1]}")
        trial.note(f"{load.count()} messages, none late" if not late else "")
    finally:
        host.stop()


@fault("30", "reload under load", share=3)
def reloaded(trial):
    with mail_under_way(trial, held=False) as (host, load):
        pid = host.policyd.pid
        while trial.more():
            host.policyd.reload()
            load.wait_for_more(1)
            trial.check(host.policyd.running() and host.policyd.pid == pid, "policyd ended")


@fault("31", "restart with held sockets under load", share=4)
def restarted(trial):
    with mail_under_way(trial, held=True) as (host, load):
        while trial.more():
            if trial.random.random() < 0.5:
                host.policyd.stop()
            else:
                host.policyd.kill()
            time.sleep(trial.random.random() * 0.3)  # as long as a start may take
            host.policyd.start()
            load.wait_for_more(trial.random.randint(1, 12))


class Clock:
    """The date that policyd sees: off by so many seconds, changed while it runs."""

    def __init__(self, directory):
        self.library = directory / "clock_shift.so"
        path = directory / "shift"
        path.write_bytes(bytes(8))
        path.chmod(0o644)
        run("cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", self.library,
            Path(__file__).parent / "clock_shift.c", "-ldl")
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(self.library), "CLOCK_SHIFT": str(path)}
        self.now = 0

    def move(self, seconds):
        """Forward, or back."""
        self.now += seconds
        self._map[:] = struct.pack("q", self.now)


def passes(admin, user, first, count):
    """How many of so many messages pass."""
    return sum(ask(admin, **end_of_message(user, f"{first}.{n}")) == "DUNNO" for n in range(count))


@fault("27", "clock jumps")
def clock_jumps(trial):
    """Less than a window back frees nobody, more does as more forward does; and two windows later all can send."""
    clock = Clock(trial.directory)
    os.environ.update(clock.environment)
    try:
        with daemon(trial.directory, 0) as admin:
            while trial.more():
                user = f"clock{trial.tries}@example.com"
                admin.script(f"account add {user}\nlimit set messages={LIMIT}/1d --account {user}")
                trial.check(passes(admin, user, f"{trial.tries}a", LIMIT + 2) == LIMIT, "before the jump")
                jump = trial.random.choice([-1, 1]) * trial.random.randint(1, 3 * DAY)
                clock.move(jump)
                wanted = LIMIT if abs(jump) > DAY + BUCKET else 0
                if not DAY - 2 * BUCKET <= abs(jump) <= DAY + 2 * BUCKET:  # where a bucket decides
                    found = passes(admin, user, f"{trial.tries}b", LIMIT + 2)
                    trial.check(found == wanted, f"after a jump of {jump} s {found} passed, not {wanted}")
                clock.move(2 * (DAY + 2 * BUCKET))
                found = passes(admin, user, f"{trial.tries}c", LIMIT + 2)
                trial.check(found == LIMIT, f"two days after a jump of {jump} s {found} passed, not {LIMIT}")
    finally:
        for name in clock.environment:
            del os.environ[name]


def run_unit_tests(trial, *names):
    """Each tries every place where its fault can be, from the first to the last; a try is one of its tests."""
    build = os.environ["POSTERN_BUILD"]
    programs = [f"t/unit/{name}" for name in names]
    run("make", "-s", "-C", build, *programs, timeout=600)
    while trial.more():
        for program in programs:
            done = run("sh", "-c", 'cd "$1" && exec "./$2"', "sh", build, program, check=False, timeout=1800,
                       env={**os.environ, "CK_TIMEOUT_MULTIPLIER": "15"})
            count = re.search(r"^[0-9]+%: Checks: ([0-9]+)", done.stdout, re.M)
            trial.check(done.returncode == 0 and count, done.stdout + done.stderr)
            trial.tries += int(count.group(1)) if count else 0


@fault("MEMORY", "every allocation fails in turn")
def no_memory(trial):
    run_unit_tests(trial, "test_no_memory", "test_no_memory_parsers")


@fault("IO", "every read, write and sync fails")
def no_disk(trial):
    """By a VFS in front of SQLite's: of a database that is written, read and backed up."""
    run_unit_tests(trial, "test_io_errors", "test_store_backup")


@fault("WAL", "SQLite's WAL-reset bug", share=2)
def wal_reset(trial):
    """The shipped way of using the databases beside one that has the bug, for comparison."""
    build = os.environ["POSTERN_BUILD"]
    run("make", "-s", "-C", build, "t/torture/wal_guard", timeout=300)
    while trial.more():
        seconds = max(2, int(trial.seconds / 2))
        done = run(f"{build}/t/torture/wal_guard", seconds, check=False, timeout=4 * seconds + 60)
        trial.check(done.returncode == 0, done.stdout + done.stderr)
        commits = re.search(r"shipped way: .*? ([0-9]+) commits told", done.stdout)
        trial.note(f"{commits.group(1)} commits; {'not ' * ('was not shown' in done.stdout)}shown with two writers")
