# SPDX-License-Identifier: MIT
"""policyctl on a terminal of 80 columns and in a pipe: what fits, and what is coloured."""

import datetime
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from contextlib import suppress

import pytest

from mailhost.policyd import program
from mailhost.process import let_others_enter
from report_data import make_host

# Since a date: by default it is told to the minute, which may be another one in the next run.
READINESS = ["readiness", "--since", (datetime.date.today() - datetime.timedelta(7)).isoformat()]
ESCAPE = re.compile("\x1b\\[[0-9;]*m")
RED, YELLOW, GREEN = "\x1b[1;31m", "\x1b[33m", "\x1b[32m"


@pytest.fixture(scope="module")
def policyd(tmp_path_factory):
    """A week of a host, written there; nothing runs."""
    directory = tmp_path_factory.mktemp("terminal")
    let_others_enter(directory)
    return make_host(directory)


def on_terminal(policyd, *words, columns=80, **env):
    """What a terminal is sent; a variable that is None is not set."""
    settings = {**os.environ, "TERM": "xterm", "NO_COLOR": None, **env}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([program("policyctl"), "-c", policyd.config, *words], stdout=theirs, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE,
                          env={name: value for name, value in settings.items() if value is not None}) as child:
        os.close(theirs)
        text = b""
        with suppress(OSError):  # EIO: its other end is closed
            while part := os.read(ours, 65536):
                text += part
        assert child.stderr.read() == b""
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def test_verdicts_are_coloured(policyd):
    text = on_terminal(policyd, "readiness")
    assert f"{RED}breaks\x1b[0m" in text and f"{GREEN}safe\x1b[0m" in text
    assert re.search(r"sender_login +observe +\x1b", text)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}])
def test_without_colours(policyd, env):
    """The same words in the same places."""
    plain = on_terminal(policyd, *READINESS, **env)
    assert "\x1b" not in plain and plain == ESCAPE.sub("", on_terminal(policyd, *READINESS))


def test_an_empty_no_color_says_nothing(policyd):
    assert RED in on_terminal(policyd, "readiness", NO_COLOR="")


def test_findings_are_coloured(policyd):
    text = on_terminal(policyd, "doctor", "--postfix-config", "/nonexistent", "--dovecot-config", "/nonexistent")
    assert f"\n{RED}problem:\x1b[0m  policyd: " in text and f"{RED}policyd\x1b[0m " in text
    assert f"{GREEN}databases\x1b[0m " in text or f"{RED}databases\x1b[0m" in text


@pytest.mark.parametrize("words", [["readiness"], ["doctor"], ["policy", "show"], ["account", "list"], ["--help"]])
def test_a_pipe_is_plain(policyd, words):
    assert "\x1b" not in policyd.ctl(*words, check=False).stdout


@pytest.mark.parametrize("words", [READINESS, [*READINESS, "--check", "helo_fqdn"], ["policy", "show"], ["account", "list"]])
def test_rows_fit_the_terminal(policyd, words):
    """Wider rows go on in a line that is set in; words and their order are those of the pipe, where each row is one."""
    piped, shown = policyd.ctl(*words).stdout, ESCAPE.sub("", on_terminal(policyd, *words))
    assert shown.split() == piped.split()
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    if words[0] == "readiness":
        assert any(len(line) > 80 for line in piped.splitlines())
        assert re.search(r"^WHO +CAUSE +COUNT +LAST SEEN\n    HOW\n", shown, re.M)


def test_a_wide_terminal(policyd):
    """It is as in a pipe."""
    assert ESCAPE.sub("", on_terminal(policyd, *READINESS, columns=300)) == policyd.ctl(*READINESS).stdout
