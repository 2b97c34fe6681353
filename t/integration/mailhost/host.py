# SPDX-License-Identifier: MIT
"""A whole mail host: DNS, Postfix with the ready files of contrib/postfix, Dovecot for logins, policyd."""

import re
from contextlib import ExitStack
from pathlib import Path

from .dns import Nsd, Unbound
from .dovecot import Dovecot
from .policyd import Policyd
from .postfix import Postfix
from .process import let_others_enter, run

APPLY = Path(__file__).resolve().parents[3] / "contrib" / "postfix" / "apply"

PASSWORD = "secret"


class MailHost:
    """The servers of one host below one directory.  Change what is needed after __init__, then start()."""

    def __init__(self, directory, zones, libc_dns=False, settings=None):
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        let_others_enter(directory)
        self.nsd = Nsd(directory / "nsd", zones)
        self.unbound = Unbound(directory / "unbound", {"": self.nsd.port}, libc_dns)
        self.postfix = Postfix(directory / "postfix", resolver=self.unbound.libc_address or "127.0.0.1",
                               hosts={f"127.0.0.{n}": f"client{n}.sender.net" for n in range(2, 10)})
        self.dovecot = Dovecot(directory / "dovecot", self.postfix.queue, PASSWORD)
        self.policyd = Policyd(directory / "policyd", self.postfix.queue, {
            "dns": {"servers": [self.unbound.server]},
            "trusted_networks": ["127.0.0.1/32"],
            "submission_ports": [self.postfix.ports["submission"], self.postfix.ports["submissions"]],
            **(settings or {})})
        self._started = ExitStack()

    def prepare(self):
        """Write every configuration and make the accounts' database; nothing runs yet."""
        self.postfix.prepare()
        run(APPLY, "-c", self.postfix.config)
        self.policyd.prepare()

    def start(self, progress=lambda what: None):
        """Start everything, in the order in which one needs the other; progress is told each name."""
        for what, server in (("NSD", self.nsd), ("Unbound", self.unbound), ("policyd", self.policyd),
                             ("Postfix", self.postfix), ("Dovecot", self.dovecot)):
            progress(what)
            self._started.callback(server.stop)
            server.start()

    def stop(self):
        """End everything, last started first; harmless when repeated."""
        self._started.close()
        self.policyd.release_sockets()

    def set_patience(self, seconds):
        """For how long Postfix waits for a reply of policyd, from its next start or reload on."""
        hook = self.postfix.postconf("-h", "postern_policy").strip()
        self.postfix.postconf("-e", "postern_policy = " + re.sub(r"timeout=\d+s", f"timeout={seconds}s", hook))

    def port(self, service):
        """The port of a Postfix service."""
        return self.postfix.ports[service]
