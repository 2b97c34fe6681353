# SPDX-License-Identifier: MIT
"""policyctl setup on Postfix's configuration: of Debian, in the manner of iRedMail and of PostfixAdmin, and several
instances: planned, made, asked for by a real Postfix, taken back."""

import json
import re
import shlex

import pytest

from mailhost.host import APPLY
from mailhost.process import let_others_enter, run
from mailhost.smtp import Smtp, submission as login
from setup_host import SetupHost

KINDS = ("debian", "iredmail", "postfixadmin")
POLICY = "unix:postern/policy, timeout=10s, try_limit=2, retry_delay=1s"
AWAY = "{ default_action = 451 4.3.0 Policy service unavailable, try again later }"


def hook(context):
    """As contrib/postfix has it."""
    away = "default_action=DUNNO" if context == "helo" else "$postern_away"
    return f"check_policy_service {{ $postern_policy, policy_context={context}, {away} }}"


def make_host(directory, kind="debian", **options):
    """Prepared, its policyd running."""
    let_others_enter(directory)
    host = SetupHost(directory, kind)
    host.prepare(**options)
    host.start()
    return host


@pytest.fixture(params=KINDS)
def host(request, tmp_path):
    """One of each kind."""
    made = make_host(tmp_path, request.param)
    yield made
    made.stop()


@pytest.fixture
def debian(tmp_path):
    """Debian's, its services by their names."""
    made = make_host(tmp_path, named=True)
    yield made
    made.stop()


# -- each kind of host

# What is set, by the names of main.cf and of services ({} is their port); all else stays.
EXPECTED = {
    "debian": {
        "smtpd_helo_restrictions": hook("helo"),
        "smtpd_sender_restrictions": hook("sender"),
        "smtpd_recipient_restrictions": hook("recipient"),
        "smtpd_end_of_data_restrictions": hook("end-of-data"),
        "mua_sender_restrictions": hook("sender"),
        "mua_recipient_restrictions": hook("recipient") + ", permit_sasl_authenticated,reject",
        "{submission}/inet/smtpd_sender_restrictions": "$mua_sender_restrictions",
        "{submission}/inet/smtpd_recipient_restrictions": "$mua_recipient_restrictions",
        "{submissions}/inet/smtpd_sender_restrictions": "$mua_sender_restrictions",
        "{submissions}/inet/smtpd_recipient_restrictions": "$mua_recipient_restrictions",
    },
    "iredmail": {
        "smtpd_helo_restrictions": hook("helo") + ", permit_mynetworks permit_sasl_authenticated "
        "reject_non_fqdn_helo_hostname reject_invalid_helo_hostname",
        "smtpd_sender_restrictions": hook("sender") + ", reject_non_fqdn_sender reject_unlisted_sender "
        "permit_mynetworks permit_sasl_authenticated check_sender_access inline:{{spam@example.org=REJECT}}",
        "smtpd_recipient_restrictions": hook("recipient") + ", reject_non_fqdn_recipient reject_unlisted_recipient "
        "check_policy_service inet:127.0.0.1:7777 permit_mynetworks permit_sasl_authenticated "
        "reject_unauth_destination check_policy_service inet:127.0.0.1:12340",
        "smtpd_end_of_data_restrictions": hook("end-of-data") + ", check_policy_service inet:127.0.0.1:7777",
    },
    "postfixadmin": {
        "smtpd_helo_restrictions": hook("helo"),
        "smtpd_sender_restrictions": hook("sender") + ", reject_unknown_sender_domain",
        "smtpd_recipient_restrictions": hook("recipient") + ", permit_mynetworks, permit_sasl_authenticated, "
        "reject_unauth_destination, check_policy_service unix:private/policyd-spf, "
        "check_policy_service inet:127.0.0.1:10023",
        "smtpd_end_of_data_restrictions": hook("end-of-data"),
        "mua_sender_restrictions": hook("sender") + ", permit_sasl_authenticated, reject",
        "mua_recipient_restrictions": hook("recipient") + ", permit_sasl_authenticated reject",
        "port_{smtps}_recipient_restrictions": hook("recipient") + ", permit_sasl_authenticated, reject",
        "{smtps}/inet/smtpd_recipient_restrictions": "$port_{smtps}_recipient_restrictions",
    },
}


