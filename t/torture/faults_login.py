# SPDX-License-Identifier: MIT
"""What logins through Dovecot become of: damaged files, a lost index, workers that are killed."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

from daemon import SUSPENDED, ask, recipient
from faults_store import companions
from login_host import LoginHost, accepted
from mailhost.policyd import program
from mailhost.process import PATIENCE, NotReady, wait_for
from trial import fault

ACCOUNT = "user@example.com"
WRONG = "no password of anybody's"


@contextmanager
def login_host(directory):
    """policyd and Dovecot, with an account that is suspended."""
    host = LoginHost(directory)
    host.prepare()
    host.ctl("account", "add", "suspended@example.com", "--password-stdin", stdin="secret\n")
    host.ctl("account", "suspend", "suspended@example.com", "--reason", "stolen")
    try:
        host.start()
        yield host
    finally:
        host.stop()


def reply_of(host, **login):
    """The reply, or what became of the connection."""
    try:
        return host.login(**login)
    except OSError as error:
        return f"({error})"


def nobody_gets_in(trial, host, damaged=False):
    """A wrong password never does, nor an account that is suspended (which damage can turn into another row)."""
    reply = reply_of(host, password=WRONG)
    trial.check(not accepted(reply), f"a wrong password: {reply}")
    if not damaged:
        reply = reply_of(host, user="suspended@example.com")
        trial.check(not accepted(reply), f"a suspended account: {reply}")


@fault("2", "auth workers killed (-9)")
def workers_killed(trial):
    with login_host(trial.directory) as host:
        while trial.more():
            trial.check(accepted(reply_of(host)), "no login before")
            workers = host.dovecot.workers()
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
            wait_for(lambda: not set(workers) & set(host.dovecot.workers()), "the workers' end")
            reply = reply_of(host)
            trial.check(accepted(reply), f"the next login: {reply}")
            nobody_gets_in(trial, host)


def flip(random, path):
    """A few bits at random places."""
    data = bytearray(path.read_bytes())
    if data:
        for _ in range(random.choice([1, 1, 8, 64, 512])):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(data)


@fault("11", "bits flipped in accounts.db", share=4)
def flipped(trial):
    """policyd may refuse to start, with a word; it never crashes, and nobody gets in."""
    with login_host(trial.directory) as host:
        host.policyd.stop()
        good = {path: path.read_bytes() for path in companions(host.database)}
        started = 0
        while trial.more():
            for path in companions(host.database):
                path.unlink()
            for path, data in good.items():
                path.write_bytes(data)
                os.chmod(path, 0o640)
                shutil.chown(path, "nobody", "nogroup")
            flip(trial.random, trial.random.choice(list(good)))
            try:
                host.policyd.start()
            except NotReady:
                done = subprocess.run([program("policyd"), "-f", "-c", host.policyd.config], capture_output=True,
                                      text=True, timeout=20, check=False)
                trial.check(done.returncode == 1 and done.stderr.startswith("policyd: "),
                            f"ended with {done.returncode}: {done.stderr[:200]}")
                nobody_gets_in(trial, host, damaged=True)
                continue
            started += 1
            for user in (ACCOUNT, "suspended@example.com", "other@example.com"):
                try:
                    ask(host, **recipient(user))
                except OSError as error:
                    trial.check(False, f"no reply about {user}: {error}")
            nobody_gets_in(trial, host, damaged=True)
            trial.check(host.policyd.stop() == 0, "policyd crashed")
        trial.note(f"{started} started all the same")


@fault("12", "-shm deleted")
def index_deleted(trial):
    """policyd answers on, and a restart repairs; a login waits, passes or fails."""
    with login_host(trial.directory) as host:
        passed = 0
        while trial.more():
            host.database.with_name("accounts.db-shm").unlink(missing_ok=True)
            trial.check(ask(host, **recipient("suspended@example.com")) == SUSPENDED, "policyd: passed")
            trial.check(ask(host, **recipient(ACCOUNT)) == "DUNNO", "policyd: refused")
            nobody_gets_in(trial, host)
            passed += accepted(reply_of(host))
            host.policyd.restart()
            deadline = time.monotonic() + PATIENCE
            while not accepted(reply := reply_of(host)) and time.monotonic() < deadline:
                pass
            trial.check(accepted(reply), f"after a restart: {reply}")
            nobody_gets_in(trial, host)
        trial.note(f"{passed} logins before the restart")
