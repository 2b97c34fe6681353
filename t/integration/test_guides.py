# SPDX-License-Identifier: MIT
"""The guides of doc/: what they tell to type is run, in its order; options, replies and files that they name exist."""

import re

import pytest

from admin import alone, make_admin  # noqa: F401  (a fixture)
from mailhost.policyd import program
from mailhost.process import run
from test_manual import TOP, synopsis
from test_manual_tables import check_infos, source
from test_policyctl_usage import commands as policyctl_commands

GUIDES = sorted(path.name for path in (TOP / "doc").glob("*.md"))
ACCOUNTS = """
domain add example.com
domain add customer.example --relay
account add user@example.com
account add other@example.com
account add shop@example.com
account add scanner@example.com
account add smarthost@example.com --relay
alias add team@example.com user@example.com other@example.com
"""
FILES = {  # what the guides take over
    "users": "imported@example.com:{PLAIN}secret::::::\n",
    "virtual": "list@example.com user@example.com\n",
    "sender_login_maps": "info@example.com user@example.com\n",
    "vmail.sql": "CREATE TABLE `mailbox` (\n  `username` varchar(255)\n);\n",
    "postfix.sql": "CREATE TABLE `mailbox` (\n  `username` varchar(255)\n);\n",
    "mail.log": "Nov 26 10:00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 554 5.7.1 <x.local>: Helo "
                "command rejected: Go away, bad guy (.local).; from=<a@example.net> to=<user@example.com> proto=ESMTP "
                "helo=<x.local>\n",
}
ASKS = ("no terminal", "is no terminal")  # before it enforces, and for passwords


def text_of(name):
    return (TOP / "doc" / name).read_text()


def commands(name):
    """Lines of its blocks, continued ones joined, and what stands between backquotes."""
    text = text_of(name)
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.S | re.M)).replace("\\\n", " ")
    lines = [line for line in blocks.splitlines() if line.strip()]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    return lines, [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]


def test_there_are_seven():
    assert GUIDES == ["architecture.md", "first-ten-minutes.md", "help-desk.md", "limits.md", "moving.md",
                      "observe-to-enforce.md", "reliability.md"]


@pytest.mark.parametrize("name", GUIDES)
def test_it_fits_a_terminal(name):
    assert [line for line in text_of(name).splitlines() if len(line) > 80] == []


def test_they_are_installed_and_linked():
    installed = re.search(r"^dist_doc_DATA = ((?:.*\\\n)*.*)$", (TOP / "Makefile.am").read_text(), re.M).group(1)
    assert set(GUIDES) == {path.removeprefix("doc/") for path in installed.split() if path.startswith("doc/")}
    readme = (TOP / "README.md").read_text()
    assert [name for name in GUIDES if f"(doc/{name})" not in readme] == []
    for name in GUIDES:  # what one guide says of another
        assert set(re.findall(r"`([a-z-]+\.md)`", text_of(name))) <= {*GUIDES, "README.md"}


@pytest.fixture
def desk(tmp_path_factory):
    """policyd with some accounts, and the files that the guides name in the current directory."""
    for one in make_admin(tmp_path_factory, True):
        one.policyd.configure(dnsbl={"zones": ["list.example"]})
        yield one


def type_in(admin, line, directory):
    """One line, as the shell takes it."""
    line = line.replace("/var/log/mail.log", str(directory / "mail.log"))
    line = re.sub(r"(?<![\w/.-])policyctl ", f"{program('policyctl')} -c {admin.policyd.config} ", line)
    return run("sh", "-c", line, cwd=directory, check=False)


