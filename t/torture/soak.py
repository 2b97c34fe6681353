# SPDX-License-Identifier: MIT
"""Real Postfix and Dovecot under mixed load for hours, with a fault every minute; see contrib/soak."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1] / "integration")]

from daemon import check_integrity, messages_sent  # noqa: E402
from ledger import Clerk  # noqa: E402
from mailhost.dovecot_postern import PosternDovecot  # noqa: E402
from mailhost.host import MailHost  # noqa: E402
from mailhost.process import let_others_enter  # noqa: E402
from soak_faults import FAULTS  # noqa: E402
from soak_load import Load  # noqa: E402
from trial import Trial  # noqa: E402

ACCOUNTS = """
domain add example.com
account add sender0@example.com
account add sender1@example.com
account add other@example.com
account add suspended@example.com
account suspend suspended@example.com --reason stolen
limit set messages=100000000/1d --account sender0@example.com
limit set messages=100000000/1d --account sender1@example.com
policy set send_limit enforce --yes
policy set sender_auth enforce --yes
policy set sender_login enforce --yes
policy set helo_resolve enforce --yes
"""
GROWTH_KB, GROWTH_DESCRIPTORS = 16384, 20
WARM_S = 60
COUNTED_IN_MEMORY = "limits are counted in memory only"


class Admin:
    """policyctl, as the ledger's parts expect it."""

    def __init__(self, policyd):
        self.policyd = policyd

    def run(self, *arguments, stdin=None):
        """The finished process."""
        return self.policyd.ctl(*arguments, stdin=stdin, check=False)

    def ok(self, *arguments):
        """What it printed."""
        return self.policyd.ctl(*arguments).stdout


@contextmanager
def mail_host(directory):
    """Everything runs, policyd on sockets that are held for it, state.db on a disk of its own."""
    host = MailHost(directory, {"sender.net": "mail A 192.0.2.20\n"}, libc_dns=True)
    host.dovecot = PosternDovecot(directory / "dovecot", host.policyd.config, "10M",
                                  sasl_socket=host.postfix.queue / "private" / "auth")
    disk, state = directory / "disk", directory / "disk" / "state.db"
    host.policyd.settings.update(default_domain="example.com", state_db=str(state), dovecot={
        "home": f"{directory}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody",
        "gid": "nogroup", "implicit_tls_ports": host.dovecot.implicit_tls_ports})
    for made in (disk, directory / "mail"):
        made.mkdir(mode=0o755)
        shutil.chown(made, "nobody", "nogroup")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m,mode=0777", "tmpfs", disk], check=True)
    try:
        host.prepare()
        host.dovecot.prepare()
        host.policyd.script(ACCOUNTS)
        host.policyd.hold_sockets()
        host.start()
        yield host
    finally:
        host.stop()
        subprocess.run(["umount", "-l", disk], check=True)


