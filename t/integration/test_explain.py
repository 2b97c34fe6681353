# SPDX-License-Identifier: MIT
"""policyctl explain: what policyd would answer and why, by options or from a wire request; it changes nothing."""

import json

import pytest

from admin import ACCOUNTS, admin, alone  # noqa: F401  (fixtures)
from mailhost.policy import PolicyClient, request

LOCAL = {"protocol_state": "RCPT", "helo_name": "laptop.local", "client_address": "192.0.2.1",
         "sender": "anna@example.net", "recipient": "user@example.com"}


def explained(admin, *arguments, stdin=None):
    """The parsed answer, and its checks by name."""
    answer = json.loads(admin.ok("explain", "--json", *arguments, stdin=stdin))
    return answer, {check["check"]: check for check in answer["checks"]}


def options(attributes):
    """The same request as options."""
    names = {"protocol_state": "--state", "helo_name": "--helo", "client_address": "--client", "sender": "--sender",
             "recipient": "--recipient", "sasl_username": "--login", "policy_context": "--context",
             "server_port": "--port"}
    return [word for name, value in attributes.items() for word in (names[name], value)]


REQUESTS = [
    LOCAL,
    {**LOCAL, "policy_context": "sender"},
    {**LOCAL, "protocol_state": "HELO", "server_port": "587"},
    {**LOCAL, "helo_name": "[192.0.2.1]", "sender": "user@example.com"},
    {**LOCAL, "helo_name": "mail", "sender": ""},
    {**LOCAL, "sasl_username": "user@example.com", "sender": "other@example.com"},
    {**LOCAL, "sasl_username": "user@example.com", "sender": "USER+x@example.org"},
    {**LOCAL, "sasl_username": "other@example.com", "protocol_state": "END-OF-MESSAGE"},
    {**LOCAL, "helo_name": "[192.0.2.1]", "sender": "jürgen@bücher.example"},
]


@pytest.mark.parametrize("attributes", REQUESTS)
def test_as_policyd_answers(admin, attributes):
    """Options and wire request give one answer, and where policyd runs, it is policyd's."""
    admin.script(ACCOUNTS + "policy set all enforce --yes\npolicy set helo_resolve off\n"
                 "account suspend other@example.com --reason stolen")
    before = admin.databases()
    answer, _ = explained(admin, *options(attributes))
    assert answer == explained(admin, stdin=request(**attributes).decode())[0]
    assert answer["reply"].encode() == admin.ok("explain", *options(attributes)).splitlines()[0][16:].encode()
    if admin.running:
        with PolicyClient(admin.policyd.policy_socket) as client:
            assert client.ask(**attributes) == answer["reply"]
    assert admin.databases() == before


def test_which_row_decided(admin):
    admin.script(ACCOUNTS + "policy set helo_local enforce --domain example.com --yes\npolicy set helo_resolve off")
    answer, checks = explained(admin, *options(LOCAL))
    assert answer["reply"] == "554 5.7.1 Go away, bad guy (.local)."
    assert (answer["decided_by"], answer["degraded"]) == ("helo_local", False)
    assert checks["helo_local"] == {
        "check": "helo_local", "verdict": "refuse", "mode": "enforce",
        "mode_row": "enforce, policy row for example.com", "cause": ".local", "subject": "laptop.local",
        "reply": answer["reply"], "row": "suffix .local is in helo_local.enforce of policyd.conf"}
    assert checks["helo_fqdn"]["verdict"] == "pass" and checks["helo_self"]["mode"] == "off"
    assert checks["sender_login"]["verdict"] == "none"


def test_observed_check_would_refuse(admin):
    admin.script(ACCOUNTS + "policy set helo_resolve off")
    arguments = ("--login", "user@example.com", "--sender", "other@example.com")
    answer, checks = explained(admin, *arguments)
    assert (answer["reply"], answer["decided_by"]) == ("DUNNO", None)
    assert (checks["sender_login"]["verdict"], checks["sender_login"]["mode"]) == ("refuse", "observe")
    text = admin.ok("explain", *arguments)
    assert text.startswith("reply           DUNNO\ndecided by      no check\n")
    assert ("sender_login    would refuse\n"
            "  mode          observe, the default\n"
            "  cause         not_owned\n"
            "  reply         553 5.7.1 You are logged in as user@example.com, which may not send as "
            "other@example.com\n"
            "  why           other@example.com is another account, and no grant names it\n") in text


