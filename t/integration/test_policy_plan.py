# SPDX-License-Identifier: MIT
"""What policyctl shows before a check is enforced, and plans of several steps."""

import datetime
import os
import pty
import socket
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from admin import alone  # noqa: F401  (fixture)
from conftest import is_accepted
from mailhost.policyd import program
from mailhost.process import wait_for

LOGIN, FOREIGN = "other-address@domain2.net", "john-smith@domain1.com"


def on_terminal(policyd, answer, *arguments):
    """(exit status, what a person saw) of policyctl on a terminal, with the answer typed."""
    master, slave = pty.openpty()
    with subprocess.Popen([str(program("policyctl")), "-c", str(policyd.config), *arguments], stdin=slave,
                          stdout=slave, stderr=slave, close_fds=True) as child:
        os.close(slave)
        os.write(master, answer.encode() + b"\n")
        seen = b""
        try:
            while chunk := os.read(master, 4096):
                seen += chunk
        except OSError:  # the other end is closed
            pass
        os.close(master)
        return child.wait(), seen.decode()


def mode_of(policyd, check):
    """The host's row, or None."""
    rows = [line.split() for line in policyd.ctl("policy", "show").stdout.splitlines()]
    found = [row[2] for row in rows if row[:2] == [check, "host"]]
    return found[0] if found else None


@pytest.fixture(scope="module")
def fresh(host):
    """Nobody did anything before."""
    host.policyd.forget()
    return host


@pytest.fixture
def observed(fresh, host, mail):
    """Somebody sends as who he may not, and nobody else does."""
    assert is_accepted(mail.submit(LOGIN, FOREIGN))

    def is_counted():
        report = host.policyd.ctl("readiness", "--check", "sender_login").stdout
        return LOGIN in report and ", 0 messages accepted" not in report

    wait_for(is_counted, "the observation and the message")
    yield
    host.policyd.ctl("policy", "unset", "sender_login", check=False)


def test_shows_whom_it_will_hit(host, observed):
    done = host.policyd.ctl("policy", "set", "sender_login", "enforce", check=False)
    assert done.returncode == 2
    assert done.stderr == "policyctl: no terminal to ask on, nothing was changed: use --yes\n"
    assert done.stdout.startswith("sender_login for the host: 1 account would be refused, ")
    assert done.stdout.split("\n", 1)[0].endswith(" % of the mail passes")
    assert any(LOGIN in line and f"as {FOREIGN}" in line for line in done.stdout.splitlines())
    assert mode_of(host.policyd, "sender_login") is None
    assert host.policyd.ctl("policy", "set", "sender_login", "enforce", "--yes").stdout == ""
    assert mode_of(host.policyd, "sender_login") == "enforce"


@pytest.mark.parametrize("answer, status, mode", [("y", 0, "enforce"), ("n", 1, None), ("", 1, None)])
def test_asks_on_a_terminal(host, observed, answer, status, mode):
    code, seen = on_terminal(host.policyd, answer, "policy", "set", "sender_login", "enforce")
    assert (code, mode_of(host.policyd, "sender_login")) == (status, mode)
    assert "Enforce it? [y/N]" in seen


@pytest.mark.parametrize("scope, hit, said", [
    (("--domain", "domain2.net"), True, "1 account would be refused, "),
    (("--domain", "domain1.com"), False, "nobody is known whom it would refuse"),
    (("--account", LOGIN), True, "it would be refused"),
    (("--account", "john@domain1.com"), False, "nothing is known that would be refused")])
def test_only_in_the_scope(host, observed, scope, hit, said):
    done = host.policyd.ctl("policy", "set", "sender_login", "enforce", *scope, check=False)
    head, rest = done.stdout.split("\n", 1)
    assert head.startswith(f"sender_login for {scope[1]}: {said}") and (LOGIN in rest) == hit
    assert done.returncode == 2, "the host has not been watched for a week"


def test_accounts_own_row(alone):  # noqa: F811
    """What a check does for an account whose row lets it pass today, or that is refused already."""
    alone.script("domain add example.com\naccount add user@example.com")
    starttls = ("policy", "set", "starttls", "enforce", "--account", "user@example.com")
    assert alone.ok(*starttls) == "starttls for user@example.com: enforced already\n", "by default"
    alone.ok("policy", "set", "starttls", "off", "--account", "user@example.com")
    done = alone.run(*starttls)
    assert done.returncode == 2
    assert done.stdout == ("starttls for user@example.com: nothing is known that would be refused\n"
                           "  it has a mode of its own, off: since when it was watched is not known\n")


@pytest.mark.parametrize("lost, status, said", [
    (0, 0, "sender_login for the host: safe, nobody would be refused, 100.00 % of the mail passes\n"),
    (3, 2, "sender_login for the host: nobody is known whom it would refuse, 100.00 % of the mail passes\n"
           "  3 observations were lost\n")])
def test_safe_needs_no_answer(alone, lost, status, said):  # noqa: F811
    """Watched for longer than a week; but never where observations were lost."""
    now = int(time.time())
    with closing(sqlite3.connect(alone.policyd.settings["state_db"])) as db:
        db.executemany("INSERT INTO tally VALUES (?, '', '', ?, ?)", [
            (now - 8 * 86400, "accepted", 5), (now - 3600, "accepted", 5), *([(now - 3600, "lost", lost)] * bool(lost))])
        db.commit()
    done = alone.run("policy", "set", "sender_login", "enforce")
    assert (done.returncode, done.stdout) == (status, said)
    assert mode_of(alone.policyd, "sender_login") == ("enforce" if status == 0 else None)


