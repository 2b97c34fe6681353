# SPDX-License-Identifier: MIT
"""A stolen account through Postfix and Dovecot: what gets out, whom it harms, and how it comes back."""

import itertools
import json
import re
import shutil
import threading

import pytest

from conftest import is_accepted
from login_host import accepted
from mailhost.dovecot_postern import PosternDovecot
from mailhost.host import PASSWORD, MailHost
from mailhost.mailbox import Imap
from mailhost.process import PATIENCE, let_others_enter, run, wait_for
from mailhost.smtp import submission

MESSAGES, CONNECTIONS, OTHERS = 5000, 20, 50
MESSAGES_MOST, RECIPIENTS_MOST = 50, 200
REASON = "Account suspended: mail was sent that looks like somebody else's, ask for a new password"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """Postfix, Dovecot with the driver, and a policyd whose sockets are held as by systemd."""
    base = tmp_path_factory.mktemp("stolen")
    let_others_enter(base)
    built = MailHost(base, {"sender.net": "mail A 192.0.2.20\n"})
    built.dovecot = PosternDovecot(base / "dovecot", built.policyd.config, "10M",
                                   sasl_socket=built.postfix.queue / "private" / "auth")
    built.policyd.settings.update(dovecot={
        "home": f"{base}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody", "gid": "nogroup",
        "implicit_tls_ports": built.dovecot.implicit_tls_ports})
    try:
        built.prepare()
        built.dovecot.prepare()
        (base / "mail").mkdir(mode=0o755)
        shutil.chown(base / "mail", "nobody", "nogroup")
        built.policyd.script("domain add example.com")
        lines = "\n".join(f"user{n}@example.com,{PASSWORD_HASH}" for n in range(OTHERS))
        (base / "accounts.csv").write_text(f"address,password_hash\n{lines}\n")
        built.policyd.ctl("import", "--format", "csv", base / "accounts.csv")
        built.policyd.hold_sockets()
        built.start()
        yield built
    finally:
        built.stop()


PASSWORD_HASH = "{PLAIN}" + PASSWORD


@pytest.fixture
def account(host, request):
    """An account of its own for each test, and the check's mode for it."""
    name = f"{request.node.name.replace('_', '-')}@example.com"
    host.policyd.script(f"account add {name}")
    yield name
    host.policyd.ctl("account", "remove", name)


def imap(host, account):
    with Imap(host.dovecot.ports["imap"]) as dialogue:
        dialogue.starttls()
        return dialogue.login(account, PASSWORD)


def dialogue(host, account):
    return submission(host.port("submissions"), account, PASSWORD, tls=True)


class Thief:
    """So many connections that each send one message after the other, to strangers, until they are refused."""

    _strangers = itertools.count()

    def __init__(self, host, account, messages=MESSAGES, connections=CONNECTIONS, recipients=1):
        self.host, self.account, self.recipients = host, account, recipients
        self.sent, self.refusals, self.imap = 0, [], None
        self._left = iter(range(messages))
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.wait()

    def wait(self):
        """Until each connection was refused, or all is sent."""
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)

    def _next(self):
        with self._lock:
            return next(self._left, None)

    def _send(self):
        try:
            with dialogue(self.host, self.account) as smtp:
                while self._next() is not None:
                    reply = smtp.message(self.account, *(f"r{next(self._strangers)}@elsewhere.net"
                                                         for _ in range(self.recipients)))
                    if not is_accepted(reply):
                        self._refused(reply)
                        return
                    with self._lock:
                        self.sent += 1
        except PermissionError as error:
            self._refused(str(error))

    def _refused(self, reply):
        """With the first one IMAP is tried at once: shut then, it is so within much less than a second."""
        with self._lock:
            self.refusals.append(reply)
            first = len(self.refusals) == 1
        if first:
            self.imap = imap(self.host, self.account)