def test_grant_and_suspension_are_named(admin):
    admin.script(ACCOUNTS + "grant add user@example.com other@example.com\n"
                 "account suspend user@example.com --reason stolen")
    answer, checks = explained(admin, "--login", "user@example.com", "--sender", "other@example.com")
    assert answer["reply"] == "554 5.7.1 Account suspended: stolen"
    assert checks["account_status"]["row"] == "account user@example.com: suspended (all)"
    assert checks["sender_login"]["row"] == "grant to user@example.com for other@example.com"


def test_suffix_that_is_only_observed(admin):
    text = admin.ok("explain", "--helo", "printer.lan", "--client", "192.0.2.1")
    assert ("helo_local      would refuse\n  mode          observe only; enforce, the default\n") in text


def test_list_entry_is_named(admin):
    admin.ok("list", "deny", "--client", "192.0.2.0/24")
    answer, checks = explained(admin, *options(LOCAL))
    number = admin.json("list", "show")[0]["id"]
    assert (answer["decided_by"], checks["access"]["row"]) == ("access", f"deny entry {number} (policyctl list show): client 192.0.2.0/24")


def test_dns_that_does_not_answer(admin):
    """Nobody listens at the configured server: no refusal, and no wait beyond the time-out."""
    admin.ok("policy", "set", "helo_resolve", "enforce", "--yes")
    answer, checks = explained(admin, "--helo", "mail.sender.example", "--client", "192.0.2.1")
    assert answer["reply"] == "DUNNO" and checks["helo_resolve"]["verdict"] == "try-again"


def test_blank_line_may_be_missing(alone):
    text = request(**LOCAL).decode()
    whole = explained(alone, stdin=text)
    assert whole == explained(alone, stdin=text[:-1]) == explained(alone, stdin=text[:-2])


def test_control_characters_stay_out_of_the_terminal(alone):
    attributes = {**LOCAL, "helo_name": "\x1b[2J\u009b31m\x07.local"}
    text = alone.ok("explain", stdin=request(**attributes).decode())
    assert not set(text) & {"\x1b", "\u009b", "\x07"}
    explained(alone, stdin=request(**attributes).decode())
    explained(alone, stdin=request(**{**LOCAL, "sender": "\udcff\udcfe@example.net"}).decode(errors="surrogateescape"))


@pytest.mark.parametrize("arguments, line", [
    (["--state", "rcpt"], "no state 'rcpt': HELO, EHLO, MAIL, RCPT, DATA or END-OF-MESSAGE"),
    (["--context", "data"], "no context 'data': helo, sender, recipient or end-of-data"),
    (["--client", "localhost"], "client 'localhost' is no IP address"),
    (["--port", "65536"], "port '65536' is no number from 1 to 65535"),
    (["--sender", "a\nrecipient=b"], "--sender holds a line break"),
    (["--helo", "x" * 65536], "the request has more than 65536 octets (limits.request_bytes)"),
])
def test_bad_options(alone, arguments, line):
    alone.fails(2, line, "explain", *arguments)


@pytest.mark.parametrize("stdin, line", [
    ("", None),
    ("sender=a@example.net\n\n", "request is not 'request=smtpd_access_policy'"),
    ("request=smtpd_access_policy\nnonsense\n\n", None),
    ("request=smtpd_access_policy\n\nrequest=smtpd_access_policy\n\n", "more than one request on standard input"),
    ("request=smtpd_access_policy\nhelo_name=" + "x" * 65536 + "\n\n",
     "the request has more than 65536 octets (limits.request_bytes)"),
])
def test_bad_request(alone, stdin, line):
    done = alone.run("explain", stdin=stdin)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    if line is not None:
        assert done.stderr == f"policyctl: {line}\n"


def test_largest_request(alone):
    """Just what policyd takes."""
    frame = request(helo_name="").decode()
    fill = "x" * (65536 - len(frame))
    assert "reply" in alone.ok("explain", stdin=frame.replace("helo_name=", f"helo_name={fill}"))
    alone.fails(2, "the request has more than 65536 octets (limits.request_bytes)", "explain",
                stdin=frame.replace("helo_name=", f"helo_name={fill}x"))
