# SPDX-License-Identifier: MIT
"""DNS trouble: never a refusal, never longer than 2.5 s, and right again when the servers are back."""

import itertools
import time

import pytest

from conftest import is_accepted
from mailhost.dns import DelayedServer
from mailhost.process import Pace, wait_for
from mailhost.smtp import Smtp

BOUND = 2.5
PATIENT_MS = 4500  # where the answer counts and not how soon it is given up: within a request's deadline

_numbers = itertools.count(1)


@pytest.fixture(autouse=True, scope="module")
def enforced(module_mode):
    module_mode("helo_resolve", "enforce")


def missing_name():
    """A name nobody asked for before and that does not exist."""
    return f"missing{next(_numbers)}.mydomain.com"


def timed_rcpt(host, helo):
    """The reply to RCPT under a HELO name, and the seconds it took."""
    with Smtp(host.port("smtp")) as smtp, Pace() as pace:
        smtp.command(f"EHLO {helo}")
        smtp.command("MAIL FROM:<anna@sender.net>")
        start = time.monotonic()
        reply = smtp.command("RCPT TO:<you@domain1.com>")
        seconds = pace.undisturbed(time.monotonic() - start)
        if reply.startswith("250"):
            assert is_accepted(smtp.data())
        return reply, seconds


def not_found(helo):
    return f"450 4.7.1 <{helo}>: Helo command rejected: Host not found"


def assert_passes(host, helo):
    reply, seconds = timed_rcpt(host, helo)
    assert reply == "250 2.1.5 Ok"
    assert seconds < BOUND


def refuses(host):
    helo = missing_name()
    return timed_rcpt(host, helo)[0] == not_found(helo)


def assert_refuses_again(host):
    """A server that was just started, or one that waited for it, may let the first questions go by."""
    wait_for(lambda: refuses(host), "a name that does not exist to be refused")


def test_resolver_stopped(host):
    assert_refuses_again(host)
    host.unbound.stop()
    try:
        assert_passes(host, missing_name())
    finally:
        host.unbound.start()
    assert_refuses_again(host)


def test_resolver_silent(host):
    host.unbound.freeze()
    try:
        assert_passes(host, missing_name())
    finally:
        host.unbound.thaw()
    assert_refuses_again(host)


def test_authority_stopped(host):
    """The resolver answers SERVFAIL, or nothing in time."""
    host.nsd.stop()
    try:
        assert_passes(host, missing_name())
    finally:
        host.nsd.start()
        host.unbound.flush()
    assert_refuses_again(host)


def test_servfail(host):
    """A zone that its server cannot load."""
    assert_passes(host, "mail.broken.net")


@pytest.fixture
def delayed_dns(host):
    """delayed_dns(SECONDS): policyd's questions go to a server that answers after so long; None is never."""
    servers, before = [], host.policyd.settings

    def start(delay, **options):
        server = DelayedServer(host.unbound.port, delay)
        server.start()
        servers.append(server)
        host.policyd.configure(dns={"servers": [f"127.0.0.1@{server.port}"], **options})
        host.policyd.restart()
        return server

    yield start
    host.policyd.settings = before
    host.policyd.write_config()
    host.policyd.restart()
    for server in servers:
        server.stop()


def test_slow_answer_in_time_counts(host, delayed_dns):
    server = delayed_dns(1.2, timeout_ms=PATIENT_MS)
    assert_refuses_again(host)
    assert server.questions > 0


def test_answer_too_late(host, delayed_dns):
    server = delayed_dns(4.0)
    assert_passes(host, missing_name())
    assert server.questions > 0


def test_no_answer(host, delayed_dns):
    server = delayed_dns(None)
    assert_passes(host, missing_name())
    assert server.questions > 0


def test_second_server_is_asked(host, delayed_dns):
    """One dead server among two does not turn the rule off."""
    server = delayed_dns(None, timeout_ms=PATIENT_MS)
    host.policyd.configure(dns={"servers": [f"127.0.0.1@{server.port}", host.unbound.server]})
    host.policyd.restart()
    assert_refuses_again(host)


def test_answer_that_needs_tcp(host):
    """More addresses than a datagram holds."""
    reply, seconds = timed_rcpt(host, "many.mydomain.com")
    assert reply == "250 2.1.5 Ok" and seconds < BOUND
    explained = host.policyd.ctl("explain", "--helo", "many.mydomain.com", "--sender", "anna@sender.net",
                                 "--recipient", "you@domain1.com", "--client", "192.0.2.1").stdout
    assert "Host not found" not in explained
