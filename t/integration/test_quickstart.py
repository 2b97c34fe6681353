# SPDX-License-Identifier: MIT
"""contrib/quickstart: every reply of the tour as expected, nothing left behind, also when it is ended early."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from mailhost.policyd import program
from mailhost.process import PATIENCE, wait_for

QUICKSTART = Path(__file__).resolve().parents[2] / "contrib" / "quickstart"


def start(*options):
    """The quickstart on the build under test, its output in a pipe."""
    env = {**os.environ, "POSTERN_BUILD": os.environ.get("POSTERN_BUILD", "")}
    return subprocess.Popen([QUICKSTART, *options], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)


def left_behind(directory):
    """Processes that still name the quickstart's directory, and the directory itself."""
    found = [directory] if Path(directory).exists() else []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if directory.encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def directory_of(running):
    """Where the quickstart keeps all, which it tells its tour; None before that has begun."""
    argv = Path(f"/proc/{running.pid}/cmdline").read_text(errors="replace").split("\0")
    return next((word for word in argv if re.fullmatch(r"/tmp/postern\.\w{6}", word)), None)


def test_once():
    done = start("--once")
    directory = wait_for(lambda: directory_of(done), "the tour to begin")
    output, _ = done.communicate(timeout=4 * PATIENCE)
    assert done.returncode == 0, output
    assert "15 of 15 replies as expected." in output
    assert "DIFFERS" not in output
    assert max(len(line) for line in output.splitlines()) <= 80
    wait_for(lambda: left_behind(directory) == [], "nothing left behind")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stays_up_until_it_is_ended(number):
    running = start()
    directory = None
    for line in running.stdout:
        if "All of it lies in" in line:
            directory = line.split()[-1]
        if "$ctl explain" in line:
            break
    assert directory is not None and left_behind(directory)
    os.kill(running.pid, number)
    running.communicate(timeout=2 * PATIENCE)
    assert running.returncode == 0
    wait_for(lambda: left_behind(directory) == [], "nothing left behind")


def test_wrong_usage():
    refused = start("--no-such-option")
    refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 2