def expected(host):
    """With this host's ports, and the variables that each has."""
    def fill(text):
        for name, port in host.postfix.ports.items():
            text = text.replace("{%s}" % name, str(port))
        return text
    return {"postern_policy": POLICY, "postern_away": AWAY,
            **{fill(name): fill(value) for name, value in EXPECTED[host.kind].items()}}


def difference(before, after):
    """What is another value, or new, or gone (None)."""
    return {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}


def test_the_plan(host):
    """Each change with its command, what was and what is to be; nothing is changed by looking."""
    plan = host.plan()
    assert {c["name"]: c["new"] for c in plan["changes"]} == expected(host)
    assert all(c["why"] and c["command"] and c["file"].startswith(str(host.postfix.config)) for c in plan["changes"])
    assert not plan["applied"] and not any(left["missing"] for left in plan["left"])
    assert not host.journal.exists()


def test_the_commands_of_the_plan(host, tmp_path):
    """Run in their order on a copy, they do what --apply does, octet for octet."""
    plan, copy = host.plan(), host.copy(tmp_path / "copy")
    for change in plan["changes"]:
        words = shlex.split(change["command"])
        assert words[:3] == ["postconf", "-c", str(host.postfix.config)]
        run("postconf", "-c", copy, *words[3:])
    host.apply()
    for name in ("main.cf", "master.cf"):
        assert (copy / name).read_bytes() == (host.postfix.config / name).read_bytes()


def test_applied_and_taken_back(host):
    """Postfix finds no more to complain about than before; just those parameters changed, none of TLS; a second time
    there is nothing to do; and all is taken back, octet for octet."""
    files, (before, complaints) = host.files(), host.parameters()
    text = host.apply()
    assert "policyctl setup --undo takes them back" in text and "does not run" in text
    after, complaints_after = host.parameters()
    assert difference(before, after) == expected(host)
    assert complaints_after == complaints
    assert [name for name in difference(before, after) if "tls" in name or "sasl" in name] == []
    applied = host.files()
    assert "There is nothing to change" in host.apply() and host.files() == applied
    assert host.plan()["changes"] == []
    host.undo()
    assert host.files() == files
    assert "nothing to take back" in host.undo()


def doctor(host):
    """What policyctl doctor finds wrong with Postfix."""
    host.age()
    done = host.policyd.ctl("doctor", "--json", "--postfix-config", host.postfix.config, check=False)
    return [f["rule"] for f in json.loads(done.stdout)["findings"]
            if f["area"] == "Postfix" and f["level"] in ("warning", "problem") and f["rule"] != "mynetworks"]


def test_doctor_finds_the_hooks(host):
    """Both mean the same by a host that is in order."""
    assert "hook_missing" in doctor(host)
    host.apply()
    assert doctor(host) == []


def refused_helo(port):
    """What a stranger with a made-up name is told."""
    with Smtp(port) as smtp:
        smtp.command("EHLO exchange.local")
        return smtp.envelope("anna@sender.example", "someone@elsewhere.example")


def test_a_real_postfix_asks(host):
    """On port 25 and where mail programs send; after --undo no more, and it was reloaded both times."""
    if host.kind == "debian":  # as it is installed, nobody can log in
        host.postfix.postconf("-e", "smtpd_sasl_type=dovecot", "smtpd_sasl_path=private/auth")
    host.postfix.start()
    port, submission = host.postfix.ports["smtp"], host.postfix.ports["submission"]
    assert "bad guy" not in refused_helo(port)
    with host.postfix.reloaded():
        assert f"Postfix {host.postfix.config} was reloaded." in host.apply()
    assert refused_helo(port) == ("554 5.7.1 <exchange.local>: Helo command rejected: Go away, bad guy (.local).")
    host.dovecot.start()
    with login(submission, "user@example.com", "secret") as smtp:
        smtp.envelope("user@example.com", "someone@elsewhere.example")
    # there the sender's list ends in a look-up that needs a database server
    for context in ("sender",) if host.kind == "iredmail" else ("sender", "recipient"):
        host.policyd.wait_log(f"context={context} client=127.0.0.2 helo=[127.0.0.2] sender=user@example.com "
                              "recipient=someone@elsewhere.example login=user@example.com")
    with host.postfix.reloaded():
        assert "was reloaded" in host.undo()
    assert "bad guy" not in refused_helo(port)


def test_ready_files_need_nothing(debian):
    """A host that contrib/postfix was applied to is as setup would have it."""
    run(APPLY, "-c", debian.postfix.config)
    plan = debian.plan()
    assert (plan["changes"], plan["left"]) == ([], [])


