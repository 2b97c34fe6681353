# SPDX-License-Identifier: MIT
"""postern-act beside real Postfix and Dovecot: sessions end, queued mail is held, and notices come once."""

import json
import os
import re
import shutil
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from conftest import is_accepted
from login_host import accepted
from mailhost.dovecot_postern import PosternDovecot
from mailhost.host import PASSWORD, MailHost
from mailhost.mailbox import Imap, Pop3
from mailhost.policyd import program
from mailhost.postern_act import PosternAct
from mailhost.process import PATIENCE, Pace, is_waiting, let_others_enter, run, wait_for
from mailhost.smtp import submission

USER, OTHER = "user@example.com", "other@example.com"
# No option, no header, and no mask of doveadm's.
ODD = ("-a@example.com", "*@example.com", "\"x\\\" bcc: y\"@example.com")


class ActHost(MailHost):
    """One whose mail for example.com lies in Dovecot, and whose other mail nobody takes."""

    def __init__(self, base):
        super().__init__(base, {"sender.net": "mail A 192.0.2.20\n"})
        self.mail = base / "mail"
        private = self.postfix.queue / "private"
        self.dovecot = PosternDovecot(base / "dovecot", self.policyd.config, "10M", sasl_socket=private / "auth",
                                      lmtp_socket=private / "lmtp-dovecot")
        self.policyd.settings.update(default_domain="example.com", dovecot={
            "home": f"{self.mail}/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody", "gid": "nogroup"})
        self.act = PosternAct(base / "act", self)

    def prepare(self):
        super().prepare()
        self.postfix.postconf("-e", "virtual_transport = lmtp:unix:private/lmtp-dovecot",
                              "default_transport = smtp:[127.0.0.1]:1", "virtual_mailbox_domains = example.com")
        self.dovecot.prepare()
        self.mail.mkdir(mode=0o755)
        shutil.chown(self.mail, "nobody", "nogroup")
        self.policyd.script("domain add example.com\n" + "".join(
            f"account add {name}@example.com\n" for name in ("user", "other", "admin", "contact")))
        for odd in ODD:
            self.policyd.ctl("account", "add", "--password-stdin", "--", odd, stdin="secret\n")
        self.act.prepare()

    def suspend(self, account=USER, *options):
        self.policyd.ctl("account", "suspend", *(options or ("--reason", "stolen password")), "--", account)

    def release(self, account=USER):
        self.policyd.ctl("account", "release", "--", account)

    def notices(self, text, mailbox="admin"):
        """The notices in a mailbox that say so."""
        found = [path.read_text() for path in (self.mail / "example.com" / mailbox).glob("Maildir/new/*")]
        return [message for message in found if text in message]

    def wait_notice(self, text, mailbox="admin"):
        wait_for(lambda: self.notices(text, mailbox), f"a notice with {text!r}\n{self.act.log_text()}")
        return self.notices(text, mailbox)

    def queue(self):
        """sender and queue name of what lies in Postfix's queue, without notices."""
        listed = run("postqueue", "-c", self.postfix.config, "-j").stdout.splitlines()
        return sorted((entry["recipients"][0]["address"], entry["queue_name"]) for entry in map(json.loads, listed)
                      if entry["recipients"] and entry["recipients"][0]["address"].endswith("@elsewhere.net"))


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    base = tmp_path_factory.mktemp("act")
    let_others_enter(base)
    built = ActHost(base)
    try:
        built.prepare()
        built.start()
        yield built
    finally:
        built.act.stop()
        built.stop()


