# SPDX-License-Identifier: MIT
"""A directory with policyd.conf and databases in which policyctl is tried, with a running policyd and without."""

import json

import pytest

from mailhost.policyd import Policyd, program
from mailhost.process import let_others_enter, run

ACCOUNTS = """
domain add example.com
domain add example.org --alias-of example.com
domain add example.net --relay
account add user@example.com
account add other@example.com
"""


class Admin:
    """policyctl on one configuration; every call is checked for what it said."""

    def __init__(self, directory, running=False):
        self.directory = directory
        self.running = running
        self.policyd = Policyd(directory, directory / "queue", {"dns": {"servers": ["127.0.0.1@1"]}})

    def start(self):
        """Make the databases and, where the fixture asks for it, start policyd."""
        self.policyd.prepare()
        if self.running:
            self.policyd.start()

    def run(self, *arguments, stdin=None):
        """The finished process."""
        return run(program("policyctl"), "-c", self.policyd.config, *arguments, stdin=stdin, check=False)

    def ok(self, *arguments, stdin=None):
        """What it printed, after checking that it succeeded and complained of nothing."""
        done = self.run(*arguments, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def fails(self, status, line, *arguments, stdin=None):
        """Checks the exit status and the one line on standard error, with nothing printed elsewhere."""
        done = self.run(*arguments, stdin=stdin)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", f"policyctl: {line}\n")

    def json(self, *arguments):
        """The parsed output of a command with --json."""
        return json.loads(self.ok(*arguments, "--json"))

    def json_export(self):
        """All that the account table says."""
        return json.loads(self.ok("export", "--format", "json"))

    def script(self, text):
        """One command a line; accounts get the password "secret"."""
        for line in filter(str.strip, text.splitlines()):
            words = line.split()
            if words[:2] == ["account", "add"]:
                self.ok(*words, "--password-stdin", stdin="secret\n")
            else:
                self.ok(*words)

    def databases(self):
        """Everything the tables hold, for comparing before and after."""
        return [self.json(*words.split()) for words in ("domain list", "account list", "alias list", "grant list",
                                                        "list show", "policy show")]


def make_admin(tmp_path_factory, running):
    """A fresh one, stopped at the end of the test."""
    directory = tmp_path_factory.mktemp("ctl")
    let_others_enter(directory)
    admin = Admin(directory, running)
    try:
        admin.start()
        yield admin
    finally:
        admin.policyd.stop()


@pytest.fixture(params=["policyd runs", "policyd is away"])
def admin(request, tmp_path_factory):
    """Empty databases, both ways."""
    yield from make_admin(tmp_path_factory, request.param == "policyd runs")


@pytest.fixture
def alone(tmp_path_factory):
    """Empty databases, policyd away."""
    yield from make_admin(tmp_path_factory, False)