# -- what is said

def test_on_a_terminal(debian):
    """Numbered, each with a reason and a command to copy, within 80 columns."""
    text = debian.setup().stdout
    assert text.startswith("Postfix  ") and "smtp, submission, submissions" in text
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert re.findall(r"^(\d+)\.", text, re.M) == [str(n) for n in range(1, 13)]
    assert "policyctl setup --apply makes these changes" in text and "policyctl setup --undo" in text
    assert "these checks refuse from the first message on" in text and "helo_local" in text
    folded = text.replace("'\\\n'", "").replace(" \\\n     ", " ")
    for change in debian.plan()["changes"]:
        assert change["command"] in folded


def test_other_policy_services_are_named(tmp_path):
    host = make_host(tmp_path, "postfixadmin")
    try:
        notes = " ".join(host.plan()["notes"])
        assert "inet:127.0.0.1:10023 (postgrey)" in notes and "unix:private/policyd-spf (an SPF check)" in notes
        assert [left["file"] for left in host.plan()["left"] if "postscreen hands" in left["what"]]
    finally:
        host.stop()


def test_no_mode_is_changed(debian):
    before = debian.policyd.ctl("policy", "show").stdout
    debian.apply()
    assert debian.policyd.ctl("policy", "show").stdout == before


def test_policyd_is_away(debian):
    """Hooks that nobody answers would have all mail wait."""
    files = debian.files()
    debian.policyd.stop()
    done = debian.setup("--apply")
    assert done.returncode == 3 and "start it first" in done.stderr and debian.files() == files
    assert "Where smtpd finds policyd" in debian.setup().stdout


def test_not_as_root(debian):
    debian.prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    for option in ("--apply", "--undo"):
        done = debian.setup(option)
        assert (done.returncode, done.stdout) == (1, "") and done.stderr.endswith("be root\n")


@pytest.mark.parametrize("options", [["--apply", "--undo"], ["--postfix-only", "--dovecot-only"]])
def test_options_that_exclude_each_other(debian, options):
    debian.options = []
    done = debian.setup(*options)
    assert done.returncode == 2 and done.stderr == f"policyctl: {options[0]} and {options[1]} exclude each other\n"


# -- what it does not understand