@pytest.mark.parametrize("name", GUIDES)
def test_every_command(desk, tmp_path, name):
    """In the order of the guide; nothing in it is wrong usage, and what a block tells to do succeeds."""
    for file, content in FILES.items():
        (tmp_path / file).write_text(content)
    lines, prose = commands(name)
    known = policyctl_commands()
    if name != "first-ten-minutes.md":
        desk.script(ACCOUNTS)
    for line in lines:
        if "policyctl" not in line and not line.startswith("printf"):
            continue
        if line.startswith("policyctl setup"):  # of this host: t/packages/lifecycle does it on one of its own
            assert set(re.findall(r"--[a-z-]+", line)) <= set(re.findall(r"--[a-z-]+", synopsis("setup")))
            continue
        if "account add" in line:  # asks for a password
            line = f"echo secret | {line} --password-stdin"
        if re.search(r"policy set \S+ enforce", line) and "--yes" not in line:  # asks whether
            line += " --yes"
        done = type_in(desk, line, tmp_path)
        may_fail = line.startswith(("policyctl doctor", "policyctl letter")) or ".sql" in line
        assert done.returncode == 0 or (may_fail and done.returncode == 1), (line, done.stdout, done.stderr)
    if name == "first-ten-minutes.md":
        desk.script("\n".join(line for line in ACCOUNTS.splitlines() if "domain add example.com" not in line
                              and "add user@" not in line))
    for code in prose:
        assert not code.startswith("policyctl setup ")
        if code.startswith("policyctl ") and code.removeprefix("policyctl ") not in known:
            done = type_in(desk, code, tmp_path)
            assert done.returncode != 2 or any(text in done.stderr for text in ASKS), (code, done.stderr)


@pytest.mark.parametrize("name", GUIDES)
def test_every_setting(alone, name):  # noqa: F811
    """What is written as section.name = value, or name = value, is one that policyd takes."""
    _, prose = commands(name)
    settings = [re.fullmatch(r"(?:([a-z_]+)\.)?([a-z_0-9]+) = (.+)", code) for code in prose]
    for section, option, value in [match.groups() for match in settings if match]:
        if option.startswith(("smtpd_", "auth_")):  # Postfix's
            continue
        line = f"{option} = {value}\n"
        alone.policyd.config.write_text(f"{section} {{\n{line}}}\n" if section else line)
        done = run(program("policyd"), "-t", "-c", alone.policyd.config, check=False)
        assert done.returncode == 0, (name, line, done.stderr)


def test_every_reply_at_the_help_desk():
    """Each text that a user or a stranger may read has its words, and there are no others."""
    heads = re.findall(r"^### (.*)$", text_of("help-desk.md"), re.M)
    texts = [text for *_, text, _ in check_infos()]
    unreadable = re.search(r'unreadable\[\] = "451 4\.3\.0 ([^"]*)"', source("policyd", "policy.c")).group(1)
    assert len(heads) == len(set(heads)) and set(heads) == {*texts, unreadable}


def test_every_reason_at_the_help_desk():
    """Why an account is refused."""
    text = " ".join(text_of("help-desk.md").split())
    reasons = re.findall(r'check_refuse\(c, f, "\w+", \S+, "([^"]+)"\)', source("policyd", "checks", "account_status.c"))
    reasons += re.findall(r'const char setting_\w+\[\] = "([^"]+)"', source("lib", "setting.c"))
    assert len(reasons) >= 4 and [reason for reason in reasons if f"*{reason}*" not in text] == []


@pytest.mark.parametrize("name", GUIDES)
def test_every_file(name):
    """Of the sources, where one is named."""
    tops = {path.name for path in TOP.iterdir() if path.is_dir()}
    for path in re.findall(r"`([\w.-]+/[\w./*-]*)`", text_of(name)):
        if path.split("/")[0] in tops:
            assert list(TOP.glob(path)), path


def test_files_of_a_check():
    """The list in architecture.md names every file that names a check by itself."""
    text = text_of("architecture.md")
    told = set(re.findall(r"`([\w.-]+/[\w./-]+)`", text[text.index("## To add a check"):text.index("## To add other")]))
    tables = {str(path.relative_to(TOP)) for folder in ("lib", "policyd", "policyctl") for path in
              (TOP / folder).rglob("*.[ch]") if "/checks/" not in str(path) and "CHECK_HELO_FQDN" in path.read_text()}
    assert {"lib/check_info.h", "lib/check_info.c", "policyd/check.c"} <= tables
    assert tables <= told, tables - told
