# SPDX-License-Identifier: MIT
"""A host as contrib/postfix and contrib/dovecot set it up, examined by policyctl doctor.

policyd and a name server run; of Postfix and Dovecot the configuration is what is examined.
"""

import json
import os

import pytest

from mailhost import dovecot_dialect as dialect
from mailhost.dns import Nsd, Unbound
from mailhost.dovecot_postern import PosternDovecot
from mailhost.host import APPLY
from mailhost.policyd import Policyd, program
from mailhost.postfix import Postfix
from mailhost.process import let_others_enter, run

READY = dialect.READY / f"90-postern-{'2.4' if dialect.IS_2_4 else '2.3'}.conf"
# policyd is not run by systemd here, whatever the host's is.
NO_SYSTEMD = "[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd; "

ACCOUNTS = """
domain add example.com
account add user@example.com
"""


class DoctorHost:
    """All of it below one directory."""

    def __init__(self, directory):
        self.nsd = Nsd(directory / "nsd", {})
        self.unbound = Unbound(directory / "unbound", {"": self.nsd.port})
        self.postfix = Postfix(directory / "postfix")
        self.policyd = Policyd(directory / "policyd", self.postfix.queue, {
            "trusted_networks": ["127.0.0.1/32"], "dns": {"servers": [self.unbound.server]}})
        self.dovecot = PosternDovecot(directory / "dovecot", self.policyd.config)
        self.as_user = []
        self.mounts = NO_SYSTEMD

    def prepare(self):
        """Write every configuration and make the databases."""
        self.postfix.prepare()
        run(APPLY, "-c", self.postfix.config)
        self.policyd.prepare()
        self.policyd.script(ACCOUNTS)
        self.dovecot.prepare()
        self.write_dovecot()

    def write_dovecot(self, more=""):
        """The ready file, with this host's paths, and what the test adds."""
        ready = READY.read_text().replace("/etc/postern/policyd.conf", str(self.policyd.config))
        ready = ready.replace("/var/spool/postfix", str(self.postfix.queue))
        self.dovecot.config.write_text(dialect.VERSION + dialect.protocols("imap") + ready + more)

    def start(self):
        """Start what runs."""
        self.nsd.start()
        self.unbound.start()
        self.policyd.start()

    def stop(self):
        """End it."""
        self.policyd.stop()
        self.unbound.stop()
        self.nsd.stop()

    def doctor(self, *options):
        """The finished process."""
        self._age()
        return run(*self.dovecot.own_modules(), "sh", "-c", f"{self.mounts}exec \"$@\"", "sh", *self.as_user,
                   program("policyctl"), "-c", self.policyd.config, "doctor", "--postfix-config", self.postfix.config,
                   "--dovecot-config", self.dovecot.config, *options, check=False)

    def _age(self):
        """Postfix's programs wait while its configuration was changed less than two seconds ago."""
        for name in ("main.cf", "master.cf"):
            os.utime(self.postfix.config / name, (0, 0))

    def report(self):
        """The whole report."""
        done = self.doctor("--json")
        assert done.returncode in (0, 1) and done.stderr == "", done
        report = json.loads(done.stdout)
        assert done.returncode == (report["problems"] + report["warnings"] > 0)
        return report

    def findings(self, levels=("warning", "problem")):
        """What is to be mended."""
        return [f for f in self.report()["findings"] if f["level"] in levels]

    def rules(self, **options):
        """The same, by rule."""
        return [f["rule"] for f in self.findings(**options)]

    def shell(self, command):
        """Run a remedy as an administrator would."""
        path = f"{os.path.dirname(program('policyctl'))}:{os.path.dirname(program('policyd'))}:{os.environ['PATH']}"
        return run(*self.dovecot.own_modules(), "sh", "-c", command, env={**os.environ, "PATH": path})


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """One that is as it should be, running; a test puts back what it changes."""
    directory = tmp_path_factory.mktemp("doctor")
    let_others_enter(directory)
    host = DoctorHost(directory)
    try:
        host.prepare()
        host.start()
        yield host
    finally:
        host.stop()