def passed_on(host):
    """Whether nothing waits in accounts.db to become an event."""
    with closing(sqlite3.connect(f"file:{host.policyd.settings['accounts_db']}?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM account_event").fetchone()[0] == 0


@pytest.fixture
def act(host):
    """postern-act, running; what a test changes of its section is as before afterwards."""
    before = dict(host.policyd.settings["act"])
    shutil.rmtree(host.act.directory / "state", ignore_errors=True)
    host.act.command_log.unlink(missing_ok=True)
    (host.act.directory / "out.log").unlink(missing_ok=True)
    for message in (host.mail / "example.com").glob("*/Maildir/new/*"):
        message.unlink()
    wait_for(lambda: passed_on(host), "earlier events to be in state.db")
    host.act.start()
    yield host.act
    status = host.act.stop()
    sent = len(re.findall(r"step=notice try=\d+: done", host.act.log_text()))
    wait_for(lambda: len(host.notices("")) >= sent, "the notices, which the next test would take for its own")
    assert status in (0, None)
    host.policyd.settings["act"] = before
    host.policyd.write_config()
    for account in (USER, OTHER, *ODD):
        host.policyd.ctl("account", "release", "--", account, check=False)


def open_imap(host, user=USER):
    """An IDLE session."""
    imap = Imap(host.dovecot.ports["imap"])
    imap.starttls()
    assert accepted(imap.login(user, PASSWORD))
    assert imap.command("SELECT INBOX").startswith("OK")
    imap.send("a IDLE")
    assert imap.read_line().startswith("+")
    return imap


def is_closed(dialogue):
    """Whether the server hangs up, and how long that takes."""
    began = time.monotonic()
    try:
        while dialogue.readable(PATIENCE):
            dialogue.read_line()
    except (ConnectionError, OSError):
        return time.monotonic() - began
    return None


def test_open_sessions_end(host, act):
    """IDLE and POP3 are cut within two seconds; an SMTP session that has logged in is refused at its next request, and
    the next login too; others' sessions go on, mail still arrives, and all is as before after the release."""
    with open_imap(host) as imap, open_imap(host, OTHER) as others, Pop3(host.dovecot.ports["pop3"]) as pop3, \
            submission(host.port("submission"), USER, PASSWORD) as smtp, Imap(host.dovecot.ports["imap"]) as again, \
            Pace() as pace:
        pop3.starttls()
        assert accepted(pop3.login(USER, PASSWORD))
        assert is_accepted(smtp.message(USER, OTHER))
        again.starttls()
        host.suspend()
        suspended = time.monotonic()
        assert again.login(USER, PASSWORD) == "NO [ALERT] Account suspended: stolen password"
        assert pace.undisturbed(time.monotonic() - suspended) < 1
        assert smtp.message(USER, OTHER).startswith("554 5.7.1 ")
        assert is_closed(imap) is not None and is_closed(pop3) is not None
        assert pace.undisturbed(time.monotonic() - suspended) < 2
        others.send("DONE")
        while (line := others.read_line()).startswith("* "):
            assert not line.startswith("* BYE")
        assert line.startswith("a OK")
    with submission(host.port("submission"), OTHER, PASSWORD) as smtp:
        assert is_accepted(smtp.message(OTHER, USER))
    wait_for(lambda: list((host.mail / "example.com" / "user").glob("Maildir/new/*")), "mail to the suspended account")
    host.release()
    open_imap(host).__exit__()


@pytest.mark.parametrize("services", ["smtp", "imap", "pop3", "sieve", "imap,smtp"])
def test_scopes(host, act, services):
    """Only what is named is refused: to a session that has logged in, and to the next login."""
    def login(client, name):
        with client(host.dovecot.ports[name]) as dialogue:
            dialogue.starttls()
            return dialogue.login(USER, PASSWORD)

    with submission(host.port("submission"), USER, PASSWORD) as smtp:
        host.suspend(USER, "--reason", "stolen password", "--services", services)
        act.wait_log("step=kick try=1: done")  # it would end the sessions that begin here
        assert accepted(login(Imap, "imap")) == ("imap" not in services)
        assert accepted(login(Pop3, "pop3")) == ("pop3" not in services)
        assert is_accepted(smtp.message(USER, OTHER)) == ("smtp" not in services)
    assert json.loads(host.policyd.ctl("suspended", "--json").stdout)[0]["services"] == services


def test_an_end(host, act):
    """Once it is past, the account is as before, without a release; and nobody is kicked any more."""
    host.suspend(USER, "--reason", "until tomorrow", "--until", "2099-01-01")
    assert "Until: 2099-01-01 00:00" in host.wait_notice(USER)[0]
    host.policyd.stop()
    act.stop()
    with closing(sqlite3.connect(host.policyd.settings["accounts_db"])) as db, db:
        db.execute("UPDATE account SET suspended_until = ? WHERE address = ?", (int(time.time()), USER))
    host.policyd.start()
    with submission(host.port("submission"), USER, PASSWORD) as smtp, open_imap(host) as imap:
        assert is_accepted(smtp.message(USER, OTHER))
        assert " expired " in host.policyd.ctl("suspended").stdout
        act.start()
        host.suspend(OTHER)
        host.wait_notice(f"{OTHER} was suspended")
        assert not imap.readable(0.3)


def test_a_notice_and_a_command(host, act):
    """To the administrator, with what he needs; the command is given the event as it is shown."""
    host.suspend(USER, "--reason", "a\u00e4 {account} \"x\"", "--evidence", "7 networks", "--services", "smtp")
    message, = host.wait_notice(USER)
    head, _, body = message.partition("\n\n")
    assert "\nTo: admin@example.com\n" in head and "\nAuto-Submitted: auto-generated\n" in head
    assert f"\nSubject: [mx.postern.example] {USER} was suspended\n" in head
    for line in ("Services: smtp", "Reason: a\u00e4 {account} \"x\"", "Seen: 7 networks",
                 f"  policyctl evidence {USER}"):
        assert f"\n{line}\n" in body
    assert "Until:" not in body and "held back" not in body
    host.release()
    wait_for(lambda: len(act.commands()) == 2, "both commands")
    events = [json.loads(line) for line in
              host.policyd.ctl("events", "--json", "--account", USER).stdout.splitlines()[-2:]]
    assert act.commands() == [[[event["kind"], f"--account={USER}"], event] for event in events]
    act.wait_log("step=kick try=1: done")
    assert len(host.notices("was released")) == 0, "not asked for"


def test_the_contact_is_told(host, act):
    host.policyd.ctl("domain", "set", "example.com", "--field", "contact=contact@example.com")
    act.configure(notice_contact=True)
    act.stop()
    act.start()
    host.suspend()
    try:
        assert "\nTo: admin@example.com,\n contact@example.com\n" in host.wait_notice(USER, "contact")[0]
        assert host.wait_notice(USER)
        assert "contact" not in host.dovecot.doveadm("auth", "lookup", OTHER).stdout, "that is no matter of Dovecot's"
    finally:
        host.policyd.ctl("domain", "set", "example.com", "--no-field", "contact")


def died(act, step):
    """For how many events a step was cut off by a kill: it may have been done, or not."""
    return len(set(re.findall(rf"event=(\d+) step={step}: it was started when postern-act ended", act.log_text())))


@pytest.mark.parametrize("name", ["doveadm", "sendmail", "command"])
@pytest.mark.parametrize("stage", ["before", "after"])
def test_once_over_a_kill(host, act, stage, name):
    """Killed where it hurts, and started again: nothing comes twice, and what may be missing is told."""
    reason = f"{stage} {name}"
    act.at(stage, name)
    host.suspend(USER, "--reason", reason)
    act.wait_killed()
    host.suspend(OTHER, "--reason", reason)
    act.start()
    host.wait_notice(f"{OTHER} was suspended")
    wait_for(lambda: len(act.commands()) + died(act, "command0") >= 2 and
             len(host.notices(reason)) + died(act, "notice") >= 2,
             "both of each")
    assert act.stop() == 0
    act.start()
    assert act.stop() == 0
    accounts = sorted(arguments[1] for arguments, _ in act.commands())
    assert accounts == [f"--account={OTHER}", f"--account={USER}"][:len(accounts)]
    assert len(accounts) >= 2 - died(act, "command0")
    assert 2 - died(act, "notice") <= len(host.notices(reason)) <= 2


def test_killed_at_once(host, act):
    """Also where it dies before it knows of anything, and with what happened while it was away."""
    for number in range(4):
        act.stop(signal.SIGKILL)
        host.suspend(USER, "--reason", f"reason {number}")
        act.start()
    wait_for(lambda: host.notices("Reason: reason 3") and len(act.commands()) + died(act, "command0") >= 4 and
             len(host.notices("Reason: reason")) + died(act, "notice") >= 4, "all of them")
    told = [event["reason"] for _, event in act.commands()]
    assert told == sorted(set(told)) and len(told) >= 4 - died(act, "command0") and told[-1] == "reason 3"
    assert 4 - died(act, "notice") <= len(host.notices("Reason: reason")) <= 4


def test_tried_again(host, act):
    """What fails holds nothing up."""
    act.at("fail", "sendmail")
    act.at("fail", "command")
    host.suspend(USER)
    host.suspend(OTHER)
    host.wait_notice(f"{USER} was suspended")
    host.wait_notice(f"{OTHER} was suspended")
    wait_for(lambda: len(act.commands()) == 2, "both commands")
    assert "step=notice try=1: failed, is tried again: exit status 75" in act.log_text()
    assert "step=command0 try=1: failed, is tried again: exit status 75" in act.log_text()


def test_killed_before_it_has_read_what_is_left(host, act):
    """What an earlier run did not get done is not forgotten by one that was killed at once."""
    act.at("fail", "sendmail")
    host.suspend()
    act.wait_log("step=notice try=1: failed")
    assert act.stop() == 0
    act.start()
    act.stop(signal.SIGKILL)
    act.start()
    wait_for(lambda: host.notices(f"{USER} was suspended") or died(act, "notice"), "the notice, or why there is none")


def test_limits(host, act):
    """The third of an account within an hour is held back, over a restart too; the next of another tells of it."""
    act.configure(account_notices_per_hour=2)
    act.stop()
    act.start()
    for number in range(3):
        host.suspend(USER, "--reason", f"number {number}")
        wait_for(lambda n=number: f"step=notice try=1: {'done' if n < 2 else 'given up: held back'}" in
                 act.log_text().splitlines()[-1] or act.log_text().count("step=notice") > n, "the notice's end")
        act.stop()
        act.start()
    host.suspend(OTHER)
    assert "1 other notices were held back by their limit" in host.wait_notice(f"{OTHER} was suspended")[0]
    wait_for(lambda: len(host.notices(f"{USER} was suspended")) == 2, "two notices, and not the third")


@pytest.fixture
def queued(host):
    """Mail that nobody takes: of the account, under another's address too, and of others."""
    with submission(host.port("submission"), USER, PASSWORD) as smtp:
        assert is_accepted(smtp.message(USER, "own@elsewhere.net"))
        assert is_accepted(smtp.message(OTHER, "forged@elsewhere.net"))
        assert is_accepted(smtp.message("", "null@elsewhere.net"))
    with submission(host.port("submission"), OTHER, PASSWORD) as smtp:
        assert is_accepted(smtp.message(OTHER, "others@elsewhere.net"))
        assert is_accepted(smtp.message(USER, "granted@elsewhere.net"))
    run("sendmail", "-C", host.postfix.config, "-f", USER, "script@elsewhere.net", stdin="Subject: x\n\nx\n")
    wait_for(lambda: {name for _, name in host.queue()} == {"deferred"} and len(host.queue()) == 6, "the queue")
    yield ("forged@elsewhere.net", "null@elsewhere.net", "own@elsewhere.net")
    run("postsuper", "-c", host.postfix.config, "-d", "ALL")


@pytest.mark.parametrize("queue", ["list", "hold"])
def test_queued_mail(host, act, queued, queue):
    """Exactly what the account has sent, whatever its sender says."""
    act.configure(queue=queue)
    act.stop()
    act.start()
    if queue == "hold":
        act.at("fail", "postsuper")
    host.suspend()
    message, = host.wait_notice(f"{USER} was suspended")
    if queue == "list":
        assert "\nQueue: 3 messages queued: " in message
    act.wait_log("step=queue try=" + ("2: done: 3 messages held: " if queue == "hold" else "1: done: 3 messages queued: "))
    on_hold = {recipient for recipient, name in host.queue() if name == "hold"}
    assert on_hold == (set(queued) if queue == "hold" else set()) and len(host.queue()) == 6


def test_messages_that_are_gone(host, act, queued):
    """Of the list, some have left the queue by now: postcat stops at each."""
    gone = 'echo \'{"queue_name": "active", "queue_id": "7F7F", "sender": "", "recipients": []}\''
    listing = act.script("listing", f"#!/bin/sh\n{gone}\n{act.directory}/postqueue \"$@\" | sed '2p; 2s/queue_id\": \"/&0/'\n")
    act.configure(queue="hold", postqueue=listing)
    act.stop()
    act.start()
    host.suspend()
    act.wait_log("step=queue try=1: done: 3 messages held: ")
    assert {recipient for recipient, name in host.queue() if name == "hold"} == set(queued)
    host.wait_notice(f"{USER} was suspended")  # before the queue is emptied


@pytest.mark.parametrize("odd", ODD)
def test_odd_names(host, act, odd):
    """No name becomes an option, another's session, or a header."""
    with open_imap(host, OTHER) as others:
        host.suspend(odd, "--reason", "x\\nBcc: evil@example.com")
        message, = host.wait_notice("was suspended")
        assert "\nBcc" not in message.partition("\n\n")[0] and "\nbcc" not in message.partition("\n\n")[0]
        wait_for(act.commands, "the command")
        assert act.commands()[0][0] == ["account_suspended", f"--account={odd}"]
        act.wait_log("step=kick")
        assert not others.readable(0.3), "the session of somebody else"


def test_a_name_that_would_be_an_option(host, act):
    """Of a command whose word begins with it: not run."""
    act.configure(command=[act.directory.joinpath("command").as_posix() + " {account}"])
    act.stop()
    act.start()
    host.suspend(ODD[0])
    act.wait_log("step=command0 try=1: given up: '-a@example.com' would be taken for an option")
    assert act.commands() == []


def test_released_meanwhile(host, act):
    """What is old news harms nobody: the session that began after the release goes on."""
    act.stop()
    host.suspend()
    host.release()
    with open_imap(host) as imap:
        act.start()
        host.wait_notice(f"{USER} was suspended")
        act.wait_log("step=kick try=1: done")
        assert not imap.readable(0.3)


def test_a_deadline(host, act):
    """A program that hangs is killed, and nothing waits for it."""
    slow = act.script("slow", "#!/bin/sh\nexec sleep 60\n")
    act.configure(deadline_s=30, command=[slow, host.policyd.settings["act"]["command"][0]])
    act.stop()
    act.start()
    host.suspend()
    wait_for(act.commands, "the other command")
    act.wait_log("step=command0 try=1: given up: not done within 30 s")
    act.wait_log("step=command1 try=1: done")


@pytest.fixture
def fifo(host):
    """What the commands of a test wait at."""
    path = host.act.directory / "fifo"
    os.mkfifo(path)
    yield path
    path.unlink()


def test_hanging_commands_delay_no_kick(host, act, fifo):
    """Of more suspensions than programs may run at once, each with commands that hang."""
    hangs = act.script("hangs", f"#!/bin/sh\nread line < {fifo}\n")
    act.configure(command=[f"{hangs} {number}" for number in range(4)], notice_to=[])
    act.stop()
    act.start()
    host.suspend(OTHER)
    host.suspend(ODD[0])
    with open_imap(host) as imap, Pace() as pace:
        host.suspend()
        assert pace.undisturbed(is_closed(imap)) < 2
    act.process.send_signal(signal.SIGTERM)
    with open(fifo, "r+b", buffering=0) as both:
        both.write(b"x\n" * 64)
        wait_for(lambda: not act.process.running(), "the end")


def test_a_stop_waits_for_what_runs(host, act, fifo):
    """And leaves nothing half done: what had begun is done, the rest after the next start."""
    slow = act.script("slow", f"#!/bin/sh\nread line < {fifo}\nexec {act.directory}/own $line\n")
    act.configure(command=[slow])
    act.stop()
    act.start()
    host.suspend()
    with open(fifo, "w") as writer:  # once somebody reads
        act.process.send_signal(signal.SIGTERM)
        wait_for(lambda: is_waiting(act.process.pid, "poll"), "the signal to be taken")
        host.suspend(OTHER)
        assert act.process.running()
        writer.write("late\n")
    wait_for(lambda: not act.process.running(), "the end")
    assert act.stop() == 0 and [arguments for arguments, _ in act.commands()] == [["late"]]
    assert "step=command0 try=1: done" in act.log_text() and host.notices(f"{OTHER} was suspended") == []
    act.start()
    with open(fifo, "w") as writer:
        writer.write("later\n")
    wait_for(lambda: len(act.commands()) == 2, "the other command")
    host.wait_notice(f"{OTHER} was suspended")
    wait_for(lambda: len(host.notices(f"{USER} was suspended")) == 1, "one notice of the first")


def test_only_one(host, act):
    done = run(program("postern-act"), "-c", host.policyd.config, check=False)
    assert act.process.running()
    assert done.returncode == 1 and done.stderr.endswith("cursor.lock: another postern-act runs\n")
