# SPDX-License-Identifier: MIT
"""policyctl doctor on Postfix's configuration: in order, and with one mistake at a time that its remedy mends."""

import re
import shutil

import pytest

from doctor_host import ready  # noqa: F401  (fixture)

HOOK = "check_policy_service {{ $postern_policy, policy_context={}, $postern_away }}"
RECIPIENT, SENDER = HOOK.format("recipient"), HOOK.format("sender")
DEFER = "{ default_action = 451 4.3.0 away }"
ALL = "smtp, submission, submissions"


@pytest.fixture
def host(ready):  # noqa: F811
    """Its Postfix configuration is put back afterwards."""
    saved = ready.postfix.config.with_name("saved")
    shutil.copytree(ready.postfix.config, saved)
    yield ready
    shutil.rmtree(ready.postfix.config)
    saved.rename(ready.postfix.config)


def mend(host, remedy):
    """The command up to the reload: this Postfix does not run."""
    command, reload = remedy.rsplit(" && ", 1)
    assert reload == f"postfix -c {host.postfix.config} reload"
    host.shell(command)


def test_ready_files_are_in_order(host):
    assert host.findings() == []


# what is set, the rule that is broken, where, and words of what is said
MISTAKES = {
    "helo hook missing": (
        ["-e", "smtpd_helo_restrictions="], "hook_missing", "smtp", "no hook in smtpd_helo_restrictions"),
    "sender hook missing": (
        ["-e", "smtpd_sender_restrictions=reject_non_fqdn_sender"], "hook_missing", "smtp",
        "no hook in smtpd_sender_restrictions"),
    "recipient hook missing": (
        ["-X", "smtpd_recipient_restrictions"], "hook_missing", "smtp", "no hook in smtpd_recipient_restrictions"),
    "submission as Debian ships it": (
        ["-P", "submission/inet/smtpd_sender_restrictions="], "hook_missing", "submission",
        "no hook in smtpd_sender_restrictions"),
    "list of 587 and 465 empty": (
        ["-e", "mua_sender_restrictions="], "hook_missing", "submission, submissions",
        "no hook in smtpd_sender_restrictions"),
    "recipient list as Debian ships it": (
        ["-P", "submissions/inet/smtpd_recipient_restrictions=permit_sasl_authenticated,reject"], "hook_missing",
        "submissions", "no hook in smtpd_recipient_restrictions"),
    "a list of the service's own": (
        ["-P", "submission/inet/smtpd_sender_restrictions=reject_unknown_sender_domain"], "hook_missing",
        "submission", "no hook in smtpd_sender_restrictions"),
    "another policy server": (
        ["-e", "smtpd_recipient_restrictions=check_policy_service unix:private/greylist"], "hook_missing", "smtp",
        "no hook in smtpd_recipient_restrictions"),
    "end of data": (
        ["-e", "smtpd_end_of_data_restrictions="], "hook_end_of_data", ALL,
        "no hook in smtpd_end_of_data_restrictions"),
    "after permit_mynetworks": (
        ["-e", f"smtpd_recipient_restrictions=permit_mynetworks, {RECIPIENT}"], "hook_after_permit", "smtp",
        "stands behind permit_mynetworks"),
    "after permit_sasl_authenticated": (
        ["-e", f"mua_sender_restrictions=permit_sasl_authenticated, {SENDER}"], "hook_after_permit",
        "submission, submissions", "stands behind permit_sasl_authenticated"),
    "after reject": (
        ["-e", f"mua_recipient_restrictions=reject, {RECIPIENT}"], "hook_after_permit", "submission, submissions",
        "stands behind reject"),
    "only warned of": (
        ["-e", f"smtpd_recipient_restrictions=reject_rbl_client zen.example, warn_if_reject {RECIPIENT}"],
        "hook_warn_only", "smtp", "stands behind warn_if_reject"),
    "permit in a restriction class": (
        ["-e", "smtpd_restriction_classes=ours", "ours=permit_mynetworks",
         f"smtpd_sender_restrictions=ours, {SENDER}"], "hook_after_permit", "smtp",
        "stands behind permit_mynetworks"),
    "context of another list": (
        ["-e", f"smtpd_sender_restrictions={RECIPIENT}"], "hook_list", "smtp",
        "says policy_context=recipient"),
    "in a list where none belongs": (
        ["-e", f"smtpd_client_restrictions={HOOK.format('')}"], "hook_list", "smtp",
        "a hook in smtpd_client_restrictions"),
    "no policy_context": (
        ["-e", "smtpd_recipient_restrictions=check_policy_service { $postern_policy, $postern_away }"],
        "hook_context", "smtp", "no policy_context"),
    "plain hook": (
        ["-e", "smtpd_policy_service_timeout=10s",
         "smtpd_recipient_restrictions=check_policy_service unix:postern/policy"],
        "hook_context", "smtp", "no policy_context"),
    "default time-out": (
        ["-e", "smtpd_sender_restrictions=check_policy_service { unix:postern/policy, policy_context=sender, "
         f"{DEFER} }}"], "hook_timeout", "smtp", "waits up to 201 s"),
    "time-out below the deadline": (
        ["-e", "smtpd_sender_restrictions=check_policy_service { unix:postern/policy, timeout=5s, "
         f"policy_context=sender, {DEFER} }}"], "hook_timeout", "smtp", "waits 5 s"),
    "away permits": (
        ["-e", "smtpd_helo_restrictions=check_policy_service { $postern_policy, policy_context=helo, "
         "default_action=OK }"], "hook_default_action", "smtp", "default_action=OK"),
    "away permits by a bare code": (
        ["-e", "smtpd_sender_restrictions=check_policy_service { $postern_policy, policy_context=sender, "
         "default_action=550 }"], "hook_default_action", "smtp", "default_action=550"),
    "away refuses": (
        ["-e", "smtpd_sender_restrictions=check_policy_service { $postern_policy, policy_context=sender, "
         "{ default_action = 554 5.7.1 no } }"], "hook_default_action", "smtp", "default_action=554 5.7.1 no"),
    "away lets pass": (
        ["-e", "mua_sender_restrictions=check_policy_service { $postern_policy, policy_context=sender, "
         "default_action=DUNNO }"], "hook_default_action", "submission, submissions", "default_action=DUNNO"),
    "slip in the path": (
        ["-e", "smtpd_sender_restrictions=check_policy_service { unix:postern/polcy, timeout=10s, "
         f"policy_context=sender, {DEFER} }}"], "hook_endpoint", "smtp", "asks unix:postern/polcy"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_mistake(host, mistake):
    """Just that is found, and its remedy takes it away without bringing another."""
    settings, rule, where, words = MISTAKES[mistake]
    host.postfix.postconf(*settings)
    found = host.findings()
    assert [(f["rule"], f["where"]) for f in found] == [(rule, where)]
    assert words in found[0]["what"] and found[0]["why"]
    mend(host, found[0]["remedy"])
    assert host.findings() == []


def notes(host, *rules):
    """The notes of these rules."""
    return [f for f in host.findings(("note",)) if f["rule"] in rules]


def test_before_reject_unauth_destination(host):
    """Where nothing else keeps strangers from relaying; the remedy makes it a note, the ready files none."""
    host.postfix.postconf("-e", "smtpd_relay_restrictions=",
                          f"smtpd_recipient_restrictions={RECIPIENT}, permit_mynetworks, reject_unauth_destination")
    found = host.findings()
    assert [(f["rule"], f["where"]) for f in found] == [("hook_before_relay_check", "smtp")]
    assert found[0]["what"].endswith("stands before reject_unauth_destination")
    mend(host, found[0]["remedy"])
    assert host.findings() == []
    assert [f["remedy"] for f in notes(host, "hook_before_relay_check")] == [None]
    host.postfix.postconf("-e", "smtpd_relay_before_recipient_restrictions=no")
    [asked] = notes(host, "hook_before_relay_check")
    mend(host, asked["remedy"])
    assert [f["remedy"] for f in notes(host, "hook_before_relay_check")] == [None]


def test_chrooted_smtpd_and_an_absolute_path(host):
    """The same path serves an smtpd that is not chrooted."""
    hook = f"{host.policyd.policy_socket}, timeout=10s, policy_context=sender, {DEFER}"
    host.postfix.postconf("-e", f"smtpd_sender_restrictions=check_policy_service {{ unix:{hook} }}")
    found = host.findings()
    assert [(f["rule"], f["where"]) for f in found] == [("hook_endpoint", "smtp")]
    mend(host, found[0]["remedy"])
    assert host.findings() == []
    host.postfix.postconf("-e", f"smtpd_sender_restrictions=check_policy_service {{ unix:{hook} }}")
    host.postfix.postconf("-F", "smtp/inet/chroot=n")
    assert host.findings() == []


def test_what_stands_in_a_list_stays(host):
    """A remedy puts the hook in front and keeps the rest as it was written, variables and all."""
    rest = "check_sender_access inline:{{x@example.net = REJECT no}}, warn_if_reject reject_rbl_client $zone"
    host.postfix.postconf("-e", "zone=list.example", f"smtpd_sender_restrictions={rest}")
    mend(host, host.findings()[0]["remedy"])
    assert host.postfix.postconf("-h", "smtpd_sender_restrictions").strip() == f"{SENDER}, {rest}"


def test_without_the_variables_of_the_ready_files(host):
    """A host that was set up by hand gets hooks that stand for themselves."""
    host.postfix.postconf("-X", "postern_policy", "postern_away", "smtpd_sender_restrictions")
    host.postfix.postconf("-e", "smtpd_helo_restrictions=", "smtpd_recipient_restrictions=",
                          "smtpd_end_of_data_restrictions=", "mua_sender_restrictions=",
                          "mua_recipient_restrictions=permit_sasl_authenticated, reject")
    found = host.findings()
    assert sorted((f["rule"], f["where"]) for f in found) == [
        ("hook_end_of_data", ALL), ("hook_missing", "smtp"), ("hook_missing", "smtp"), ("hook_missing", "smtp"),
        ("hook_missing", "submission, submissions"), ("hook_missing", "submission, submissions")]
    for finding in found:
        mend(host, finding["remedy"])
    assert host.findings() == []


def test_names_that_a_shell_would_take_apart(host, tmp_path):
    """The command as it is printed, folded, does what it says."""
    odd = tmp_path / "it's $HOME; here"
    shutil.copytree(host.postfix.config, odd)
    host.postfix.config, config = odd, host.postfix.config
    try:
        host.postfix.postconf("-e", "smtpd_sender_restrictions=reject_unknown_sender_domain")
        text = host.doctor("--quiet").stdout
        command = re.search(r"^    postconf.*?(?= \\\n    && postfix)", text, re.M | re.S).group()
        assert "\n" in command
        host.shell(command)
        assert host.findings() == []
    finally:
        host.postfix.config = config


def test_reinjection_is_left_alone(host):
    """Where a content filter hands mail back it was asked about before."""
    host.postfix.postconf("-M", "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - y - - smtpd")
    host.postfix.postconf("-P", "127.0.0.1:10025/inet/smtpd_recipient_restrictions=permit_mynetworks,reject")
    assert host.findings() == []


@pytest.mark.parametrize("command", ["pass", "inet"])
def test_any_other_smtpd_is_examined(host, command):
    """Behind postscreen, or on a port of its own."""
    host.postfix.postconf("-M", f"2525/{command}=2525 {command} n - y - - smtpd")
    host.postfix.postconf("-P", f"2525/{command}/smtpd_recipient_restrictions=permit_mynetworks,reject")
    found = host.findings()
    assert [(f["rule"], f["where"]) for f in found] == [("hook_missing", "2525")]
    mend(host, found[0]["remedy"])
    assert host.findings() == []


# -- besides the hooks

def test_helo_required(host):
    """A note, until an administrator relies on HELO checks."""
    [note] = notes(host, "helo_required")
    host.policyd.ctl("policy", "set", "helo_fqdn", "enforce", "--domain", "example.com", "--yes")
    try:
        [found] = host.findings()
        assert (found["rule"], found["where"], found["remedy"]) == ("helo_required", "smtp", note["remedy"])
        mend(host, found["remedy"])
        assert host.findings() == notes(host, "helo_required") == []
    finally:
        host.policyd.ctl("policy", "unset", "helo_fqdn", "--domain", "example.com")


def test_auth_without_tls(host):
    """Worth a note once `starttls` has no exception left."""
    host.postfix.postconf("-P", "submission/inet/smtpd_tls_security_level=may",
                          "submission/inet/smtpd_tls_auth_only=no")
    host.policyd.ctl("policy", "set", "starttls", "off", "--account", "user@example.com")
    try:
        assert notes(host, "native_tls") == []
    finally:
        host.policyd.ctl("policy", "unset", "starttls", "--account", "user@example.com")
    host.policyd.ctl("policy", "plan", "-", "--yes", stdin="2099-01-01 starttls off user@example.com\n")
    [found] = [f for f in notes(host, "native_tls") if f["area"] == "Postfix"]
    host.policyd.ctl("policy", "unset", "starttls", "--account", "user@example.com")
    assert found["where"] == "submission"
    mend(host, found["remedy"])
    assert [f["area"] for f in notes(host, "native_tls")] == ["Dovecot"]


def test_mynetworks(host):
    """Clients that Postfix trusts and policyd does not; the remedy is policyd's."""
    saved = host.policyd.config.read_text()
    host.postfix.postconf("-e", "mynetworks=127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 192.0.2.0/24")
    try:
        [found] = host.findings()
        assert (found["rule"], found["what"].split(": ")[1]) == ("mynetworks", "127.0.0.0/8, ::1, 192.0.2.0/24")
        host.shell(found["remedy"])
        assert host.findings() == []
        host.postfix.postconf("-e", "mynetworks=127.0.0.0/8 [::1]/128")
        assert host.findings() == []
        assert notes(host, "mynetworks")[0]["what"].endswith(": 192.0.2.0/24")
    finally:
        host.policyd.config.write_text(saved)
        host.policyd.ctl("reload")


def test_mynetworks_in_a_table(host):
    """What cannot be compared is said, not passed over."""
    host.postfix.postconf("-e", "mynetworks=127.0.0.1/32 hash:/etc/postfix/networks")
    report = host.report()
    assert [f["what"] for f in report["findings"] if f["rule"] == "not_examined"] == [
        "hash:/etc/postfix/networks is no network"]


def test_no_service(host):
    host.postfix.postconf("-MX", "smtp/inet", "submission/inet", "submissions/inet")
    assert host.rules() == ["postfix_services"]


def test_unreadable_configuration(host):
    (host.postfix.config / "master.cf").write_text("smtp inet\n")
    [found] = host.findings()
    assert found["rule"] == "postfix_config" and "master.cf" in found["what"]
