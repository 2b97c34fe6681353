# SPDX-License-Identifier: MIT
"""The manual and the bash completion against the tables in the programs: what is there is told, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from admin import ACCOUNTS, alone  # noqa: F401  (a fixture)
from mailhost.policyd import program
from mailhost.process import run
from test_policyctl_usage import commands
from test_dnsbl import REFUSED as REFUSED_BY_LIST

TOP = Path(__file__).resolve().parents[2]
PAGES = ("policyctl.1", "policyd.8", "postern-act.8", "policyd.conf.5", "postern.7", "dovecot-postern.7")
COMPLETION = TOP / "contrib" / "bash-completion" / "policyctl"


def rendered(page):
    """A page as text, its paragraphs on one line each."""
    text = run("mandoc", "-T", "utf8", "-O", "width=1000", TOP / "doc" / page).stdout
    return re.sub(".\b", "", text)


def section(page, name):
    """The text below a heading."""
    return re.search(rf"^{name}\n(.*?)(?=^\S)", rendered(page), re.S | re.M).group(1)


@pytest.mark.parametrize("page", PAGES)
def test_lint(page):
    done = run("mandoc", "-T", "lint", "-W", "warning", TOP / "doc" / page, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_it_fits_a_terminal(page):
    text = re.sub(".\b", "", run("mandoc", "-T", "utf8", "-O", "width=80", TOP / "doc" / page).stdout)
    assert [line for line in text.splitlines() if len(line) > 80] == []


# -- policyctl(1)

def synopsis(name):
    """The usage of a command on one line."""
    text = run(program("policyctl"), "help", *name.split()).stdout
    return " ".join(re.match(r"usage: policyctl (.*?)\n(?=\S)", text, re.S).group(1).split())


def test_every_command():
    """Heads of the manual's items are the synopses of policyctl help."""
    heads = {line.strip() for line in section("policyctl.1", "COMMANDS").splitlines()
             if re.match(r" {5}[a-z][a-z-]*( |$)", line)}
    heads = {re.sub(r"^(\S+) {2,}.*", r"\1", head) for head in heads}
    assert heads == {synopsis(name) for name in commands()}


def test_exit_statuses():
    assert re.findall(r"^ {5}(\d) ", section("policyctl.1", "EXIT STATUS"), re.M) == ["0", "1", "2", "3"]


def test_examples_of_the_manual(alone, tmp_path):
    """Every command that the pages show is one that policyctl takes."""
    alone.script(ACCOUNTS)
    shown = []
    for page in PAGES:
        text = (TOP / "doc" / page).read_text().replace("\\e\n", " ")
        shown += re.findall(r"^(?:\.Dl )?policyctl (.*)$", text, re.M)
    assert len(shown) >= 9
    for words in shown:
        done = run("sh", "-c", f"{program('policyctl')} -c {alone.policyd.config} {words}", cwd=tmp_path, check=False)
        assert done.returncode != 2 or "no terminal" in done.stderr, (words, done.stderr)


# -- policyd.conf(5)

@pytest.fixture(scope="module")
def effective(tmp_path_factory):
    """The options of policyd -T with an empty file: section, name and default, as written."""
    config = tmp_path_factory.mktemp("conf") / "policyd.conf"
    config.write_text("")
    options, inside = {}, ""
    for line in run(program("policyd"), "-T", "-c", config).stdout.splitlines():
        if line.endswith(" {"):
            inside = line[:-2]
        elif line == "}":
            inside = ""
        else:
            name, _, value = line.strip().partition(" = ")
            options[inside, name] = value
    options["", "hostname"] = '""'  # -T prints the name that was found
    return options


def documented():
    """The same, of the manual."""
    options, inside = {}, ""
    text = (TOP / "doc" / "policyd.conf.5").read_text()
    for line in text[text.index(".Sh OPTIONS"):].splitlines():
        if line.startswith(".Ss "):
            inside = line[4:]
        elif match := re.match(r"\.It Cm (\w+) No = Ar ", line):
            name = match.group(1)
        elif match := re.match(r"\.Ql ([^ .].*)$", line):
            options[inside, name] = match.group(1).replace("\\(dq", '"')
    return options


def test_every_option_and_its_default(effective):
    assert documented() == effective


def test_bounds(effective, tmp_path):
    """Numbers stand with the bounds that policyd names when they are passed."""
    page, checked = rendered("policyd.conf.5"), 0
    for (inside, name), value in effective.items():
        if not value.isdigit():
            continue
        config = tmp_path / "policyd.conf"
        config.write_text(f"{inside} {{\n{name} = 4000000000\n}}\n")
        low, high = re.search(r"from (\d+) to (\d+)", run(program("policyd"), "-t", "-c", config, check=False).stderr
                              ).groups()
        assert re.search(rf"^ {{5}}{name} = number\n +.*From {low} to {high}\.", page, re.M), name
        checked += 1
    assert checked >= 9


# -- policyd(8)

