# SPDX-License-Identifier: MIT
"""policyctl explain of what real Postfix, real Dovecot and policyd logged: who decided, what holds today, what to do."""

import json
import re
import shlex

import pytest

from admin import alone  # noqa: F401  (a fixture)
from conftest import is_accepted
from mailhost.dovecot_dialect import IS_2_4
from mailhost.host import PASSWORD
from mailhost.mailbox import Imap
from mailhost.policyd import program
from mailhost.process import run, wait_for
from mailhost.smtp import STRANGER, Smtp
from test_dovecot_smtp import USER, auth, host  # noqa: F401  (a fixture)

OTHER = "other@example.com"
SHOWN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(autouse=True)
def behind(request):
    """How long each server's log was when the test began."""
    BEHIND.clear()
    if "host" in request.fixturenames:
        built = request.getfixturevalue("host")
        BEHIND.update({server: len(server.log_text()) for server in (built.postfix, built.dovecot, built.policyd)})


BEHIND = {}


def last_line(log, *words):
    """The last line of a server's log that this test caused and that holds these words, as soon as it is there."""
    def found():
        return [line for line in log()[BEHIND[log.__self__]:].splitlines() if all(word in line for word in words)]

    wait_for(found, f"a line with {words}")
    return found()[-1]


class Explained:
    """policyctl explain --json, of a line or of whole logs."""

    def __init__(self, host):
        self.host = host

    def __call__(self, *arguments, stdin=None):
        return json.loads(self.host.policyd.ctl("explain", "--json", *arguments, stdin=stdin).stdout)

    def line(self, text):
        return self("--log-line", text)

    def reject(self, *words):
        return self.line(last_line(self.host.postfix.log_text, "reject: ", *words))

    def run_command(self, answer):
        """Do what it says is to be done, as an admin copies it."""
        command = next(step["command"] for step in answer["what_to_do"] if step["command"])
        assert command.startswith("policyctl ")
        words = shlex.split(command)[1:]
        stdin = "another\n" if words[:2] == ["account", "passwd"] else None
        self.host.policyd.ctl(*words, *["--password-stdin"] * bool(stdin), stdin=stdin)
        return command


@pytest.fixture
def explained(host):  # noqa: F811
    return Explained(host)


@pytest.fixture
def ctl(host):  # noqa: F811
    """policyctl, whose policy rows are taken away again."""
    rows = []

    def call(*words, **options):
        if words[:2] == ("policy", "set"):
            rows.append(("policy", "unset", words[2], *(word for word in words[4:] if word != "--yes")))
        return host.policyd.ctl(*words, **options)

    yield call
    for row in reversed(rows):
        host.policyd.ctl(*row, check=False)


def deliver(host, sender, recipient=USER, helo="mail.sender.net"):  # noqa: F811
    with Smtp(host.port("smtp")) as smtp:
        smtp.command(f"EHLO {helo}")
        return smtp.message(sender, recipient)


def dialogue(host, service="submission"):  # noqa: F811
    """A mail program that has logged in."""
    smtp = Smtp(host.port(service))
    smtp.command("EHLO laptop.home")
    smtp.starttls()
    smtp.command("EHLO laptop.home")
    assert smtp.login(USER, PASSWORD).startswith("235 ")
    return smtp


# -- refused by Postern

def test_helo(host, explained):  # noqa: F811
    """Word for word; what is to be done lets it in, and then it would pass."""
    assert deliver(host, "anna@sender.net", helo="x.local").startswith("554 ")
    answer = explained.reject("<x.local>")
    assert (answer["origin"], answer["check"], answer["refused_today"]) == ("postern", "helo_local", True)
    assert (answer["line"]["client"], answer["line"]["helo"]) == (STRANGER, "x.local")
    assert f'{STRANGER}: Your mail server introduces itself as "x.local"' in answer["what_to_do"][0]["text"]
    command = explained.run_command(answer)
    assert command == f"policyctl list allow --client {STRANGER} --helo x.local"
    try:
        after = explained.reject("<x.local>")
        assert (after["check"], after["refused_today"]) == ("helo_local", False)
        assert re.match(r"would pass: allow entry \d+ ", after["today"])
        assert is_accepted(deliver(host, "anna@sender.net", helo="x.local"))
    finally:
        host.policyd.ctl(*shlex.split(command.replace("list allow", "list remove allow"))[1:])


