# SPDX-License-Identifier: MIT
"""Wrong input to policyctl: one clear line, exit status 2, nothing changed; and its help."""

import re

import pytest

from admin import ACCOUNTS, admin, alone  # noqa: F401  (fixtures)
from mailhost.policyd import program
from mailhost.process import run
from test_policyctl import today

CHECKS = ("access, account_status, starttls, implicit_tls, sender_login, sender_auth, helo_local, helo_fqdn, helo_self, "
          "helo_resolve, dnsbl, greylist, send_limit, compromise")

WRONG = [
    # commands and options
    ("acount list", "no command 'acount': did you mean 'account'?"),
    ("account lsit", "no command 'account lsit': did you mean 'account list'?"),
    ("account xyzzy", "no command 'account xyzzy': there are add, list, passwd, release, remove, set, show, suspend"),
    ("xyzzy", "no command 'xyzzy': see policyctl help"),
    ("grant", "grant: what? one of add, list, remove"),
    ("shed", "shed: what? one of auto, off, on"),
    ("shed of", "no command 'shed of': did you mean 'shed off'?"),
    ("shedd on", "no command 'shedd': did you mean 'shed'?"),
    ("shed on now", "unexpected: now: usage: policyctl shed on"),
    ("domain add", "something is missing: usage: policyctl domain add DOMAIN [--alias-of DOMAIN] [--relay]"),
    ("domain remove a.example b.example", "unexpected: b.example: usage: policyctl domain remove DOMAIN"),
    ("domain list --jsn", "wrong option --jsn: usage: policyctl domain list [--json]"),
    ("domain list --json=x", "wrong option --json=x: usage: policyctl domain list [--json]"),
    ("list allow --client 192.0.2.1 --client 192.0.2.2",
     "given twice: --client: usage: policyctl list allow [--client ADDRESS] [--client-name NAME] [--domain DOMAIN] "
     "[--helo NAME] [--note TEXT] [--recipient ADDRESS] [--sender ADDRESS] [--until DATE]"),
    ("account set user@example.com --status",
     "a value is missing behind --status: usage: policyctl account set ADDRESS [--field NAME=VALUE]... [--gid GROUP] "
     "[--home PATH] [--mail LOCATION] [--no-field NAME]... [--quota SIZE] [--status active|disabled] [--uid USER]"),
    ("account set user@example.com", "account set: what? see policyctl help account set"),
    ("domain set example.com", "domain set: what? see policyctl help domain set"),
    ("account suspend user@example.com",
     "missing --reason: usage: policyctl account suspend ADDRESS --reason TEXT [--evidence TEXT] [--services LIST] [--until DATE]"),
    ("alias add team@example.com user@example.com --members-send --no-members-send",
     "--members-send and --no-members-send exclude each other"),
    ("alias set team@example.com", "alias set: name --members-send or --no-members-send"),
    ("policy set helo_fqdn off --domain example.com --account user@example.com",
     "--domain and --account exclude each other"),
    ("list remove 1 --client 192.0.2.1", "an entry's ID goes without options"),
    ("list remove first",
     "no entry 'first': name its ID (policyctl list show), or allow or deny and its options"),
    # values
    ("domain add nodot..example", "the domain has an empty label: nodot..example"),
    ("domain add user@example.com", None),
    ("account show user", "the address has no domain: user"),
    ("account remove user@", None),
    ("account list --domain ..", None),
    ("alias add @ user@example.com", None),
    ("alias add info@example.com nowhere", "the address has no domain: nowhere"),
    ("alias add info@example.com user@example.com @example.com", None),
    ("grant add * user@example.com", None),
    ("grant list user", "the address has no domain: user"),
    ("account set user@example.com --status asleep", "'asleep' is none of active|disabled"),
    ("account set example.com --quota 2G", "the address has no domain: example.com"),
    ("domain set user@example.com --quota 2G", None),
    ("account set user@example.com --quota 2", "quota: '2' is no size; write 500M or 2G (K, M, G, T), or 0 for unlimited"),
    ("account set user@example.com --home mail", "home: 'mail' is no absolute path"),
    ("account set user@example.com --mail maildir:%h",
     "mail: '%h' is no placeholder; there are {user}, {local} and {domain}"),
    ("domain set example.com --uid a/b", "uid: 'a/b' is no name of a user or group"),
    ("account set user@example.com --field nodelay",
     "--field nodelay: write NAME=VALUE, or --no-field NAME to take it away"),
    ("account set user@example.com --field nopassword=y",
     "field nopassword: who a login is, and whether it passes, is no extra field"),
    ("account set user@example.com --field quota=2G", "quota is no extra field: it has an option, --quota"),
    ("account set user@example.com --field userdb_home=/x", "field userdb_home: it is called home here"),
    ("account set user@example.com --status disabled --field " + "x" * 65 + "=1", None),
    ("account set user@example.com" + " --field a=b" * 33, None),
    ("account suspend user@example.com --reason x --services smtp,ftp",
     "services 'smtp,ftp': all, or a list of smtp,imap,pop3,sieve"),
    ("account suspend user@example.com --reason x --until 2020-01-01", "2020-01-01 is past: name a later date"),
    ("account suspend user@example.com --reason x --until 2099-02-29",
     "no date '2099-02-29': write YYYY-MM-DD or YYYY-MM-DDTHH:MM"),
    ("policy set helo_fqdn sometimes", "'sometimes' is none of off|observe|hold|enforce"),
    ("policy set helo_fqd enforce", f"no check 'helo_fqd': there are {CHECKS}"),
    ("policy unset helo_fqd", f"no check 'helo_fqd': there are {CHECKS}"),
    ("policy set all enforce --domain user@example.com", None),
    ("policy set all enforce --account example.com", "the address has no domain: example.com"),
    ("list allow", "a list entry needs a client, a client name, a HELO name, a sender or a recipient"),
    ("list allow --domain example.com", "a list entry needs a client, a client name, a HELO name, a sender or a recipient"),
    ("list deny --recipient example.com", "the address has no domain: example.com"),
    ("list remove 1 --recipient abuse@", "an entry's ID goes without options"),
    ("list import", "something is missing: usage: policyctl list import FILE [--action ACTION] [--domain DOMAIN] "
                    "[--dry-run] [--format FORMAT] [--note TEXT] [--until DATE] [--update]"),
    ("list import /dev/null --format virtual",
     "no format 'virtual': there are entries, networks, postfix-client, postfix-helo, postfix-sender, "
     "postfix-recipient, postfix-cidr, postgrey-clients, postgrey-recipients"),
    ("list import /dev/null --format networks",
     "a list of networks does not say what becomes of them: add --action allow or --action deny"),
    ("list import /dev/null --format networks --action refuse", "'refuse' is none of allow|deny"),
    ("list import /dev/null --action deny", "--action: in this format the file itself allows and denies"),
    ("list import /dev/null --domain ..", None),
    ("list import /dev/null --until 2020-01-01", "2020-01-01 is past: name a later date"),
    ("grant add user@example.com user@", "a grant is for an address, @domain or *: user@"),
    ("list allow --sender *", "sender '*' matches everything: leave the sender out"),
    ("list deny --client 192.0.2.1/24", None),
    ("list deny --client 192.0.2.256", None),
    ("list deny --client 192.0.2.1 --domain user@example.com", None),
    ("list deny --helo", None),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Databases that no wrong command may change."""
    from admin import make_admin
    for one in make_admin(tmp_path_factory, False):
        one.script(ACCOUNTS)
        yield one


@pytest.mark.parametrize("words, line", WRONG, ids=[words for words, _ in WRONG])
def test_wrong_input(filled, words, line):
    before = filled.databases()
    done = filled.run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"policyctl: [^\n]{5,}[^\n ]\n", done.stderr), done.stderr
    if line is not None:
        assert done.stderr == f"policyctl: {line}\n"
    assert filled.databases() == before


@pytest.mark.parametrize("reason", ["two\nlines", "bell\a", "x" * 401, "\udcff"])
def test_reason_is_one_line_of_text(admin, reason):
    admin.script(ACCOUNTS)
    done = admin.run("account", "suspend", "user@example.com", "--reason", reason)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"policyctl: [ -~]+\n", done.stderr), done.stderr
    assert admin.json("account", "show", "user@example.com")["suspended"] is None


def test_longest_reason(admin):
    admin.script(ACCOUNTS)
    admin.ok("account", "suspend", "user@example.com", "--reason", "x" * 400)


def test_today_is_past(filled):
    day = today()  # at midnight it would be another the second time
    filled.fails(2, f"{day} is past: name a later date", "policy", "set", "all", "off", "--until", day)


def test_more_than_a_request_holds(admin):
    """The only limit is the number of operands, whether policyd runs or not."""
    admin.script(ACCOUNTS)
    many = [f"{n:0200}@elsewhere.example" for n in range(400)]
    admin.ok("alias", "add", "all@example.com", *many)
    [alias] = admin.json("alias", "list")
    assert sorted(alias["destinations"]) == many
    admin.fails(1, f"alias all@example.com goes to {many[0]} already", "alias", "add", "all@example.com", *many)


def test_hostile_operand_is_shown_harmless(alone):
    done = alone.run("domain", "add", "a\x1b[2Jb\u009b.example")
    assert done.returncode == 2 and "\x1b" not in done.stderr and "\u009b" not in done.stderr


def test_configuration_errors(tmp_path):
    policyctl = program("policyctl")
    config = tmp_path / "policyd.conf"
    done = run(policyctl, "-c", config, "domain", "list", check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(f"policyctl: {config}: ")
    config.write_text('user = "nobody"\nlissten = {}\n')
    done = run(policyctl, "-c", config, "domain", "list", check=False)
    assert done.returncode == 2 and done.stderr.startswith(f"policyctl: {config}:2: ")
    assert done.stderr.count("\n") == 1


def test_no_command():
    done = run(program("policyctl"), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        2, "", "policyctl: what? usage: policyctl [-c FILE] COMMAND ...; see policyctl help\n")


def test_full_disk_is_no_success(filled):
    done = run("sh", "-c", f"{program('policyctl')} -c {filled.policyd.config} policy show > /dev/full", check=False)
    assert (done.returncode, done.stderr) == (1, "policyctl: standard output: No space left on device\n")


# -- help

def commands():
    """The commands that policyctl help lists."""
    listing = run(program("policyctl"), "help").stdout
    return [re.split(r"  +", line.strip())[0] for line in listing.splitlines() if line.startswith("  ")]


def test_help_lists_every_command():
    assert len(commands()) >= 30
    assert {"init", "account add", "list allow", "policy set", "explain", "export-maps"} <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_help(name):
    """The same three ways; it fits a terminal, and its example is one of its own command."""
    policyctl, words = program("policyctl"), name.split()
    text = run(policyctl, "help", *words).stdout
    assert text == run(policyctl, *words, "--help").stdout == run(policyctl, *words, "-h").stdout
    lines = text.splitlines()
    assert lines[0].startswith(f"usage: policyctl {name}") and lines[-2] == "example:"
    assert lines[-1].startswith(f"  policyctl {name}")
    assert all(len(line) < 80 for line in lines)


def test_help_of_a_group():
    policyctl = program("policyctl")
    assert run(policyctl, "grant", "--help").stdout == run(policyctl, "help", "grant").stdout
    assert [line.split()[:2] for line in run(policyctl, "help", "grant").stdout.splitlines()] == [
        ["grant", "add"], ["grant", "list"], ["grant", "remove"]]


def test_listing_fits_a_terminal():
    for words in (["--help"], ["help"]):
        assert all(len(line) < 80 for line in run(program("policyctl"), *words).stdout.splitlines())


def test_examples_parse(filled):
    """Each example is a command line that its own command takes: it fails, if at all, for want of rows."""
    for name in commands():
        example = run(program("policyctl"), "help", *name.split()).stdout.splitlines()[-1].strip()
        if name in ("export-maps", "account add", "account passwd", "help", "policy plan"):
            continue
        done = run("sh", "-c", example.replace("policyctl", f"{program('policyctl')} -c {filled.policyd.config}", 1),
                   check=False)
        assert done.returncode != 2 or "no terminal" in done.stderr, (example, done.stderr)