class Others:
    """Accounts that each send two messages meanwhile."""

    def __init__(self, host):
        self.host, self.replies = host, []
        self._threads = [threading.Thread(target=self._send, args=(first,), daemon=True) for first in range(5)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join(4 * PATIENCE)

    def _send(self, first):
        for n in range(first, OTHERS, 5):
            account = f"user{n}@example.com"
            with dialogue(self.host, account) as smtp:
                for _ in range(2):
                    self.replies.append(smtp.message(account, f"friend{n}@elsewhere.net"))


def events(host, account):
    rows = [json.loads(line) for line in host.policyd.ctl("events", "--json").stdout.splitlines()]
    return [row for row in rows if row["account"] == account]


def set_mode(host, value, account):
    host.policyd.ctl("policy", "set", "compromise", value, "--account", account,
                     *(["--yes"] if value == "enforce" else []))


def check_contained(host, thief, account):
    """What went out, and that all services are shut."""
    assert thief.refusals and thief.sent <= MESSAGES_MOST and thief.sent * thief.recipients <= RECIPIENTS_MOST
    assert all("Account suspended" in reply for reply in thief.refusals), thief.refusals
    assert thief.imap == f"NO [ALERT] {REASON}"
    wait_for(lambda: {row["kind"] for row in events(host, account)} >= {"account_suspended", "compromise"}, "the events")
    assert [row["kind"] for row in events(host, account)].count("account_suspended") == 1


def test_a_flood(host, account):
    """Thousands over many connections, while fifty others work; then the account comes back."""
    set_mode(host, "enforce", account)
    assert accepted(imap(host, account))
    with Others(host) as others, Thief(host, account) as thief:
        thief.wait()
    check_contained(host, thief, account)
    assert len(others.replies) == 2 * OTHERS and all(is_accepted(reply) for reply in others.replies)
    suspended = next(row for row in events(host, account) if row["kind"] == "account_suspended")
    assert suspended["by"] == "compromise" and re.match(r"score \d{3}: .*rate 50 \(recipients: \d+\)", suspended["evidence"])
    host.policyd.ctl("account", "release", account)
    assert accepted(imap(host, account))
    with dialogue(host, account) as smtp:
        assert is_accepted(smtp.message(account, "friend@elsewhere.net"))


def test_a_flood_over_a_crash(host, account):
    """policyd is killed in the middle: it goes on counting where it was, and defers nobody."""
    set_mode(host, "enforce", account)
    with Others(host) as others, Thief(host, account, connections=5) as thief:
        wait_for(lambda: thief.sent >= 15, "fifteen messages")
        host.policyd.kill()
        host.policyd.start()
        thief.wait()
    check_contained(host, thief, account)
    assert len(others.replies) == 2 * OTHERS and all(is_accepted(reply) for reply in others.replies)


def test_many_recipients(host, account):
    """The first message is too much already, in mode hold: it is taken, and does not go out."""
    host.policyd.ctl("limit", "set", "recipients=100/1h", "--account", account)
    set_mode(host, "hold", account)
    with dialogue(host, account) as smtp:
        assert is_accepted(smtp.message(account, *(f"a{n}@elsewhere.net" for n in range(60))))
        assert is_accepted(smtp.message(account, *(f"b{n}@elsewhere.net" for n in range(60))))
        reply = smtp.message(account, "c@elsewhere.net")
    assert is_accepted(reply)
    queue_id = reply.split()[-1]
    queue = [json.loads(line) for line in run("postqueue", "-c", host.postfix.config, "-j").stdout.splitlines()]
    assert next(message["queue_name"] for message in queue if message["queue_id"] == queue_id) == "hold"
    host.policyd.wait_log("decision=hold check=compromise")
    event = wait_for(lambda: events(host, account), "the event")[0]
    assert (event["kind"], event["subject"], event["by"]) == ("compromise", "hold", "compromise")
    assert "limit_hit 50 (limits hit: 1)" in event["evidence"]
    assert event["evidence"] in " ".join(host.policyd.ctl("evidence", account).stdout.split())

    def seen():
        return json.loads(host.policyd.ctl("who", account, "--json").stdout)["compromise"]

    wait_for(lambda: "score 100 of 100: limit_hit 50 (limits hit: 1), rate 50 (recipients: 121)" in
             host.policyd.ctl("who", account).stdout, "the score to be written")
    assert seen()["score"] == 100 and {row["signal"] for row in seen()["signals"]} == {"limit_hit", "rate"}
    assert accepted(imap(host, account))


def test_observed(host, account):
    """The default: all of it goes out, and it is told."""
    host.policyd.ctl("limit", "set", "messages=1/1h", "--account", account)
    with dialogue(host, account) as smtp:
        for n in range(45):
            assert is_accepted(smtp.message(account, f"d{n}@elsewhere.net"))
    wait_for(lambda: [row["subject"] for row in events(host, account)] == ["observe"], "the event")

    def finding():
        explained = host.policyd.ctl("explain", "--json", "--state", "END-OF-MESSAGE", "--login", account).stdout
        return next(check for check in json.loads(explained)["checks"] if check["check"] == "compromise")

    # While the disk is too busy for policyd to write within its time, it says what was known before.
    wait_for(lambda: finding()["verdict"] == "refuse", "the score to be written")
    assert "score 1" in finding()["row"]
    wait_for(lambda: account in host.policyd.ctl("readiness", "--check", "compromise").stdout, "the report")


def test_what_is_usual_outlives_a_restart(host, account):
    with dialogue(host, account) as smtp:
        for n in range(20):
            assert is_accepted(smtp.message(account, f"e{n}@elsewhere.net"))
    host.policyd.restart()
    host.policyd.ctl("limit", "set", "messages=1/1h", "--account", account)
    set_mode(host, "enforce", account)
    with dialogue(host, account) as smtp:
        replies = [smtp.message(account, f"e{n}@elsewhere.net") for n in range(20, 45)]
    assert [is_accepted(reply) for reply in replies].index(False) == 19, replies


def test_only_this_check_holds(host):
    done = host.policyd.ctl("policy", "set", "helo_fqdn", "hold", check=False)
    assert done.returncode != 0 and "helo_fqdn cannot hold mail" in done.stderr