def test_nothing_is_known_without_observations(alone):  # noqa: F811
    alone.script("domain add example.com")
    done = alone.run("policy", "set", "helo_fqdn", "enforce")
    assert done.returncode == 2
    assert done.stdout == ("helo_fqdn for the host: nobody is known whom it would refuse\n"
                           "  nothing was seen yet: no message and no login\n")
    os.rename(alone.policyd.settings["state_db"], alone.policyd.settings["state_db"] + ".away")
    done = alone.run("policy", "set", "helo_fqdn", "enforce")
    assert done.returncode == 2 and "nothing is known of whom it will refuse" in done.stdout
    alone.ok("policy", "set", "helo_fqdn", "enforce", "--yes")


# ---- plans

TODAY = datetime.date.today()  # once: midnight may be in the middle of a test


def day(days):
    """The local date in so many days."""
    return (TODAY + datetime.timedelta(days=days)).isoformat()


@pytest.fixture
def plan(alone, tmp_path):  # noqa: F811
    """plan(TEXT, *OPTIONS): the finished process."""
    alone.script("domain add example.com\naccount add user@example.com")
    file = tmp_path / "strict.plan"

    def run(text, *options):
        file.write_text(text)
        return alone.run("policy", "plan", str(file), *options)
    return run


def planned(admin):
    """The rows of "policy plan"."""
    return [line.split() for line in admin.ok("policy", "plan").splitlines()[1:]]


def test_plan(alone, plan):  # noqa: F811
    text = (f"# first the volunteers\n{day(7)} sender_login enforce example.com\n\n"
            f"{day(14)}T08:30 sender_login enforce until {day(30)} # everybody\n{day(14)} starttls off user@example.com\n")
    done = plan(text)
    assert done.returncode == 2 and "use --yes" in done.stderr and planned(alone) == []
    done = plan(text, "--dry-run")
    assert done.returncode == 0 and planned(alone) == []
    assert done.stdout.count("nobody is known whom it would refuse") == 2 and done.stdout.count(" new\n") == 3
    assert plan(text, "--yes").returncode == 0
    assert sorted(planned(alone)) == sorted([
        [day(14), "08:30", "sender_login", "enforce", "host", day(30), "00:00"],
        [day(7), "00:00", "sender_login", "enforce", "example.com", "-"],
        [day(14), "00:00", "starttls", "off", "user@example.com", "-"]])
    again = plan(text)
    assert again.returncode == 0 and again.stdout.count("unchanged") == 3, "nothing to ask about"
    # A plan is the whole plan.
    done = plan(f"{day(8)} sender_login enforce example.com\n", "--yes")
    assert done.returncode == 0 and done.stdout.count("no longer planned") == 3
    assert planned(alone) == [[day(8), "00:00", "sender_login", "enforce", "example.com", "-"]]
    shown = [line.split() for line in alone.ok("policy", "show").splitlines()]
    assert ["sender_login", "example.com", "enforce", day(8), "00:00", "-"] in shown
    alone.ok("policy", "unset", "sender_login", "--domain", "example.com")
    assert planned(alone) == []


@pytest.mark.parametrize("line, said", [
    ("2027-13-01 starttls enforce", "no date '2027-13-01': write YYYY-MM-DD or YYYY-MM-DDTHH:MM"),
    ("2099-01-01 starttls", "write DATE CHECK|all off|observe|hold|enforce [host|DOMAIN|ADDRESS] [until DATE]"),
    ("2099-01-01 startls enforce", "no check 'startls': see policyctl policy show"),
    ("2099-01-01 starttls enforced", "'enforced' is none of off, observe and enforce"),
    ("2099-01-01 starttls enforce host until 2098-01-01", "it would end before it begins"),
    ("2099-01-01 starttls enforce host\n2099-01-01 all off", "starttls has a step in that scope at that time already"),
    ("2020-01-01 starttls enforce", "2020-01-01 00:00 is past and is not in the table like this: name a later date"),
])
def test_bad_plan(alone, plan, line, said):  # noqa: F811
    done = plan("\n" + line + "\n", "--yes")
    number = 2 + line.count("\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"policyctl: {done.args[-2]}:{number}: {said}\n"
    assert planned(alone) == []


def test_nothing_is_half_planned(alone, plan):  # noqa: F811
    done = plan(f"{day(3)} starttls enforce\n{day(3)} starttls enforce nosuch.example\n", "--yes")
    assert done.returncode == 1
    assert "no account or domain nosuch.example" in done.stderr
    assert planned(alone) == []


def test_step_takes_effect_by_itself(host, mail):
    """Through Postfix: nothing is run when its time comes, which is a second here and no date."""
    host.policyd.ctl("policy", "set", "sender_login", "observe")
    try:
        starts = int(time.time()) + 3
        with closing(socket.socket(socket.AF_UNIX)) as control:
            control.connect(host.policyd.settings["control_socket"])
            control.sendall(f"command=change\nchange=policy-set\ncheck=sender_login\nmode=enforce\nstart={starts}\n\n"
                            .encode())
            assert control.recv(1024).startswith(b"result=OK\n")
        assert is_accepted(mail.submit(LOGIN, FOREIGN)) or time.time() >= starts
        wait_for(lambda: not is_accepted(mail.submit(LOGIN, FOREIGN)), "the step to count")
        assert time.time() >= starts
        host.policyd.ctl("policy", "set", "sender_login", "observe")
        assert is_accepted(mail.submit(LOGIN, FOREIGN)), "what an admin sets counts at once"
    finally:
        host.policyd.ctl("policy", "unset", "sender_login")