def test_mode_changed_since(host, explained, ctl):  # noqa: F811
    ctl("policy", "set", "sender_auth", "enforce", "--yes")
    assert deliver(host, USER).startswith("554 ")
    answer = explained.reject("SMTP AUTH is required")
    assert (answer["check"], answer["refused_today"]) == ("sender_auth", True)
    ctl("policy", "set", "sender_auth", "observe")
    answer = explained.reject("SMTP AUTH is required")
    assert (answer["check"], answer["refused_today"]) == ("sender_auth", False)
    assert answer["today"] == "would pass: this is only observed (observe, policy row for the host)"


def test_sender_login(host, explained, ctl):  # noqa: F811
    """Postfix 3.7 names no login in the line; the reply does."""
    ctl("policy", "set", "sender_login", "enforce", "--yes")
    with dialogue(host) as smtp:
        assert smtp.message(OTHER, "someone@elsewhere.net").startswith("553 ")
        answer = explained.reject("You are logged in as")
        assert (answer["origin"], answer["check"], answer["login"], answer["refused_today"]) == (
            "postern", "sender_login", USER, True)
        assert not answer["login_assumed"]
        assert explained.run_command(answer) == f"policyctl grant add {USER} {OTHER}"
        try:
            after = explained.reject("You are logged in as")
            assert (after["refused_today"], after["today"]) == (
                False, f"would pass: grant to {USER} for {OTHER}")
            assert is_accepted(smtp.message(OTHER, "someone@elsewhere.net"))
        finally:
            ctl("grant", "remove", USER, OTHER)


def test_suspended(host, explained, ctl):  # noqa: F811
    """At AUTH, and in a session that was open before."""
    with dialogue(host) as smtp:
        ctl("account", "suspend", USER, "--reason", "stolen: it's; from=<x>")
        assert smtp.message(USER, "someone@elsewhere.net").startswith("554 ")
        assert auth(host, "submissions").startswith("535 ")
    for line in (last_line(host.postfix.log_text, "reject: RCPT", "Account suspended: stolen"),
                 last_line(host.postfix.log_text, "SASL PLAIN authentication failed: Account suspended: stolen")):
        answer = explained.line(line)
        assert (answer["origin"], answer["check"], answer["login"]) == ("postern", "account_status", USER)
        assert answer["today"] == "would be refused again: suspended (all): stolen: it's; from=<x>"
    assert explained.run_command(answer) == f"policyctl account release {USER}"
    assert explained.line(line)["today"] == "would pass: the account is active"


def test_a_refusal_before_is_another(host, explained):  # noqa: F811
    """What policyd refused the same client for the same recipient a moment earlier does not explain Postfix's own."""
    assert deliver(host, "anna@sender.net", "nobody@example.com", helo="z.local").startswith("554 ")
    assert deliver(host, "anna@sender.net", "nobody@example.com").startswith("550 ")
    logs = [last_line(host.policyd.log_text, "decision=refuse check=helo_local", "helo=z.local"),
            last_line(host.postfix.log_text, "reject: RCPT", "User unknown", "helo=<mail.sender.net>")]
    assert explained("--log", "-", stdin="\n".join(logs))["origin"] == "other"
    logs[1] = last_line(host.postfix.log_text, "reject: RCPT", "helo=<z.local>")
    assert explained("--log", "-", stdin="\n".join(logs))["check"] == "helo_local"


def test_login_of_a_reject(host, explained, ctl):  # noqa: F811
    """Where the line does not name it, policyd's own line does; else the sender is taken for it, and that is said."""
    with dialogue(host) as smtp:
        ctl("account", "suspend", USER, "--reason", "for the login's sake")
        try:
            assert smtp.message(OTHER, "someone@elsewhere.net").startswith("554 ")
        finally:
            ctl("account", "release", USER)
    line = last_line(host.postfix.log_text, "for the login's sake")
    alone_said = explained.line(line)
    assert alone_said["check"] == "account_status"
    assert (alone_said["login"], alone_said["login_assumed"]) == ((USER, False) if IS_2_4 else (OTHER, True))
    decision = last_line(host.policyd.log_text, "decision=refuse check=account_status", "for the login's sake")
    both = explained("--log-line", decision + "\n" + line)
    assert (both["login"], both["login_assumed"], both["line"]["kind"]) == (USER, False, "reject")


