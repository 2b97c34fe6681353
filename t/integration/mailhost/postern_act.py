# SPDX-License-Identifier: MIT
"""postern-act on one mail host, as the unit runs it, with every program that it starts behind a script that a test
can have kill postern-act, before or after the program did its work."""

import json
import re
import shlex
import signal
from pathlib import Path

from .policyd import merge, program
from .process import Process, wait_for

SCRIPT = """#!/bin/sh
# {name}: what a test asks for by a file, the real program, the same behind it.
stage() {{ [ ! -e {base}/$1-{name} ] || {{ rm {base}/$1-{name}; kill -9 $PPID; }}; }}
[ ! -e {base}/fail-{name} ] || {{ rm {base}/fail-{name}; exit 75; }}
stage before
{command} "$@"
status=$?
stage after
exit $status
"""

COMMAND = """#!/usr/bin/python3
import json, sys
with open({log!r}, "a") as out:
    out.write(json.dumps([sys.argv[1:], json.load(sys.stdin)]) + "\\n")
"""

UNIT = Path(__file__).resolve().parents[3] / "contrib" / "systemd" / "postern-act.service.in"

# The unit's rights: no new ones, and few.
CAPABILITIES = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.M).group(1).lower().replace("cap_", "+").split()
RIGHTS = ("setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all", *CAPABILITIES]))

# And its view: the databases cannot be written.
READ_ONLY = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"')


class PosternAct:
    """One instance for the servers of a MailHost with PosternDovecot."""

    def __init__(self, directory, host):
        self.directory, self.host = directory, host
        self.command_log = directory / "command.log"
        self.process = None

    def prepare(self):
        """The scripts, and the section of policyd.conf."""
        self.directory.mkdir()
        etc = self.host.postfix.config
        real = {"sendmail": ["/usr/sbin/sendmail", "-C", str(etc)],
                "doveadm": ["doveadm", "-c", str(self.host.dovecot.config)],
                **{name: [f"/usr/sbin/{name}", "-c", str(etc)] for name in ("postqueue", "postcat", "postsuper")}}
        scripts = {}
        for name, argv in real.items():
            scripts[name] = self.script(name, SCRIPT.format(name=name, base=self.directory,
                                                            command=" ".join(map(shlex.quote, argv))))
        own = self.script("own", COMMAND.format(log=str(self.command_log)))
        command = self.script("command", SCRIPT.format(name="command", base=self.directory, command=own))
        self.configure(cursor=str(self.directory / "state" / "cursor"), notice_to=["admin@example.com"],
                       command=[f"{command} {{kind}} --account={{account}}"], deadline_s=60, **scripts)

    def script(self, name, text):
        """An executable file."""
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def configure(self, **changes):
        """Options of the section act; seen at the next start."""
        self.host.policyd.settings = merge(self.host.policyd.settings, {"act": changes})
        self.host.policyd.write_config()

    def start(self):
        """Start, and wait until it has its place."""
        before = self.log_text().count("started behind event")
        sandbox = [*self.host.dovecot.own_modules(), *READ_ONLY, self.host.policyd.directory / "lib", *RIGHTS]
        self.process = Process([*sandbox, program("postern-act"), "-c", self.host.policyd.config],
                               self.directory / "out.log")
        self.process.wait_ready(lambda: self.log_text().count("started behind event") > before, "postern-act")

    def stop(self, number=signal.SIGTERM):
        """End it, and return the exit status."""
        process, self.process = self.process, None
        return process.stop(number) if process else None

    def at(self, stage, name):
        """What the program `name` shall do once: stage "before" or "after" (kill -9 postern-act), or "fail"."""
        (self.directory / f"{stage}-{name}").touch()

    def wait_killed(self):
        """A script did it; what it runs goes on."""
        wait_for(lambda: not self.process.running(), "the kill")
        self.process = None

    def log_text(self):
        """What it said."""
        path = self.directory / "out.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, text):
        """Wait until it said so."""
        wait_for(lambda: text in self.log_text(), f"postern-act to say {text!r}, not\n{self.log_text()}")

    def commands(self):
        """[arguments, event] of each run of the own command."""
        return [json.loads(line) for line in self.command_log.read_text().splitlines()] if self.command_log.exists() else []
