# SPDX-License-Identifier: MIT
"""policyctl doctor on Postfix's configuration: in order, and with one mistake at a time that its remedy mends."""

import shutil

import pytest

from doctor_host import DoctorHost
from mailhost.process import let_others_enter, run

HOOK = "check_policy_service {{ $postern_policy, policy_context={}, $postern_away }}"
RECIPIENT, SENDER = HOOK.format("recipient"), HOOK.format("sender")
DEFER = "{ default_action = 451 4.3.0 away }"
ALL = "smtp, submission, submissions"


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """One that is as it should be, to be copied."""
    directory = tmp_path_factory.mktemp("doctor")
    let_others_enter(directory)
    host = DoctorHost(directory)
    host.prepare()
    return host


@pytest.fixture
def host(ready):
    """The same, its Postfix configuration put back afterwards."""
    saved = ready.postfix.config.with_name("saved")
    shutil.copytree(ready.postfix.config, saved)
    yield ready
    shutil.rmtree(ready.postfix.config)
    saved.rename(ready.postfix.config)


def mend(remedy):
    """The command up to the reload: this Postfix does not run."""
    command, reload = remedy.rsplit(" && ", 1)
    assert reload.startswith("postfix -c ") and reload.endswith(" reload")
    run("sh", "-c", command)


def test_ready_files_are_in_order(host):
    assert host.findings("Postfix") == []


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
    found = host.findings("Postfix")
    assert [(f["rule"], f["where"]) for f in found] == [(rule, where)]
    assert words in found[0]["what"] and found[0]["why"]
    mend(found[0]["remedy"])
    assert host.findings("Postfix") == []