class Growth:
    """Memory and descriptors of policyd, from a minute after each start to the last look before its end."""

    def __init__(self, host):
        self.host = host
        self.pid = self.first = self.last = None
        self.worst = {"kB": 0, "descriptors": 0}
        self.longest = 0
        self.since = 0
        self.largest = {"kB": 0, "descriptors": 0}

    def look(self):
        """Once in a while."""
        pid = self.host.policyd.pid
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            now = {"kB": int(status.partition("VmRSS:")[2].split()[0]),
                   "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}
        except (OSError, IndexError):
            return
        if pid != self.pid:
            self.pid, self.since, self.first = pid, time.monotonic(), None
        self.largest = {name: max(value, self.largest[name]) for name, value in now.items()}
        if time.monotonic() - self.since < WARM_S:
            return
        self.first = self.first or now
        self.longest = max(self.longest, time.monotonic() - self.since)
        self.worst = {name: max(self.worst[name], now[name] - self.first[name]) for name in now}


class Soak:
    """Faults in turn, and what is told of them."""

    def __init__(self, host, trial, seconds, every):
        self.host, self.trial, self.every = host, trial, every
        self.begun = time.monotonic()
        self.half, self.end = self.begun + seconds / 2, self.begun + seconds
        self.counts = Counter()
        self.growth = Growth(host)

    def run(self, load):
        """In the first half only such as policyd lives through, so that its growth can be seen."""
        while time.monotonic() < self.end - min(15, self.every / 2):
            chosen = [f for f in FAULTS if not f.ends or time.monotonic() >= self.half]
            one = self.trial.random.choice(chosen)
            self.trial.tries += 1
            self.counts[one] += 1
            load.fault = one.what
            next_at = time.monotonic() + self.every
            print(f"{time.monotonic() - self.begun:6.0f} s  {one.what}", flush=True)
            try:
                one.run(self.host, self.trial.random)
            except Exception:  # pylint: disable=broad-except
                self.trial.check(False, traceback.format_exc(limit=4))
            self.trial.check(self.host.policyd.running(), "policyd ended")
            while time.monotonic() < min(next_at, self.end):
                self.growth.look()
                time.sleep(1)
        load.fault = "none"

    def report(self, load, clerk):
        """The tables, and what is bad."""
        trial, defers = self.trial, {f.what for f in FAULTS if f.defers}
        print(f"\n{'load':22} {'asked':>8} {'good':>8} {'late':>6} {'wrong':>6} {'median':>8} {'p99':>8} {'slowest':>9}")
        for kind in load.kinds:
            c = kind.counts
            print(f"{kind.what:22} {sum(c.values()):8} {c['good']:8} {c['late']:6} {c['wrong']:6} "
                  f"{kind.quantile(0.5):5} ms {kind.quantile(0.99):5} ms {kind.slowest:7.1f} s")
            trial.check(c["good"] > 0 and c["wrong"] == 0, f"{kind.what}: {kind.wrong}")
            late = {what: f"{n}, first {kind.late_said[what]}" for what, n in kind.late_in.items() if what not in defers}
            trial.check(not late, f"{kind.what}: late though nothing calls for it: {late}")
        print(f"\n{'fault':10} {'what':26} {'times':>6} {'late replies':>13}")
        for one, times in sorted(self.counts.items(), key=lambda f: (len(f[0].number), f[0].number, f[0].what)):
            print(f"{one.number:10} {one.what:26} {times:6} {sum(k.late_in[one.what] for k in load.kinds):13}")
        self._ledger(load, clerk)
        self._growth()

    def _ledger(self, load, clerk):
        trial, policyd = self.trial, self.host.policyd
        log = "".join(path.read_text(errors="replace") for path in policyd.log.parent.glob("policyd.log*"))
        accounts = clerk.compare(trial, policyd.settings["accounts_db"])
        print(f"\nledger: {accounts} accounts made and suspended, none lost")
        for number in range(2):
            user = f"sender{number}@example.com"
            told = next(k.counts["good"] for k in load.kinds if k.what == f"mail out, sender{number}")
            late = next(k.counts["late"] for k in load.kinds if k.what == f"mail out, sender{number}")
            held = messages_sent(Admin(policyd), user)
            print(f"ledger: {user}: {told} messages taken, {held} counted")
            trial.check(told <= held <= told + late or COUNTED_IN_MEMORY in log,  # what the alarm is for
                        f"{user}: {told} messages taken, {held} counted")
        check_integrity(trial, Admin(policyd))

    def _growth(self):
        worst, largest = self.growth.worst, self.growth.largest
        print(f"policyd: at most {largest['kB']} kB and {largest['descriptors']} descriptors; one process grew in "
              f"{self.growth.longest:.0f} s, after its first minute, by at most {worst['kB']} kB and "
              f"{worst['descriptors']} descriptors")
        self.trial.check(worst["kB"] < GROWTH_KB, f"memory grew by {worst['kB']} kB")


def main():
    """Exit status 1 where something was lost, wrongly refused or let in, or grew."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("hours", type=float)
    parser.add_argument("seed", type=int, nargs="?", help="as a former run printed it")
    parser.add_argument("--every", type=float, default=60, metavar="SECONDS", help="a fault so often (60)")
    parser.add_argument("--rate", type=float, default=4, help="of each client, in a second (4)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("soak: mounts, kills and starts Postfix: be root")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="soak.") as name:
        directory = Path(name)
        let_others_enter(directory)
        trial = Trial("soak", "soak", options.hours * 3600, directory, seed)
        with mail_host(directory) as host:
            soak = Soak(host, trial, options.hours * 3600, options.every)
            with Load(host, options.rate) as load:
                clerk = Clerk(SimpleLedger(host, load.stopping), pause=2)
                clerk.start()
                soak.run(load)
                soak.growth.look()
            clerk.join(60)
            soak.report(load, clerk)
    asked = sum(sum(kind.counts.values()) for kind in load.kinds)
    print(f"{asked} requests, {trial.tries} faults in {time.monotonic() - soak.begun:.0f} s, seed {seed}: "
          + (f"{trial.bad} bad outcomes" if trial.bad else "no bad outcome"))
    return 1 if trial.bad else 0


class SimpleLedger:  # pylint: disable=too-few-public-methods
    """What a clerk needs of one."""

    def __init__(self, host, stopping):
        self.admin, self.stopping = Admin(host.policyd), stopping


if __name__ == "__main__":
    sys.exit(main())