def test_every_check(alone):
    """Names in the order in which they run, each with its default."""
    rows = [row for row in alone.json("policy", "show") if row["scope"] == "default"]
    told = re.findall(r"^ {5}(\w+) +Refuses.*?Default (\w+), by the ", section("policyd.8", "CHECKS"), re.M | re.S)
    assert told == [(row["check"], row["mode"]) for row in rows]


def test_every_reply_code(alone):
    """The codes of the manual are those of replies."""
    alone.script(ACCOUNTS + "policy set all enforce --yes\nlist deny --client 192.0.2.9")
    alone.ok("account", "suspend", "other@example.com", "--reason", "x")
    alone.ok("limit", "set", "messages=0/1h", "--account", "user@example.com")
    requests = {
        "access": ("--client", "192.0.2.9"), "account_status": ("--login", "other@example.com"),
        "sender_login": ("--login", "user@example.com", "--sender", "other@example.com"),
        "sender_auth": ("--sender", "user@example.com"), "helo_local": ("--helo", "x.local"),
        "helo_fqdn": ("--helo", "x"), "helo_self": ("--helo", "mx.postern.example"), "helo_resolve": ("--helo", "no!host"),
        "greylist": ("--client", "192.0.2.8", "--sender", "x@elsewhere.net", "--recipient", "user@example.com"),
        "send_limit": ("--login", "user@example.com", "--state", "END-OF-MESSAGE")}
    # compromise cannot be provoked by one request: see test_compromise.py
    page = "\n".join(line for line in section("policyd.8", "CHECKS").splitlines() if "Dovecot plugin" not in line)
    told = re.findall(r"^ {5}(\w+) +Refuses.*?‘([^’]+)’", page, re.M | re.S)
    assert {name for name, _ in told} == {*requests, "dnsbl", "compromise"}
    for name, code in told:
        if name == "dnsbl":  # needs a list: test_dnsbl.py
            assert REFUSED_BY_LIST.startswith(code)
        if name in ("dnsbl", "compromise"):
            continue
        checks = json.loads(alone.ok("explain", "--json", *requests[name]))["checks"]
        reply = next(check["reply"] for check in checks if check["check"] == name)
        assert reply and reply.startswith(code + " "), (name, code, reply)


@pytest.mark.parametrize("name", ["policyd", "postern-act"])
def test_options_of_a_daemon(name):
    """The usage and the page name the same options."""
    usage = set(re.findall(r"^  -(\w)", run(program(name), "-h").stdout, re.M))
    told = set(re.findall(r"^ {5}-(\w)", section(f"{name}.8", "DESCRIPTION"), re.M))
    assert usage | {"h"} == told


# -- completion

def complete(line, config):
    """What bash offers behind a line."""
    script = ('. "$1"; COMP_LINE=$2; COMP_POINT=${#2}; COMP_WORDBREAKS=" @"; _policyctl; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    line = line.replace("policyctl", f"{program('policyctl')} -c {config}", 1)
    return set(run("bash", "-c", script, "bash", COMPLETION, line).stdout.split())


def test_completion_of_every_command(alone):
    config = alone.policyd.config
    names = {name.split()[0] for name in commands()}
    assert names <= complete("policyctl ", config)
    for name in commands():
        words = name.split()
        if len(words) == 2:
            assert words[1] in complete(f"policyctl {words[0]} ", config)
        options = set(re.findall(r"--[a-z-]+", synopsis(name)))
        assert complete(f"policyctl {name} --", config) == options | {"--help"}, name


@pytest.mark.parametrize("line, words", [
    ("policyctl account show us", {"user@example.com"}),
    ("policyctl account show user@ex", {"@example.com"}),
    ("policyctl account list --domain example.o", {"example.org"}),
    ("policyctl policy set helo_l", {"helo_local"}),
    ("policyctl policy set helo_local en", {"enforce"}),
    ("policyctl explain --state H", {"HELO"}),
    ("policyctl setup --postfix-config /usr/share/postf", {"/usr/share/postfix"}),
    ("policyctl setup --dovecot-config /nonexistent", set()),
    ("policyctl account list --domain example.org --js", {"--json"}),
    ("policyctl help po", {"policy"}),
    ("policyctl list import --action d", {"deny"}),
    ("policyctl list import --format postg", {"postgrey-clients", "postgrey-recipients"}),
    ("policyctl import --format v", {"virtual"}),
])
def test_completion_from_the_table(alone, line, words):
    alone.script(ACCOUNTS)
    assert complete(line, alone.policyd.config) == words


# -- policyctl doctor

def test_every_rule_of_doctor():
    """What a finding can be is told by area; nothing is told that is none."""
    sources = sorted((TOP / "policyctl" / "doctor").glob("*.c"))
    rules = set(re.findall(r'struct rule \w+ = \{\s*"(\w+)"', "".join(path.read_text() for path in sources)))
    told = set(re.findall(r"\b[a-z]+_[a-z_]+\b|\bmynetworks\b", " ".join(
        re.findall(r"\(([^()]*)\)", section("policyctl.1", "DOCTOR")))))
    assert len(rules) > 30 and told == rules - {"not_examined"}