def test_line_of_policyd(host, explained):  # noqa: F811
    """Whose quotes and escapes are taken off."""
    assert deliver(host, r'"a \"b \\c"@sender.net', helo="y.local").startswith("554 ")
    answer = explained.line(last_line(host.policyd.log_text, "decision=refuse check=helo_local", "y.local"))
    assert (answer["origin"], answer["check"], answer["refused_today"]) == ("postern", "helo_local", True)
    assert answer["line"]["sender"] == r'a "b \c@sender.net'


# -- logins

def imap(host, password=PASSWORD, user=USER, tls=False):  # noqa: F811
    """The login's session in Dovecot's log, after a login that failed."""
    before = host.dovecot.log_text().count("imap-login: ")
    with Imap(host.dovecot.ports["imap"]) as client:
        if tls:
            client.starttls()
        assert not client.login(user, password).startswith("OK")
    wait_for(lambda: host.dovecot.log_text().count("imap-login: ") > before, "the login's line")
    return re.search(r"session=<(\S+)>", last_line(host.dovecot.log_text, "imap-login: ")).group(1)


def test_login_in_clear(host, explained):  # noqa: F811
    session = imap(host)
    last_line(host.dovecot.log_text, "auth-worker", session)  # which comes by another pipe
    whole = explained("--log", str(host.dovecot.log))
    assert whole["line"]["session"] == session and whole["line"]["kind"] == "login-failed"
    assert (whole["origin"], whole["check"], whole["guessed"], whole["refused_today"]) == (
        "postern", "starttls", False, True)
    assert whole["what_to_do"][0]["text"] == "In the customer's program: Set Encryption to STARTTLS on port 143."
    login = explained.line(last_line(host.dovecot.log_text, "imap-login: ", session))
    assert (login["check"], login["guessed"], login["refused_today"]) == ("starttls", True, True)
    driver = explained.line(last_line(host.dovecot.log_text, "auth-worker", session))
    assert (driver["check"], driver["guessed"], driver["line"]["kind"]) == ("starttls", False, "driver")
    assert driver["what_to_do"][1]["command"] == f"policyctl policy set starttls off --account {USER}"


@pytest.mark.parametrize("service, refused", [("imap", True), ("pop3", False)])
def test_suspension_of_a_service(host, explained, ctl, service, refused):  # noqa: F811
    session = imap(host)
    line = last_line(host.dovecot.log_text, "imap-login: ", session)
    ctl("account", "suspend", USER, "--reason", "late", "--services", service)
    ctl("policy", "set", "starttls", "off")
    try:
        assert explained.line(line)["refused_today"] == refused
    finally:
        ctl("account", "release", USER)


def test_wrong_password_and_name(host, explained):  # noqa: F811
    session = imap(host, "wrong", tls=True)
    for word in ("imap-login: ", "auth-worker"):
        answer = explained.line(last_line(host.dovecot.log_text, word, session))
        assert (answer["origin"], answer["check"]) == ("account", None)
        assert answer["what_to_do"][1]["command"] == f"policyctl account passwd {USER}"
    session = imap(host, user="nobody@example.com", tls=True)
    answer = explained.line(last_line(host.dovecot.log_text, "imap-login: ", session))
    assert (answer["origin"], answer["today"]) == ("account", "no account nobody@example.com")
    assert auth(host, "submissions", "wrong").startswith("535 ")
    answer = explained.line(last_line(host.postfix.log_text, "authentication failed: (reason unavailable)", USER))
    assert answer["origin"] == "account" and "password" in answer["what_to_do"][0]["text"]


# -- refused by others

def test_relay_and_unknown_recipient(host, explained):  # noqa: F811
    for recipient, words, who in (("a@elsewhere.net", "Relay access denied", "Postfix, reject_unauth_destination"),
                                  ("nobody@example.com", "User unknown", "Postfix, reject_unlisted_recipient")):
        assert deliver(host, "anna@sender.net", recipient)[0] in "45"
        answer = explained.reject(words)
        assert (answer["origin"], answer["check"], answer["by"]) == ("other", None, who)


