# SPDX-License-Identifier: MIT
"""A policyd of its own for one fault, and strace to make its system calls fail or end it in one of them."""

import json
import signal
import sqlite3
import subprocess
from contextlib import closing, contextmanager

from admin import Admin
from mailhost.policy import PolicyClient
from mailhost.process import NotReady, wait_for

# More than any test sends, so that what is counted is what was sent.
ACCOUNTS = """
domain add example.com
account add suspended@example.com
account suspend suspended@example.com --reason stolen
policy set send_limit enforce --yes
limit set messages=100000000/1d --domain example.com
"""

SUSPENDED = "554 5.7.1 Account suspended: stolen"
DEADLINE_S = 5


def login(number):
    """One of the accounts that send."""
    return f"sender{number}@example.com"


@contextmanager
def daemon(directory, accounts=4, held=False, **settings):
    """Running, with its databases in directory/lib; held: on sockets that outlive it, as under systemd."""
    admin = Admin(directory)
    admin.policyd.configure(limits={"deadline_ms": DEADLINE_S * 1000}, **settings)
    admin.start()
    admin.script(ACCOUNTS)
    for number in range(accounts):
        admin.script(f"account add {login(number)}\nlimit set messages=100000000/1d --account {login(number)}")
    if held:
        admin.policyd.hold_sockets()
    admin.policyd.start()
    try:
        yield admin
    finally:
        if admin.policyd.running():
            admin.policyd.stop()
        if held:
            admin.policyd.release_sockets()


def ask(admin, timeout=DEADLINE_S, **attributes):
    """One request on a connection of its own."""
    with PolicyClient(admin.policyd.policy_socket, timeout=timeout) as client:
        return client.ask(**attributes)


def recipient(user, **more):
    """The request of a login at RCPT."""
    return {"protocol_state": "RCPT", "sender": user, "recipient": "a@elsewhere.net", "sasl_username": user, **more}


def messages_sent(admin, user):
    """What the table says of an account's day."""
    rows = json.loads(admin.ok("limit", "show", user, "--json"))
    return next(row["messages"]["sent"] for row in rows if row["window"] == "1d" and row["messages"]["sent"] is not None)


def paths(admin):
    """Of accounts.db and state.db."""
    return [admin.policyd.settings[name] for name in ("accounts_db", "state_db")]


def check_integrity(trial, admin):
    """SQLite's own check of both files, by a reader."""
    for path in paths(admin):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            found = db.execute("PRAGMA integrity_check").fetchall()
        trial.check(found == [("ok",)], f"{path}: {found[:3]}")


class Strace:
    """Attached to a running daemon (without its sandbox, which takes strace's work for a forbidden call)."""

    def __init__(self, pid, calls, action, files):
        argv = ["strace", "-f", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={calls}:{action}"]
        for path in files:
            argv += ["-P", str(path)]
        self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
        for line in self._child.stderr:
            if "attached" in line:  # to all threads: one line
                break
        else:
            raise NotReady(f"strace: ended with {self._child.wait()}")
        self._drop = subprocess.Popen(["cat"], stdin=self._child.stderr, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.send_signal(signal.SIGINT)
        self._child.wait(20)
        self._drop.wait(20)
        self._child.stderr.close()


def wait_for_end(admin, seconds):
    """True where the daemon ended by itself within so many seconds."""
    try:
        wait_for(lambda: not admin.policyd.running(), "policyd to end", seconds)
        return True
    except NotReady:
        return False
