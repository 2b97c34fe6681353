# SPDX-License-Identifier: MIT
"""Greylisting through real Postfix: a real queue that tries again, clients that are known, training, and a kill."""

import re
import time

import pytest

from conftest import is_accepted
from mailhost.postfix import Postfix
from mailhost.process import run, wait_for

CLIENT, NEIGHBOUR = "127.0.0.4", "127.0.0.5"
RECIPIENT = "you@domain1.com"
GREYLISTED = re.compile(rf"451 4\.7\.1 <{re.escape(RECIPIENT)}>: Recipient address rejected: "
                        r"Greylisted, try again in (\d+) s")


@pytest.fixture
def greylist(host, mode):
    """greylist(OPTION=VALUE...) has policyd greylist, from nothing."""
    before = host.policyd.settings
    mode("greylist", "enforce")

    def use(**options):
        host.policyd.configure(trusted_networks=["127.0.0.1/32"], greylist={"delay_s": 1, **options})
        host.policyd.ctl("reload")
        host.policyd.ctl("greylist", "forget", "127.0.0.0/24", check=False)
    yield use
    host.policyd.settings = before
    host.policyd.write_config()
    host.policyd.ctl("reload")


@pytest.fixture
def sender(host, tmp_path):
    """Another mail server, whose mail all goes to the host."""
    tmp_path.chmod(0o755)
    postfix = Postfix(tmp_path / "sender", myhostname="mail.sender.net")
    postfix.prepare()
    postfix.postconf("-e", f"relayhost = [127.0.0.1]:{host.port('smtp')}", f"smtp_bind_address = {CLIENT}",
                     "default_transport = smtp", "relay_transport = smtp", "mynetworks = 127.0.0.0/8",
                     "smtp_tls_security_level = none", "smtp_host_lookup = native",
                     "smtpd_sasl_auth_enable = no")
    postfix.start()
    yield postfix
    postfix.stop()


def waits(reply):
    """The seconds that a reply asks for; None for another reply."""
    found = GREYLISTED.match(reply)
    return int(found[1]) if found else None


def meet_until_it_passes(mail, sender, **options):
    """The retries of a mail server; the replies until it is let pass."""
    replies = []

    def try_again():
        replies.append(mail.deliver(sender, source=CLIENT, **options))
        return is_accepted(replies[-1])
    wait_for(try_again, f"{sender} to pass")
    return replies


def test_a_queue_tries_again(greylist, host, sender):
    """Postfix keeps what is deferred, and its retry is delivered."""
    greylist()
    run("sendmail", "-C", sender.config, "-f", "a@sender.net", RECIPIENT, stdin="Subject: x\n\nx\n")
    wait_for(lambda: "Greylisted, try again in 1 s" in sender.log_text(), "the message to be deferred")
    assert re.search(r"dsn=4\.7\.1, status=deferred", sender.log_text())

    def flush():
        run("postqueue", "-c", sender.config, "-f")
        return "status=sent" in sender.log_text()
    wait_for(flush, "the retry to be delivered")


def test_known_from_then_on(greylist, mail):
    greylist()
    assert waits(meet_until_it_passes(mail, "b@sender.net")[0]) == 1
    assert is_accepted(mail.deliver("b@sender.net", source=CLIENT))
    assert is_accepted(mail.deliver("b@sender.net", source=NEIGHBOUR))  # of the same network
    assert waits(mail.deliver("c@sender.net", source=CLIENT)) == 1


def test_a_client_with_several_passes_at_once(greylist, mail):
    greylist(client_passes=2)
    for sender in ("d@sender.net", "e@sender.net"):
        meet_until_it_passes(mail, sender)
    assert is_accepted(mail.deliver("f@sender.net", source=CLIENT))


def test_observing_trains(greylist, host, mail):
    """Nothing is refused, and who came again is known when it is enforced."""
    greylist(delay_s=1)
    host.policyd.ctl("policy", "set", "greylist", "observe")
    behind = len(host.policyd.log_text())
    assert is_accepted(mail.deliver("g@sender.net", source=CLIENT))
    host.policyd.wait_log("observed=greylist", behind=behind)
    time_of_first = time.time()
    wait_for(lambda: time.time() - time_of_first > 2, "the delay to pass")
    assert is_accepted(mail.deliver("g@sender.net", source=CLIENT))
    host.policyd.ctl("policy", "set", "greylist", "enforce", "--yes")
    assert is_accepted(mail.deliver("g@sender.net", source=CLIENT))
    assert waits(mail.deliver("h@sender.net", source=CLIENT)) == 1


def test_who_logs_in_never_waits(greylist, mail):
    greylist(delay_s=3600)
    assert is_accepted(mail.submit("you@domain1.com", "you@domain1.com", "someone@elsewhere.net"))


def test_a_kill_forgets_nothing(greylist, host, mail):
    """What was answered is kept: the wait goes on, it does not begin anew."""
    greylist(delay_s=3600)
    began = time.monotonic()
    first = waits(mail.deliver("i@sender.net", source=CLIENT))
    host.policyd.kill()
    host.policyd.start()
    second = waits(mail.deliver("i@sender.net", source=CLIENT))
    assert first == 3600 and 3600 - (time.monotonic() - began) - 2 < second <= 3600
    rows = host.policyd.ctl("greylist", "show", "127.0.0.0/24").stdout.splitlines()
    assert any("i@sender.net" in row and RECIPIENT in row for row in rows)


def test_explained_without_changing_anything(greylist, host):
    greylist(delay_s=3600)
    asked = ("explain", "--client", CLIENT, "--helo", "mail.sender.net", "--sender", "j@sender.net",
             "--recipient", RECIPIENT)
    for _ in range(2):
        assert "Greylisted, try again in 3600 s" in host.policyd.ctl(*asked).stdout
    assert "j@sender.net" not in host.policyd.ctl("greylist", "show").stdout


def test_forgotten(greylist, host, mail):
    greylist()
    meet_until_it_passes(mail, "k@sender.net")
    host.policyd.ctl("greylist", "forget", "127.0.0.0/24")
    assert waits(mail.deliver("k@sender.net", source=CLIENT)) == 1
    done = host.policyd.ctl("greylist", "forget", "192.0.2.0/24", check=False)
    assert (done.returncode, done.stderr) == (1, "policyctl: nothing of 192.0.2.0/24 is on the greylist\n")