def test_words_that_postfix_says_too(host, explained):  # noqa: F811
    with Smtp(host.port("submission")) as smtp:
        smtp.command("EHLO x")
        smtp.starttls()
        smtp.command("EHLO x")
        assert "Access denied" in smtp.message("a@b.net", "c@d.net")
    answer = explained.reject("Access denied", "<c@d.net>")
    assert (answer["origin"], answer["check"], answer["by"]) == (
        "postern-or-postfix", "access", "Postfix, reject or an access table")
    host.policyd.ctl("list", "deny", "--client", STRANGER)
    try:
        answer = explained.reject("Access denied", "<c@d.net>")
        assert (answer["origin"], answer["check"]) == ("postern", "access")
        assert explained.run_command(answer).startswith("policyctl list remove ")
    finally:
        host.policyd.ctl("list", "remove", "deny", "--client", STRANGER, check=False)
    assert explained.reject("Access denied", "<c@d.net>")["origin"] == "postern-or-postfix"


# -- a message

def queued(reply):
    """The queue ID in Postfix's reply."""
    assert is_accepted(reply)
    return reply.rpartition(" ")[2]


def test_message(host, explained):  # noqa: F811
    """One that was taken, and which a check that observes would have refused."""
    with dialogue(host) as smtp:
        assert smtp.envelope(OTHER, "a@elsewhere.net", "b@elsewhere.net").startswith("250 ")
        queue_id = queued(smtp.data())
    last_line(host.postfix.log_text, f"{queue_id}: removed")

    def answer():
        return explained("--queue-id", queue_id, "--log", str(host.postfix.log))

    wait_for(lambda: answer()["checks"][0]["delivered"] > 0, "the observation in state.db")
    message = answer()
    assert (message["client"], message["login"], message["sender"]) == (STRANGER, USER, OTHER)
    assert (message["recipients"], message["sent"], message["deferred"], message["removed"]) == (2, 2, 0, True)
    assert [e["kind"] for e in message["events"]] == ["accepted", "queue", "queued", "delivery", "delivery", "removed"]
    assert [e["recipient"] for e in message["events"] if e["kind"] == "delivery"] == [
        "a@elsewhere.net", "b@elsewhere.net"]
    (check,) = message["checks"]
    assert (check["check"], check["mode"], check["subject"]) == ("sender_login", "observe", USER)
    logs = host.policyd.log_text() + host.postfix.log_text()
    both = explained("--queue-id", queue_id, "--log", "-", stdin=logs)
    assert {e["kind"] for e in both["events"]} >= {"decision", "accepted", "removed"}
    assert not message["reused"]
    again = explained("--queue-id", queue_id, "--log", "-", stdin=host.postfix.log_text() * 2)
    assert again["reused"] and again["events"] == message["events"] and again["sent"] == 2
    shown = host.policyd.ctl("explain", "--queue-id", queue_id, "--log", host.postfix.log).stdout
    assert "deliveries      2 sent, 0 deferred, 0 bounced; no longer in the queue\n" in shown
    assert "sender_login would be refused if it were enforced (not_owned): " in " ".join(shown.split())


def test_message_refused_at_its_end(host, explained, ctl):  # noqa: F811
    with dialogue(host) as smtp:
        assert smtp.envelope(USER, "a@elsewhere.net").startswith("250 ")
        assert smtp.command("DATA").startswith("354 ")
        ctl("account", "suspend", USER, "--reason", "at the end")
        try:
            assert smtp.command("Subject: x\r\n\r\nx\r\n.").startswith("554 ")
        finally:
            ctl("account", "release", USER)
    line = last_line(host.postfix.log_text, "reject: END-OF-MESSAGE", "at the end")
    queue_id = re.search(r": (\w+): reject:", line).group(1)
    message = explained("--queue-id", queue_id, "--log", str(host.postfix.log))
    assert (message["refusal"]["check"], message["refusal"]["login"], message["sent"]) == ("account_status", USER, 0)
    shown = host.policyd.ctl("explain", "--queue-id", queue_id, "--log", host.postfix.log).stdout
    assert "deliveries      none: the message was refused before it was queued\n" in shown


