# SPDX-License-Identifier: MIT
"""Passwords of policyctl: from standard input or a terminal, stored as a hash that Dovecot verifies, shown nowhere."""

import os
import pty
import select
import sqlite3
import subprocess

import pytest

from admin import admin, alone  # noqa: F401  (fixtures)
from mailhost.policyd import program
from mailhost.process import PATIENCE, run


def stored_hash(admin, address):
    """From the database itself: no command shows it."""
    with sqlite3.connect(f"file:{admin.policyd.settings['accounts_db']}?mode=ro", uri=True) as db:
        return db.execute("SELECT password FROM credential WHERE address = ?", (address,)).fetchone()[0]


def dovecot_verifies(password, value):
    """Whether Dovecot takes the password for the hash."""
    return run("doveadm", "pw", "-t", value, "-p", password, check=False).returncode == 0


@pytest.mark.parametrize("scheme, prefix", [("yescrypt", "{CRYPT}$y$"), ("bcrypt", "{CRYPT}$2b$")])
def test_password(admin, scheme, prefix):
    admin.policyd.configure(password_scheme=scheme)
    admin.ok("domain", "add", "example.com")
    admin.ok("account", "add", "user@example.com", "--password-stdin", stdin="pass wörd\nsecond line\n")
    value = stored_hash(admin, "user@example.com")
    assert value.startswith(prefix)
    assert dovecot_verifies("pass wörd", value) and not dovecot_verifies("pass", value)
    admin.ok("account", "passwd", "USER@example.com", "--password-stdin", stdin="without line feed")
    assert dovecot_verifies("without line feed", stored_hash(admin, "user@example.com"))
    for words in (("show", "user@example.com"), ("show", "user@example.com", "--json"), ("list",), ("list", "--json")):
        assert "$" not in admin.ok("account", *words)


@pytest.mark.parametrize("stdin, line", [
    ("", "no password on standard input, or one with a NUL"),
    ("\n", "the password is empty"),
    ("a\0b\n", "no password on standard input, or one with a NUL"),
    ("secret\r\n", "the password holds a line break"),
    ("x" * 512 + "\n", "the password has 512 octets; yescrypt takes at most 511"),
    ("x" * 2000, "the password has more than 1023 octets"),
])
def test_bad_password(admin, stdin, line):
    admin.ok("domain", "add", "example.com")
    admin.fails(2, line, "account", "add", "user@example.com", "--password-stdin", stdin=stdin)
    assert admin.json("account", "list") == []


def test_longest_password(admin):
    admin.ok("domain", "add", "example.com")
    admin.ok("account", "add", "user@example.com", "--password-stdin", stdin="x" * 511 + "\n")


def on_terminal(admin, answers, *arguments):
    """Runs policyctl on a terminal of its own and types the answers; its exit status and what was to be seen."""
    argv = [str(a) for a in (program("policyctl"), "-c", admin.policyd.config, *arguments)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    seen = b""

    def read(size):
        assert select.select([terminal], [], [], PATIENCE)[0], f"nothing more after {seen!r}"
        return os.read(terminal, size)

    for prompt, answer in zip((b"New password: ", b"Once more: "), answers):
        while not seen.endswith(prompt):
            seen += read(1)
        os.write(terminal, answer)
    try:
        while part := read(1000):
            seen += part
    except OSError:  # EIO: the other side was closed
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return status, seen.decode().replace("\r\n", "\n")


def test_password_prompt(admin):
    """Twice, and not to be seen."""
    admin.ok("domain", "add", "example.com")
    arguments = ("account", "add", "user@example.com")
    assert on_terminal(admin, [b"secret\n", b"secret\n"], *arguments) == (0, "New password: \nOnce more: \n")
    assert dovecot_verifies("secret", stored_hash(admin, "user@example.com"))


def test_password_prompt_twice_different(alone):
    alone.ok("domain", "add", "example.com")
    assert on_terminal(alone, [b"secret\n", b"other\n"], "account", "add", "user@example.com") == (
        2, "New password: \nOnce more: \npolicyctl: the two passwords differ\n")
    assert alone.json("account", "list") == []


def test_password_prompt_interrupted(alone):
    alone.ok("domain", "add", "example.com")
    status, seen = on_terminal(alone, [b"sec\x03"], "account", "add", "user@example.com")
    assert status == 2 and seen.endswith("\npolicyctl: interrupted: nothing was changed\n")


def test_password_needs_a_terminal(alone):
    """No terminal at all, as in a cron job: a line, not a hang."""
    done = subprocess.run([program("policyctl"), "-c", alone.policyd.config, "account", "add", "user@example.com"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, "policyctl: no terminal to ask for a password: use --password-stdin\n")
