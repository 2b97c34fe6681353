# SPDX-License-Identifier: MIT
"""What Dovecot's auth workers tell policyd of logins, and what becomes of it."""

import contextlib
import os
import pwd
import signal
import socket
import sqlite3
import time
from contextlib import closing

from login_host import accepted, logins  # noqa: F401  (fixture)
from mailhost.mailbox import ELSEWHERE
from mailhost.policy import PolicyClient
from mailhost.process import Pace, wait_for

NETWORK = ELSEWHERE.rpartition(".")[0] + ".0/24"
USER = "user@example.com"


def rows(host, account):
    """(outcome, service, mechanism, security, port, client, cause, bare, count) of the account's logins."""
    with closing(sqlite3.connect(f"file:{host.policyd.settings['state_db']}?mode=ro", uri=True)) as state:
        return state.execute("SELECT outcome, service, mechanism, security, port, client, cause, bare, sum(count)"
                             " FROM login WHERE account = ? GROUP BY 1, 2, 3, 4, 5, 6, 7, 8", (account,)).fetchall()


def status(host):
    """policyctl status as a dictionary."""
    return dict(line.split(None, 1) for line in host.ctl("status").stdout.splitlines())


def logged(host, account, *expected):
    """Wait until a row says this of the account."""
    wait_for(lambda: any(row[:-1] == expected for row in rows(host, account)), f"a row {expected} of {account}")


def test_each_way_to_log_in(logins):
    ports = logins.dovecot.ports
    assert accepted(logins.login())
    logged(logins, USER, "ok", "imap", "PLAIN", "starttls", ports["imap"], NETWORK, "", 0)
    assert accepted(logins.login("other", protocol="pop3", security="implicit"))
    logged(logins, "other@example.com", "ok", "pop3", "PLAIN", "implicit", ports["pop3s"], NETWORK, "", 1)
    assert not accepted(logins.login("other@example.com", "wrong"))
    logged(logins, "other@example.com", "mismatch", "imap", "PLAIN", "starttls", ports["imap"], NETWORK, "", 0)
    assert not accepted(logins.login(security="none"))
    logged(logins, USER, "refused", "imap", "PLAIN", "none", ports["imap"], NETWORK, "starttls", 0)
    assert not accepted(logins.login("made-up@example.com"))
    logged(logins, "", "unknown", "imap", "PLAIN", "starttls", ports["imap"], NETWORK, "", 0)
    assert rows(logins, "made-up@example.com") == []


def test_observed(logins):
    """What would be refused is let in, and told."""
    logins.ctl("policy", "set", "starttls", "observe", "--account", "o'brien@example.com")
    try:
        assert accepted(logins.login("o'brien@example.com", security="none"))
    finally:
        logins.ctl("policy", "unset", "starttls", "--account", "o'brien@example.com")
    logged(logins, "o'brien@example.com", "ok", "imap", "PLAIN", "none", logins.dovecot.ports["imap"], NETWORK,
           "starttls", 0)


def count(host, account):
    return sum(row[-1] for row in rows(host, account))


def test_policyd_away(logins):
    """Logins go on, and are told of when it is back."""
    before = count(logins, "jürgen@example.com")
    logins.policyd.stop()
    try:
        for _ in range(3):
            assert accepted(logins.login("jürgen@example.com"))
    finally:
        logins.policyd.start()

    def told():
        accepted(logins.login())  # each worker tells what it kept with its next login
        return count(logins, "jürgen@example.com") == before + 3
    wait_for(told, "three logins to be told of")


def test_policyd_stands_still(logins):
    """Its queue is full; nobody waits for it."""
    os.kill(logins.policyd.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        with Pace() as pace:
            for _ in range(30):
                assert accepted(logins.login())
            assert pace.undisturbed(time.monotonic() - start) < 20
    finally:
        os.kill(logins.policyd.pid, signal.SIGCONT)


def send_as(user, path, texts):
    """Send datagrams under another user's number; the socket's mode is left out of it."""
    child = os.fork()
    if child == 0:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(path)
            os.setuid(pwd.getpwnam(user).pw_uid)
            for text in texts:
                with contextlib.suppress(OSError):
                    sender.send(text)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_forged(logins):
    """Another user's datagrams are dropped and counted, however many, and requests are answered meanwhile."""
    path = logins.policyd.settings["observe_socket"]
    forged = b"event=login\naccount=forged@example.com\noutcome=ok\nservice=imap\n"
    send_as("mail", path, [forged] * 20000)
    with PolicyClient(logins.policyd.policy_socket) as client:
        assert client.ask(protocol_state="RCPT")
    assert accepted(logins.login())
    wait_for(lambda: int(status(logins)["logins_forbidden"]) >= 20000, "the last of them to be read")
    assert rows(logins, "forged@example.com") == []
    logins.policyd.wait_log("a datagram from another user")


def test_malformed(logins):
    before = int(status(logins)["logins_malformed"])
    send_as("root", logins.policyd.settings["observe_socket"],
            [b"event=login\naccount=x\nport=99999\n", b"\0" * 1400, b"x" * 60000])
    wait_for(lambda: int(status(logins)["logins_malformed"]) == before + 3, "three to be counted")


def test_guessing_pushes_nothing_out(logins):
    """A password that is guessed from thousands of networks takes no row of the account's own logins."""
    assert accepted(logins.login("user@example.com"))
    path = logins.policyd.settings["observe_socket"]
    received = int(status(logins)["logins"])
    send_as("root", path, [f"event=login\naccount={USER}\noutcome=mismatch\nservice=imap\n"
                           f"client=10.{i // 256}.{i % 256}.1\n".encode() for i in range(3000)])
    wait_for(lambda: int(status(logins)["logins"]) >= received + 3000, "the guesses to be read")

    def guesses():
        return len([row for row in rows(logins, USER) if row[0] == "mismatch"])
    wait_for(lambda: guesses() == 64, "the guesses to be trimmed")
    assert any(row[0] == "ok" for row in rows(logins, USER))