# -- everything that was logged, and what is no log

def test_hostile_names(host, explained):  # noqa: F811
    """Words of strangers neither reach the terminal nor pass for somebody else's."""
    assert deliver(host, '"x>: Sender address rejected: Account suspended: y; from=<"@sender.net',
                   helo="a\x1b[31m;.local").startswith("554 ")
    line = last_line(host.postfix.log_text, "reject: ", "31m")
    answer = explained.line(line)
    assert (answer["check"], answer["line"]["client"]) == ("helo_local", STRANGER)
    assert answer["line"]["sender"] == '"x>: Sender address rejected: Account suspended: y; from=<"@sender.net'
    raw = line.replace("a?[31m?", "\x1b[31m\u009b$(id)'")
    assert not SHOWN.search(host.policyd.ctl("explain", "--log-line", raw).stdout)
    decision = last_line(host.policyd.log_text, "decision=refuse", "31m")
    assert not SHOWN.search(host.policyd.ctl("explain", "--log-line", decision).stdout)


def test_commands_hold_nothing_that_a_shell_obeys(host, explained, ctl):  # noqa: F811
    ctl("policy", "set", "sender_auth", "enforce", "--yes")
    assert deliver(host, "\"$(id)'`\"@example.com").startswith("554 ")
    answer = explained.reject("SMTP AUTH is required", "$(id)")
    words = shlex.split(answer["what_to_do"][1]["command"])
    assert words[:4] == ["policyctl", "list", "allow", "--sender"] and words[4] == "\"$(id)'`\"@example.com"
    printed = run("bash", "-c", "printf '%s\\n' " + answer["what_to_do"][1]["command"]).stdout.splitlines()
    assert printed == words


def test_every_line(host):  # noqa: F811
    """Of all that the servers logged here: an explanation that fits a terminal, or one line that there is none."""
    kinds = {}
    for log in (host.postfix.log_text, host.dovecot.log_text, host.policyd.log_text):
        for line in log().splitlines():
            kinds.setdefault(re.sub(r"\w*\d\w*|<\S*>", "", line), line)
    answered = 0
    for line in kinds.values():
        done = run(program("policyctl"), "-c", host.policyd.config, "explain", "--log-line", line, check=False)
        assert done.returncode in (0, 2) and (done.returncode == 0) == (done.stderr == ""), (line, done.stderr)
        assert done.returncode == 0 or done.stderr.count("\n") == 1
        assert all(len(shown) < 80 for shown in done.stdout.splitlines()), done.stdout
        answered += done.returncode == 0
    assert answered >= 15


def test_log_of_nothing(alone):  # noqa: F811
    nothing = "no line of Postfix, Dovecot or policyd that tells of a refusal, a login or a delivery"
    alone.fails(2, nothing, "explain", "--log-line", "")
    alone.fails(2, nothing, "explain", "--log", "-", stdin="\0\n" + "x" * 100000 + "\n\xff")
    alone.fails(2, "standard input is compressed: zcat FILE | policyctl explain --log -", "explain", "--log", "-",
                stdin="\x1f\udc8b\x08")
    alone.fails(1, "/nonexistent: No such file or directory", "explain", "--log", "/nonexistent")
    alone.fails(2, "--log-line is one line: --log FILE, or --queue-id ID --log FILE, reads a log", "explain",
                "--log-line", "x", "--log", "-")
    alone.fails(2, "a log says itself who, from where and to whom: no other options but --json", "explain",
                "--log-line", "x", "--helo", "y")
    alone.fails(2, "--queue-id A3D61A863DB: in which log? Add --log FILE, or --log - for standard input", "explain",
                "--queue-id", "A3D61A863DB")
    alone.fails(2, "'a b' is no queue ID, as it stands in a log in front of \": client=\"", "explain", "--queue-id",
                "a b", "--log", "-")
    alone.fails(1, "standard input says nothing of A3D61A863DB: what is refused before it is queued is logged as NOQUEUE, "
                "without an ID; older logs: zcat FILE | policyctl explain --queue-id A3D61A863DB --log -", "explain",
                "--queue-id", "A3D61A863DB", "--log", "-", stdin="nothing of it\n")
