# SPDX-License-Identifier: MIT
"""What clients were told, to be compared with what the databases hold: nothing acknowledged is lost or doubled."""

import itertools
import sqlite3
import threading
from contextlib import closing

from daemon import login, messages_sent
from mailhost.policy import PolicyClient, end_of_message
from mailhost.process import wait_for

SENDERS = 12


class Sender(threading.Thread):
    """Sends one message after the other, each asked about until it is answered, as Postfix does."""

    numbers = itertools.count(1)

    def __init__(self, ledger, user):
        super().__init__(daemon=True)
        self.ledger, self.user = ledger, user
        self.answered = self.resent = 0
        self.strange = []

    def run(self):
        client, number = None, next(self.numbers)
        while not self.ledger.given_up.is_set():
            try:
                client = client or PolicyClient(self.ledger.admin.policyd.policy_socket, timeout=20)
                reply = client.ask(**end_of_message(self.user, number))
            except OSError:
                client, self.resent = None, self.resent + 1
                self.ledger.given_up.wait(0.005)
                continue
            if reply != "DUNNO":
                self.strange.append(reply)
            self.answered += 1
            if self.ledger.stopping.is_set():  # with an answer to each that was asked
                return
            number = next(self.numbers)


class Clerk(threading.Thread):
    """Adds and suspends accounts by policyctl; told, doubtful: those whose command succeeded, and those where it
    failed, which may be done or not."""

    def __init__(self, ledger, pause=0):
        super().__init__(daemon=True)
        self.ledger, self.pause = ledger, pause
        self.told = {"add": set(), "suspend": set()}
        self.doubtful = {"add": set(), "suspend": set()}

    def run(self):
        for number in itertools.count():
            user = f"new{number}@example.com"
            if self.ledger.stopping.wait(self.pause):
                break
            self._do("add", user, "--password-stdin", stdin="secret\n")
            self._do("suspend", user, "--reason", "x")

    def compare(self, trial, path):
        """What it was told against what accounts.db holds; the accounts there are."""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            there = {user for (user,) in db.execute("SELECT address FROM account WHERE address LIKE 'new%'")}
            suspended = {user for (user,) in db.execute(
                "SELECT address FROM account WHERE address LIKE 'new%' AND suspended IS NOT NULL")}
        for verb, held in (("add", there), ("suspend", suspended)):
            told, doubtful = self.told[verb], self.doubtful[verb]
            trial.check(told <= held, f"{verb}: told, but not held: {sorted(told - held)[:3]}")
            trial.check(held <= told | doubtful, f"{verb}: held, but not asked for: {sorted(held - told - doubtful)[:3]}")
        return len(there)

    def _do(self, verb, user, *options, stdin=None):
        done = self.ledger.admin.run("account", verb, user, *options, stdin=stdin)
        (self.told if done.returncode == 0 else self.doubtful)[verb].add(user)


class Ledger:
    """Senders and a clerk at work, as a context manager."""

    def __init__(self, admin, accounts=4, clerk=True):
        self.admin = admin
        self.accounts = accounts
        self.stopping, self.given_up = threading.Event(), threading.Event()
        self.senders = [Sender(self, login(n % accounts)) for n in range(SENDERS)]
        self.clerk = Clerk(self) if clerk else None

    def __enter__(self):
        for thread in self._threads():
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _threads(self):
        return self.senders + ([self.clerk] if self.clerk else [])

    def answered(self):
        """Messages so far."""
        return sum(sender.answered for sender in self.senders)

    def wait_for_more(self, messages, timeout=30):
        """So many further answers."""
        goal = self.answered() + messages
        wait_for(lambda: self.answered() >= goal, f"{messages} more answers", timeout)

    def stop(self):
        """Let each come to an answer, and end."""
        self.stopping.set()
        for thread in self._threads():
            thread.join(30)
        self.given_up.set()

    def compare(self, trial):
        """Told against held, after stop()."""
        for number in range(self.accounts):
            told = sum(s.answered for s in self.senders if s.user == login(number))
            held = messages_sent(self.admin, login(number))
            trial.check(told == held, f"{login(number)}: {told} messages answered, {held} counted")
        for sender in self.senders:
            trial.check(not sender.strange, f"replies that are none of these: {sender.strange[:3]}")
            trial.check(not sender.is_alive(), "a request that was never answered")
        accounts = self.clerk.compare(trial, self.admin.policyd.settings["accounts_db"]) if self.clerk else 0
        trial.note(f"{self.answered()} messages" + (f", {accounts} accounts" if accounts else ""))
