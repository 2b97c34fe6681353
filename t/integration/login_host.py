# SPDX-License-Identifier: MIT
"""policyd and Dovecot with the driver "postern", for the tests of logins: Dovecot's auth cache is on throughout."""

import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mailhost.dovecot_postern import PosternDovecot
from mailhost.mailbox import ELSEWHERE, Imap, Pop3
from mailhost.policyd import Policyd
from mailhost.process import let_others_enter, wait_for

ACCOUNTS = """
domain add example.com
domain add example.net
account add user@example.com
account add other@example.com
account add o'brien@example.com
account add jürgen@example.com
account add %u%d{user}@example.net
"""

MISMATCH = {"imap": "NO [AUTHENTICATIONFAILED] Authentication failed.", "pop3": "-ERR [AUTH] Authentication failed."}
ALERT = {"imap": "NO [ALERT] ", "pop3": "-ERR [AUTH] "}
PASSWORD = "secret"


def accepted(reply):
    """True where the login passed."""
    return reply.startswith(("OK ", "+OK ")) and "ogged in" in reply


class LoginHost:
    """Both servers below one directory."""

    def __init__(self, directory, more="", settings=None, cache_size="10M"):
        self.directory = directory
        self.policyd = Policyd(directory / "policyd", directory / "queue", {
            "dns": {"servers": ["127.0.0.1@1"]}, "default_domain": "example.com"})
        self.dovecot = PosternDovecot(directory / "dovecot", self.policyd.config, cache_size, more)
        self.policyd.settings["dovecot"] = {
            "home": f"{directory}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody",
            "gid": "nogroup", "implicit_tls_ports": self.dovecot.implicit_tls_ports, **(settings or {})}

    def prepare(self):
        """Databases and configurations; nothing runs yet."""
        (self.directory / "mail").mkdir(mode=0o755)
        shutil.chown(self.directory / "mail", "nobody", "nogroup")
        self.policyd.prepare()
        self.policyd.script(ACCOUNTS)
        self.dovecot.prepare()

    def start(self):
        """Start both."""
        self.policyd.start()
        self.dovecot.start()

    def stop(self):
        """End both."""
        self.dovecot.stop()
        self.policyd.stop()

    def ctl(self, *arguments, **options):
        """policyctl."""
        return self.policyd.ctl(*arguments, **options)

    @property
    def database(self):
        """The path of accounts.db."""
        return self.directory / "policyd" / "lib" / "accounts.db"

    def login(self, user="user@example.com", password=PASSWORD, protocol="imap", security="starttls",
              source=ELSEWHERE):
        """The reply to a login; security is none, starttls or implicit."""
        client = {"imap": Imap, "pop3": Pop3}[protocol]
        port = self.dovecot.ports[protocol + ("s" if security == "implicit" else "")]
        with client(port, source, tls=security == "implicit") as dialogue:
            if security == "starttls":
                dialogue.starttls()
            return dialogue.login(user, password)

    def edit(self, sql, *parameters):
        """Change one row as policyctl never would; policyd is stopped for it."""
        self.policyd.stop()
        try:
            with closing(sqlite3.connect(self.database)) as db, db:
                assert db.execute(sql, parameters).rowcount == 1
        finally:
            self.policyd.start()

    def wait_log(self, text):
        """Wait until Dovecot's log holds text."""
        wait_for(lambda: text in self.dovecot.log_text(), f"Dovecot's log to say {text!r}")


def make_host(tmp_path_factory, **options):
    """A running one, stopped at the end."""
    directory = tmp_path_factory.mktemp("login")
    let_others_enter(directory)
    host = LoginHost(directory, **options)
    try:
        host.prepare()
        host.start()
        yield host
    finally:
        host.stop()


@pytest.fixture(scope="module")
def logins(tmp_path_factory):
    """One for all tests of a module."""
    yield from make_host(tmp_path_factory)


@contextmanager
def moved_away(host):
    """The account table and its companions under other names."""
    host.policyd.stop()
    path = Path(host.policyd.settings["accounts_db"])
    parts = [part for part in path.parent.iterdir() if part.name.startswith(path.name)]
    moved = [(part, part.rename(part.with_name("away-" + part.name))) for part in parts]
    try:
        yield
    finally:
        for part, away in moved:
            away.rename(part)
        host.policyd.start()
