# SPDX-License-Identifier: MIT
"""Mixed load on a mail host: mail in, mail out, logins and policy requests, at a steady pace, each reply judged."""

import itertools
import threading
import time
from collections import Counter

from daemon import recipient
from login_host import accepted
from mailhost.mailbox import Imap, Pop3
from mailhost.policy import PolicyClient
from mailhost.smtp import Smtp, submission

PASSWORD, WRONG = "secret", "no password of anybody's"
QUEUED = "250 2.0.0 Ok: queued"
LATENCIES_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

_numbers = itertools.count(1)


class Kind(threading.Thread):
    """One client that does the same again and again.  good, late: what a reply may begin with; late is temporary.
    What is neither is kept as wrong."""

    def __init__(self, load, name, ask, good, pause, late=("4", "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]")):
        super().__init__(daemon=True)
        self.load, self.what, self.ask, self.pause = load, name, ask, pause
        self.good, self.late = good, late
        self.counts = Counter()
        self.late_in, self.late_said = Counter(), {}  # by the fault; of each the first reply, and when
        self.wrong = []
        self.slowest = 0
        self.took = Counter()

    def run(self):
        while not self.load.stopping.is_set():
            start = time.monotonic()
            try:
                reply = self.ask()
            except PermissionError as error:
                reply = f"4 to AUTH: {error}"  # 535, also where Dovecot has no answer for now
            except OSError as error:
                reply = f"4 connection: {error}"
            took = time.monotonic() - start
            self.slowest = max(self.slowest, took)
            self.took[next((b for b in LATENCIES_MS if took * 1000 <= b), 60000)] += 1
            self._judge(reply)
            self.load.stopping.wait(max(0, self.pause - took))

    def _judge(self, reply):
        if reply.startswith(self.good):
            self.counts["good"] += 1
        elif reply.startswith(self.late) or "454 4.7.0" in reply:
            self.counts["late"] += 1
            self.late_in[self.load.fault] += 1
            self.late_said.setdefault(self.load.fault, f"{reply} after {time.monotonic() - self.load.begun:.0f} s")
        else:
            self.counts["wrong"] += 1
            if len(self.wrong) < 5:
                self.wrong.append(f"{reply} ({self.load.fault})")

    def quantile(self, share):
        """In milliseconds, the bound that so many replies kept."""
        wanted, total = share * sum(self.took.values()), 0
        for bound in sorted(self.took):
            total += self.took[bound]
            if total >= wanted:
                return bound
        return 0


class Load:
    """All of them, as a context manager; fault is the name of what goes on, for the records."""

    def __init__(self, host, rate):
        self.host, self.fault, self.begun = host, "none", time.monotonic()
        self.stopping = threading.Event()
        pause = 1 / rate
        refused = ("5",)
        mismatch = ("NO [AUTHENTICATIONFAILED]", "-ERR [AUTH]")
        self.kinds = [
            Kind(self, "honest mail in", self.deliver("anna{n}@sender.net"), QUEUED, pause),
            Kind(self, "honest mail in", self.deliver("anna{n}@sender.net"), QUEUED, pause),
            Kind(self, "forged mail in", self.deliver("user{n}@example.com"), refused, pause),
            Kind(self, "HELO of no host", self.deliver("anna{n}@sender.net", "pc.local"), refused, 2 * pause),
            Kind(self, "mail out, sender0", self.submit("sender0@example.com"), QUEUED, pause),
            Kind(self, "mail out, sender1", self.submit("sender1@example.com"), QUEUED, pause),
            Kind(self, "mail out, another's", self.submit("sender1@example.com", "sender0@example.com"), refused,
                 2 * pause),
            Kind(self, "IMAP login", self.login(Imap, "sender0@example.com", PASSWORD), "OK ", 2 * pause),
            Kind(self, "POP3 login", self.login(Pop3, "sender1@example.com", PASSWORD), "+OK ", 2 * pause),
            Kind(self, "wrong password", self.login(Imap, "sender0@example.com", WRONG), mismatch, 2 * pause),
            Kind(self, "suspended login", self.login(Imap, "suspended@example.com", PASSWORD), "NO [ALERT] ",
                 2 * pause),
            Kind(self, "policy requests", self.policy(), "DUNNO", pause / 4),
            Kind(self, "policy requests", self.policy(), "DUNNO", pause / 4),
        ]

    def __enter__(self):
        for kind in self.kinds:
            kind.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for kind in self.kinds:
            kind.join(60)

    def deliver(self, sender, helo="mail.sender.net"):
        """A message of a stranger's server, whose sender nobody used before."""
        def once():
            with Smtp(self.host.port("smtp")) as smtp:
                smtp.command(f"EHLO {helo}")
                return smtp.message(sender.format(n=next(_numbers)), "other@example.com")
        return once

    def submit(self, login, sender=None):
        """A message of somebody who logged in."""
        def once():
            with submission(self.host.port("submission"), login, PASSWORD) as smtp:
                return smtp.message(sender or login, "someone@elsewhere.net")
        return once

    def login(self, protocol, user, password):
        """One login, by STARTTLS."""
        port = self.host.dovecot.ports[protocol.__name__.lower()]

        def once():
            with protocol(port) as dialogue:
                dialogue.starttls()
                reply = dialogue.login(user, password)
            return f"let in: {reply}" if accepted(reply) and password != PASSWORD else reply
        return once

    def policy(self):
        """One request on a connection that is kept, opened again and asked again where it broke, as Postfix does."""
        kept = []

        def once():
            for last in (False, True):
                try:
                    if not kept:
                        kept.append(PolicyClient(self.host.policyd.policy_socket, timeout=30))
                    return kept[0].ask(**recipient("sender0@example.com", instance=f"p{next(_numbers)}"))
                except OSError:
                    kept.clear()
                    if last:
                        raise
            return ""
        return once