# A change by hand in main.cf or master.cf; the words that are said, and the line that is shown.
ODD = {
    "a wrapper": ("master.cf", "\nsubmission inet n       -       y       -       -       smtpd\n",
                  "\nsubmission inet n       -       y       -       -       spawn user=nobody argv=/opt/wrap smtpd\n",
                  "submission: no smtpd of Postfix", "argv=/opt/wrap smtpd"),
    "another configuration": ("master.cf", "\nsubmission inet n       -       y       -       -       smtpd\n",
                              "\nsubmission inet n       -       y       -       -       smtpd -c /etc/other\n",
                              "submission: its smtpd has options", "smtpd -c /etc/other"),
    "set twice": ("main.cf", "\nrecipient_delimiter = +\n",
                  "\nrecipient_delimiter = +\nsmtpd_helo_restrictions = permit_mynetworks\nsmtpd_helo_restrictions =\n",
                  "smtp: smtpd_helo_restrictions: smtpd_helo_restrictions is set 2 times", "smtpd_helo_restrictions ="),
    "set twice in a service": (
        "master.cf", "  -o smtpd_sender_restrictions=\n",
        "  -o smtpd_sender_restrictions=\n  -o smtpd_sender_restrictions=reject\n",
        "submission: smtpd_sender_restrictions: it is set several times", "-o smtpd_sender_restrictions=reject"),
    "a macro of several lists": (
        "main.cf", "\nrecipient_delimiter = +\n",
        "\nrecipient_delimiter = +\nours = permit_mynetworks\nsmtpd_client_restrictions = $ours\n"
        "smtpd_sender_restrictions = $ours\n",
        "the list is $ours, which counts for smtpd_client_restrictions too", "ours = permit_mynetworks"),
    "a hook behind a permit": (
        "main.cf", "\nrecipient_delimiter = +\n",
        "\nrecipient_delimiter = +\nsmtpd_sender_restrictions = permit_mynetworks,\n"
        "  check_policy_service { unix:postern/policy, policy_context=sender }\n",
        "smtpd_sender_restrictions: policyd is asked there, but not as it should be", "permit_mynetworks,"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_not_understood(debian, odd):
    """It is shown with its lines, and left; the rest is done, and that it is not all is the exit status."""
    name, old, new, what, shown = ODD[odd]
    debian.edit(name, old, new)
    [left] = [entry for entry in debian.plan()["left"] if entry["missing"]]
    assert what in left["what"] and shown in left["text"] and left["file"] == str(debian.postfix.config / name)
    lines = (debian.postfix.config / name).read_text().splitlines()
    assert lines[left["line"] - 1] == left["text"].splitlines()[0]
    files, before = debian.files(), debian.parameters()[0]
    text = re.sub(r"\s+", " ", debian.apply(status=1))
    assert what in text and re.sub(r"\s+", " ", shown) in text
    touched = difference(before, debian.parameters()[0])
    assert "smtpd_recipient_restrictions" in touched
    assert not [key for key in touched if "wrap" in odd and key.startswith("submission/")]
    debian.undo()
    assert debian.files() == files


def test_restriction_classes(debian):
    """A class that permits stands behind the hook, and stays."""
    debian.edit("main.cf", "\nrecipient_delimiter = +\n",
                "\nrecipient_delimiter = +\nsmtpd_restriction_classes = ours\nours = permit_mynetworks\n"
                "smtpd_recipient_restrictions = ours, reject_unauth_destination\n")
    debian.apply()
    assert debian.parameters()[0]["smtpd_recipient_restrictions"] == (
        f"{hook('recipient')}, ours, reject_unauth_destination")
    assert doctor(debian) == []


def test_services_that_are_switched_off(debian):
    debian.edit("main.cf", "\nrecipient_delimiter = +\n",
                "\nrecipient_delimiter = +\nmaster_service_disable = submission.inet\n")
    plan = debian.plan()
    assert [e["what"] for e in plan["left"]] == ["submission: switched off (master_service_disable)"]
    assert not [c for c in plan["changes"] if c["name"].startswith("submission/")]


# -- edited in between

def test_an_edit_beside(debian):
    """What somebody else wrote since stays; every value is as it was."""
    before = debian.parameters()[0]
    debian.apply()
    debian.edit("main.cf", "\nrecipient_delimiter = +\n", "\nrecipient_delimiter = -\n")
    debian.edit("master.cf", "\npickup ", "\n# a remark\npickup ")
    debian.undo()
    assert difference(before, debian.parameters()[0]) == {"recipient_delimiter": "-"}
    assert "# a remark" in (debian.postfix.config / "master.cf").read_text()
    assert "postern_policy" not in (debian.postfix.config / "main.cf").read_text()
    assert not debian.journal.joinpath("1").exists()


def test_an_edit_of_a_value(debian):
    """Then nothing is taken back, and a line says of which; given back its value, all is."""
    debian.apply()
    ours, theirs = (f"smtpd_sender_restrictions = {word}" for word in ("check", "reject_non_fqdn_sender, check"))
    debian.edit("main.cf", ours, theirs)
    files = debian.files()
    done = debian.setup("--undo")
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and "smtpd_sender_restrictions is no longer what setup set" in lines[0]
    assert lines[1] == "policyctl: nothing was taken back"
    assert debian.files() == files
    debian.edit("main.cf", theirs, ours)
    debian.undo()
    assert "postern_policy" not in (debian.postfix.config / "main.cf").read_text()


def test_a_value_with_spaces_in_an_edited_file(tmp_path):
    """postconf can put none into master.cf: a line says what to do by hand; unedited, the file comes back whole."""
    host = make_host(tmp_path, "postfixadmin")
    try:
        host.apply()
        service = f"{host.postfix.ports['smtps']}/inet"
        host.edit("master.cf", "\npickup ", "\n# a remark\npickup ")
        done = host.setup("--undo")
        assert done.returncode == 1 and f"give {service}/smtpd_recipient_restrictions its old one" in done.stderr
        host.edit("master.cf", f"-o smtpd_recipient_restrictions=$port_{service[:-5]}_recipient_restrictions",
                  "-o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }")
        host.undo()
        assert "postern_policy" not in (host.postfix.config / "main.cf").read_text()
        assert host.plan()["changes"]
    finally:
        host.stop()


def test_a_value_that_was_taken_back_by_hand(debian):
    before = debian.parameters()[0]
    debian.apply()
    debian.postfix.postconf("-X", "smtpd_helo_restrictions")
    debian.undo()
    assert difference(before, debian.parameters()[0]) == {}


def test_two_times(debian):
    """A service that came later; both are taken back at once."""
    files = debian.files()
    debian.apply()
    first = debian.files()
    debian.postfix.postconf("-M", "2525/inet=2525 inet n - y - - smtpd")
    debian.postfix.postconf("-P", "2525/inet/smtpd_sender_restrictions=reject_unknown_sender_domain")
    with_service = debian.files()
    debian.apply()
    assert sorted(p.name for p in debian.journal.iterdir() if p.name != "lock") == ["1", "2"]
    debian.undo()
    assert debian.parameters()[0]["2525/inet/smtpd_sender_restrictions"] == "reject_unknown_sender_domain"
    assert "postern_policy" not in (debian.postfix.config / "main.cf").read_text()
    assert first != with_service and files[list(files)[0]] == debian.files()[list(files)[0]]


# -- the journal

def test_the_journal(debian):
    """Root's alone, beside the databases' folder; every value with what it was; whole copies of the files."""
    files = debian.files()
    debian.apply()
    assert debian.journal.stat().st_mode & 0o7777 == 0o700 and debian.journal.stat().st_uid == 0
    record = debian.journal / "1"
    assert {p.stat().st_mode & 0o7777 for p in record.iterdir()} == {0o600}
    journal = json.loads((record / "journal").read_text())
    values = {p["name"]: (p["old"], p["new"]) for p in journal["parameters"]}
    assert values["postern_policy"] == (None, POLICY)
    assert values["submission/inet/smtpd_recipient_restrictions"] == (
        "permit_sasl_authenticated,reject", "$mua_recipient_restrictions")
    for number, file in enumerate(journal["files"]):
        name = file["path"].rsplit("/", 1)[1]
        assert [octets for path, (octets, *_) in files.items() if path.name == name] == [
            (record / f"{number}.old").read_bytes()]


def test_a_journal_that_others_can_write_to(debian):
    """Root does not go by it."""
    files = debian.files()
    debian.journal.mkdir(mode=0o777)
    debian.journal.chmod(0o777)
    for option in ("--apply", "--undo"):
        done = debian.setup(option)
        assert done.returncode == 1 and "no folder that only root can write to" in done.stderr
    assert debian.files() == files


# -- several instances

@pytest.fixture
def two(tmp_path):
    """A second instance, started and stopped along with the first; its queue is its own."""
    let_others_enter(tmp_path)
    first, second = SetupHost(tmp_path / "first"), SetupHost(tmp_path / "second")
    for one in (first, second):
        one.directory.mkdir()
        let_others_enter(one.directory)
        one.prepare()
    first.postfix.postconf("-e", "multi_instance_enable=yes", f"multi_instance_directories={second.postfix.config}")
    second.postfix.postconf("-e", "multi_instance_enable=yes", "multi_instance_name=postfix-second")
    yield first, second
    for one in (second, first):
        one.stop()


def test_several_instances(two):
    """Each by its own directory, all at once; a real Postfix of each asks; all is taken back."""
    first, second = two
    (second.postfix.queue / "postern").chmod(0o755)
    first.policyd.configure(listen=[f"unix:{h.postfix.queue}/postern/policy" for h in two])
    first.start()
    files = [h.files() for h in two]
    plan = first.plan()
    assert {c["file"].rsplit("/", 1)[0] for c in plan["changes"]} == {str(h.postfix.config) for h in two}
    assert not any(left["missing"] for left in plan["left"])
    for one in two:
        one.postfix.start()
    with first.postfix.reloaded(), second.postfix.reloaded():
        text = first.apply()
    for one in two:
        assert f"Postfix {one.postfix.config} was reloaded." in text
        assert "bad guy" in refused_helo(one.postfix.ports["smtp"])
    with first.postfix.reloaded(), second.postfix.reloaded():
        first.undo()
    assert [h.files() for h in two] == files
    for one in two:
        assert "bad guy" not in refused_helo(one.postfix.ports["smtp"])


def test_an_instance_without_a_socket(two):
    """A chrooted smtpd reaches none outside its queue: said with the remedy; the first instance is done."""
    first, second = two
    first.start()
    files = second.files()
    done = first.setup("--apply")
    assert done.returncode == 1
    assert f"unix:{second.postfix.queue}/postern/policy" in done.stdout.replace("\n   ", "")
    assert second.files() == files and first.plan()["changes"] == []
