# SPDX-License-Identifier: MIT
"""policyctl top: what it says of real mail, on a terminal (tmux), as a table and as JSON."""

import json
import math
import time

import pytest

from conftest import is_accepted
from mailhost.policyd import program
from mailhost.process import run, wait_for

LOGIN = "you@domain1.com"


class Screen:
    """A terminal of 80 columns in which a command runs."""

    def __init__(self, directory, command):
        self._tmux = ["tmux", "-S", str(directory / "tmux")]
        run(*self._tmux, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command)

    def close(self):
        run(*self._tmux, "kill-server", check=False)

    def keys(self, *keys):
        run(*self._tmux, "send-keys", *keys)

    def text(self):
        done = run(*self._tmux, "capture-pane", "-p", check=False)
        return done.stdout if done.returncode == 0 else ""  # the command has ended

    def shows(self, *texts):
        wait_for(lambda: all(text in self.text() for text in texts), f"{texts} on the screen")
        return self.text()


@pytest.fixture
def top(host, tmp_path):
    screen = Screen(tmp_path, f"{program('policyctl')} -c {host.policyd.config} top")
    yield screen
    screen.close()


@pytest.fixture
def busy(host, mail):
    """Mail of an account and a refused stranger, and nothing else: what others did is forgotten.  Yields when it began."""
    host.policyd.restart()
    began = time.monotonic()
    for _ in range(3):
        assert is_accepted(mail.submit(LOGIN, LOGIN))
    assert mail.deliver("a@sender.net", helo="pc.local").startswith("554 5.7.1")
    return began


def rows(host, *options):
    return json.loads(host.policyd.ctl("top", "--json", *options).stdout)


def test_counts_what_was_sent(host, busy):
    first = rows(host)[0]
    minute, least = first.pop("minute"), round(3 * math.exp((busy - time.monotonic()) / 60))  # it fades meanwhile
    assert first == {"account": LOGIN, "hour": {"messages": 3, "recipients": 3, "refused": 0}}
    assert minute["refused"] == 0 and least <= minute["messages"] == minute["recipients"] <= 3
    assert rows(host, "--by", "domain")[0]["domain"] == "domain1.com"


@pytest.mark.parametrize("by, who", [("client", "127.0.0.2"), ("helo", "pc.local"), ("check", "helo_local"),
                                     ("domain", "domain1.com")])
def test_counts_who_was_refused(host, busy, by, who):
    found = rows(host, "--by", by, "--refused")
    assert [(row[by], row["hour"]["refused"]) for row in found] == [(who, 1)]


def test_as_a_table(host, busy):
    lines = host.policyd.ctl("top", "--once").stdout.splitlines()
    assert lines[0].split() == ["ACCOUNT", "MSGS/MIN", "RCPTS", "REFUSED", "MSGS/H", "RCPTS", "REFUSED"]
    assert lines[1].split()[0] == LOGIN and max(map(len, lines)) <= 80


def test_on_a_terminal(host, busy, top):
    text = top.shows("who sends most, by account", LOGIN)
    assert max(map(len, text.splitlines())) <= 80
    top.keys("h", "r")
    top.shows("who is refused most, by helo", "pc.local")
    top.keys("k")
    top.shows("by check", "helo_local")
    top.keys("q")
    wait_for(lambda: "by check" not in top.text(), "top to end")


def test_suspends_whom_is_chosen(host, mail, busy, top):
    other = "other-address@domain2.net"
    assert is_accepted(mail.submit(other, other))
    top.shows(LOGIN, other)
    top.keys("Down")
    top.keys("S")
    top.shows(f"Suspend {other}: why?")
    top.keys("sends spam", "Enter")
    try:
        top.shows("It is suspended")
        assert json.loads(host.policyd.ctl("account", "show", other, "--json").stdout)["suspended_reason"] == "sends spam"
        assert mail.submit(other, other).startswith(("535", "554"))
        top.keys("Enter")
        top.shows("who sends most, by account")
    finally:
        host.policyd.ctl("account", "release", other)


def test_no_reason_no_suspension(host, busy, top):
    top.shows(LOGIN)
    top.keys("S")
    top.shows(f"Suspend {LOGIN}: why?")
    top.keys("Enter")
    top.shows("who sends most, by account", LOGIN)
    assert json.loads(host.policyd.ctl("account", "show", LOGIN, "--json").stdout)["suspended"] is None


def test_denies_a_client(host, busy, top):
    top.shows("who sends most, by account", LOGIN)  # keys before that are the terminal's, and thrown away
    top.keys("c", "r")
    top.shows("who is refused most, by client", "127.0.0.2")
    top.keys("D")
    top.shows("Deny 127.0.0.2: why?")
    top.keys("floods", "Enter")
    top.shows("It is refused from now on")
    entry = [e for e in json.loads(host.policyd.ctl("list", "show", "--json").stdout) if e["client"] == "127.0.0.2"]
    assert [(e["action"], e["note"]) for e in entry] == [("deny", "floods")]
    host.policyd.ctl("list", "remove", str(entry[0]["id"]))


def test_says_that_policyd_is_away(host, top):
    top.shows("who sends most")
    host.policyd.stop()
    try:
        top.shows("control: policyd does not run")
    finally:
        host.policyd.start()


@pytest.mark.parametrize("options, line", [
    ((), "no terminal to show it on: use --once"),
    (("--once", "--by", "rank"), "--by rank: it is account, domain, client, helo or check")])
def test_wrong_use_gets_one_line(host, options, line):
    done = host.policyd.ctl("top", *options, check=False)
    assert (done.returncode, done.stderr) == (2, f"policyctl: {line}\n")
