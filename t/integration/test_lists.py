# SPDX-License-Identifier: MIT
"""Allow and deny lists: imported from every format, and what they do to mail that comes through real Postfix."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from admin import admin, make_admin  # noqa: F401  (a fixture)
from conftest import is_accepted
from mailhost.policyd import program
from mailhost.process import PATIENCE, wait_for
from test_greylist import greylist, waits  # noqa: F401  (a fixture)

PARTS = ("client", "client_name", "helo", "sender", "recipient", "domain")


def put(admin, text, name="file"):  # noqa: F811
    """A file with this text."""
    path = admin.directory / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def entries(admin):  # noqa: F811
    """What the table says: {(action, part=value ...)}."""
    return {(row["action"], *(f"{part}={row[part]}" for part in PARTS if row[part]))
            for row in admin.json("list", "show")}


# ---- formats

def test_entries(admin):  # noqa: F811
    file = put(admin, """# ours
allow client 192.0.2.0/24 sender App@Example.net until 2099-01-01
deny  client-name .DYN.example.net\tnote dial-in, "all" of it

\tdeny recipient abuse@ sender .example.org domain example.com
deny helo [192.0.2.1]
allow client 2001:db8::/33
deny client-name .dyn.example.net note dial-in, "all" of it
""")
    assert admin.ok("list", "import", file) == "list entries      5 new, 0 kept that differ, 0 the same\n"
    assert entries(admin) == {
        ("allow", "client=192.0.2.0/24", "sender=app@example.net"), ("deny", "client_name=.dyn.example.net"),
        ("deny", "sender=.example.org", "recipient=abuse@", "domain=example.com"), ("deny", "helo=[192.0.2.1]"),
        ("allow", "client=2001:db8::/33")}
    notes = {row["client_name"]: (row["note"], row["until"]) for row in admin.json("list", "show")}
    assert notes[".dyn.example.net"] == ('dial-in, "all" of it', None)
    assert [row["until"] for row in admin.json("list", "show") if row["sender"] == "app@example.net"] == [
        int(time.mktime((2099, 1, 1, 0, 0, 0, 0, 0, -1)))]
    assert admin.ok("list", "import", file).endswith("nothing to change\n")


def test_networks(admin):  # noqa: F811
    """As lists of bad networks are published."""
    file = put(admin, "; DROP\n192.0.2.0/24 ; SBL1\n198.51.100.7\n2001:db8::/32 # six\n192.0.2.0/24\n")
    admin.ok("list", "import", file, "--format", "networks", "--action", "deny", "--note", "drop list",
             "--until", "2099-01-01", "--domain", "example.com")
    assert entries(admin) == {("deny", f"client={client}", "domain=example.com")
                              for client in ("192.0.2.0/24", "198.51.100.7", "2001:db8::/32")}
    assert {row["note"] for row in admin.json("list", "show")} == {"drop list"}
    assert all(row["until"] for row in admin.json("list", "show"))


@pytest.mark.parametrize("kind, part", [("client", "client_name"), ("helo", "helo")])
def test_access_of_names(admin, kind, part):  # noqa: F811
    file = put(admin, "# access(5)\nexample.net OK\n.example.org REJECT Go\n  away\n")
    admin.ok("list", "import", file, "--format", f"postfix-{kind}")
    assert entries(admin) == {("allow", f"{part}=example.net"), ("allow", f"{part}=.example.net"),
                              ("deny", f"{part}=.example.org")}
    assert {row["note"] for row in admin.json("list", "show") if row["action"] == "deny"} == {"Go  away"}


def test_access_of_addresses_of_clients(admin):  # noqa: F811
    file = put(admin, "192.0.2 REJECT\n192.0.2.1 DUNNO\n10 4.7.1\n10.1 450 4.7.1 later\n2001:db8 550 no\n"
                      "2001:db8:1:2 permit\n2001:db8::1 ok\nunknown reject\n")
    done = admin.run("list", "import", file, "--format", "postfix-client")
    assert (done.returncode, done.stderr) == (0, f"policyctl: {file}:3: left out: '4.7.1' is neither allow nor deny: "
                                                 "OK, PERMIT, DUNNO, REJECT, DEFER, 4NN and 5NN are\n")
    assert "1 line was left out" in done.stdout
    assert entries(admin) == {
        ("deny", "client=192.0.2.0/24"), ("allow", "client=192.0.2.1"), ("deny", "client=10.1.0.0/16"),
        ("deny", "client=2001:db8::/32"), ("allow", "client=2001:db8:1:2::/64"), ("allow", "client=2001:db8::1"),
        ("deny", "client_name=unknown")}


@pytest.mark.parametrize("kind", ["sender", "recipient"])
def test_access_of_addresses(admin, kind):  # noqa: F811
    file = put(admin, "User@example.net OK\nexample.org REJECT\n.example.com 554 no\npostmaster@ 1\n<> REJECT\n"
                      "a@example.net HOLD\n/regexp/ OK\n")
    done = admin.run("list", "import", file, "--format", f"postfix-{kind}")
    assert done.returncode == 0
    assert [line.split(":")[2] for line in done.stderr.splitlines()] == ["5", "6", "7"]
    assert entries(admin) == {("allow", f"{kind}=user@example.net"), ("deny", f"{kind}=@example.org"),
                              ("deny", f"{kind}=.example.org"), ("deny", f"{kind}=.example.com"),
                              ("allow", f"{kind}=postmaster@")}


def test_cidr(admin):  # noqa: F811
    """There the first line counts, here the longest prefix: what never counts there is no entry here."""
    file = put(admin, "192.0.2.1 OK\n192.0.2.0/24 REJECT\n192.0.2.7 OK\n2001:db8::/32 DUNNO\n2001:db8:1::/48 REJECT\n")
    done = admin.run("list", "import", file, "--format", "postfix-cidr")
    assert (done.returncode, done.stderr.splitlines()) == (0, [
        f"policyctl: {file}:3: left out: 192.0.2.7 never counts there: line 2, 192.0.2.0/24, comes first",
        f"policyctl: {file}:5: left out: 2001:db8:1::/48 never counts there: line 4, 2001:db8::/32, comes first"])
    assert entries(admin) == {("allow", "client=192.0.2.1"), ("deny", "client=192.0.2.0/24"),
                              ("allow", "client=2001:db8::/32")}


def test_postgrey(admin):  # noqa: F811
    """Forms of its whitelists; what no entry can say is named, line by line."""
    clients = put(admin, "# clients\n/^mail\\d+\\.example\\.com$/\nexample.net   # a remark\n192.0.2.1\n198.51.100\n"
                         "203.0.113.0/24\n2001:db8::/32\n", "whitelist_clients")
    done = admin.run("list", "import", clients, "--format", "postgrey-clients")
    assert (done.returncode, done.stderr) == (
        0, f"policyctl: {clients}:2: left out: '/^mail\\d+\\.example\\.com$/' is a pattern: write out what it matches\n")
    assert done.stdout == "1 line was left out\nlist entries      6 new, 0 kept that differ, 0 the same\n"
    recipients = put(admin, "postmaster@\nabuse@\nbig@example.com\nexample.org\n", "whitelist_recipients")
    admin.ok("list", "import", recipients, "--format", "postgrey-recipients", "--note", "postgrey")
    assert entries(admin) == {
        ("allow", "client_name=example.net"), ("allow", "client_name=.example.net"), ("allow", "client=192.0.2.1"),
        ("allow", "client=198.51.100.0/24"), ("allow", "client=203.0.113.0/24"), ("allow", "client=2001:db8::/32"),
        ("allow", "recipient=postmaster@"), ("allow", "recipient=abuse@"), ("allow", "recipient=big@example.com"),
        ("allow", "recipient=@example.org"), ("allow", "recipient=.example.org")}


# ---- differences

def test_dry_run_and_update(admin):  # noqa: F811
    admin.ok("list", "deny", "--client", "192.0.2.0/24", "--until", "2099-01-01", "--note", "old")
    admin.ok("list", "deny", "--client", "192.0.2.1", "--note", "kept")
    file = put(admin, "deny client 192.0.2.0/24 note new\ndeny client 192.0.2.1\nallow helo x.example\n")
    before = admin.json("list", "show")
    shown = admin.ok("list", "import", "--dry-run", file)
    assert shown.splitlines() == [
        "~ deny client 192.0.2.0/24: new; is until 2099-01-01 00:00, old (kept)", "+ allow helo x.example",
        "list entries      1 new, 1 kept that differ, 1 the same", "nothing was changed: --dry-run",
        "--update takes over what differs"]
    assert admin.json("list", "show") == before
    assert "1 new, 1 updated, 1 the same" in admin.ok("list", "import", "--update", file)
    assert [(row["client"], row["until"], row["note"]) for row in admin.json("list", "show")] == [
        ("192.0.2.0/24", None, "new"), ("192.0.2.1", None, "kept"), (None, None, None)]
    assert admin.json("list", "show")[0]["id"] == before[0]["id"]


GOOD = "deny client 192.0.2.9\n"


@pytest.mark.parametrize("options, text, said", [
    ((), GOOD + "refuse client 192.0.2.1", "2: a line begins with allow or deny, not 'refuse'"),
    ((), GOOD + "deny", "2: a list entry needs"),
    ((), GOOD + "deny client", "2: nothing behind 'client'"),
    ((), GOOD + "deny client 192.0.2.1 client 192.0.2.2", "2: 'client' stands there twice"),
    ((), GOOD + "deny network 192.0.2.1", "2: 'network' is none of client, client-name, helo, sender, recipient, "
                                          "domain, until, note"),
    ((), GOOD + "deny client 192.0.2.1/24", "2: '192.0.2.1/24' has bits set behind its prefix; the network is 192.0.2.0/24"),
    ((), GOOD + "deny client 192.0.2.1 until 2020-01-01", "2: 2020-01-01 is past: name a later date"),
    ((), GOOD + "allow client 192.0.2.9", "2: allow client 192.0.2.9: line 1 says otherwise"),
    ((), GOOD + "deny client 192.0.2.9 note x", "2: deny client 192.0.2.9: line 1 says otherwise"),
    ((), GOOD + "deny sender example.net", "2: the address has no domain: example.net"),
    ((), GOOD + "deny client 192.0.2.1 note " + "x" * 401, "2: text of more than 400 octets"),
    (("--format", "networks", "--action", "deny"), "192.0.2.0/24\n192.0.2.0/33\n",
     "2: '192.0.2.0/33': the prefix length is a number from 0 to 32"),
    (("--format", "networks", "--action", "deny"), "192.0.2.0/24 192.0.2.1\n",
     "1: more than a network; a remark begins with ';' or '#'"),
    (("--format", "postfix-cidr"), "if 192.0.2.0/24\n192.0.2.1 OK\nendif\n",
     "1: 'if' and '!' cannot be taken over: write the networks out"),
    (("--format", "postfix-cidr"), "192.0.2.0/24 OK\n192.0.2.1\n", "2: a key without a value"),
    (("--format", "postfix-sender"), "a@b@c OK\n", "1: the local part of the address must stand in double quotes"),
    (("--format", "postgrey-clients"), "example.net\ntwo words\n", "2: more than one word: 'two words'"),
    (("--format", "postgrey-clients"), "300.0.2.1\n", "1: '300.0.2.1' is no IP address or network"),
])
def test_wrong_input(admin, options, text, said):  # noqa: F811
    """One line that says where and what, and nothing is changed."""
    file = put(admin, text)
    done = admin.run("list", "import", *options, file)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"policyctl: {file}:{said}"), done.stderr
    assert admin.json("list", "show") == []


def test_a_kill_leaves_nothing_of_it(tmp_path_factory):
    """In the middle of an import policyd dies: the table is as before."""
    for admin in make_admin(tmp_path_factory, True):  # noqa: F811
        admin.ok("list", "deny", "--client", "192.0.2.1")
        file = put(admin, "".join(f"{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}.0/24\n" for n in range(1 << 18)))
        importing = subprocess.Popen([program("policyctl"), "-c", admin.policyd.config, "list", "import", file, "--format",
                                      "networks", "--action", "deny"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True)
        maps = Path(f"/proc/{admin.policyd.pid}/maps")
        wait_for(lambda: "memfd:lists" in maps.read_text(), "policyd to read the changes")
        admin.policyd.kill()
        out, said = importing.communicate()
        assert (importing.returncode, out, said.count("\n")) == (3, "", 1), said
        admin.policyd.start()
        assert entries(admin) == {("deny", "client=192.0.2.1")}


def test_many(admin):  # noqa: F811
    """More than a request holds, in one go; again without harm."""
    file = put(admin, "".join(f"10.{n // 256}.{n % 256}.0/24\n" for n in range(20000)))
    arguments = ("list", "import", file, "--format", "networks", "--action", "deny")
    assert "20000 new" in admin.ok(*arguments)
    assert admin.ok(*arguments).endswith("nothing to change\n")
    assert "deny entry" in admin.ok("explain", "--client", "10.78.31.9", "--recipient", "a@example.com")
    assert "deny entry" not in admin.ok("explain", "--client", "10.78.32.9", "--recipient", "a@example.com")


# ---- who decided

@pytest.mark.parametrize("entry, asked, said", [
    ("--client-name .dyn.example.net", "--client-name a.dyn.example.net", "client-name .dyn.example.net"),
    ("--recipient abuse@", "--recipient Abuse@example.com", "recipient abuse@"),
    ("--recipient .example.com --sender @example.net", "--recipient a@sub.example.com --sender b@example.net",
     "sender @example.net, recipient .example.com"),
    ("--client-name unknown --domain example.com", "--client-name unknown --recipient a@example.com",
     "client-name unknown, for example.com")])
def test_explained(admin, entry, asked, said):  # noqa: F811
    """explain names the row, whatever it is of."""
    admin.ok("list", "deny", *entry.split())
    number = admin.json("list", "show")[0]["id"]
    answer = json.loads(admin.ok("explain", "--json", "--client", "192.0.2.1", *asked.split()))
    assert answer["decided_by"] == "access"
    assert [c["row"] for c in answer["checks"] if c["check"] == "access"] == [
        f"deny entry {number} (policyctl list show): {said}"]


def test_gone_with_the_account(admin):  # noqa: F811
    """What was for an account or a domain is not there for whoever has it next."""
    admin.script("domain add example.com\naccount add user@example.com\n"
                 "list deny --recipient user@example.com\nlist deny --recipient @example.com\n"
                 "list deny --client 192.0.2.1 --domain example.com\nlist deny --recipient user@example.net")
    admin.ok("account", "remove", "user@example.com")
    assert entries(admin) == {("deny", "recipient=@example.com"), ("deny", "client=192.0.2.1", "domain=example.com"),
                              ("deny", "recipient=user@example.net")}
    admin.ok("domain", "remove", "example.com")
    assert entries(admin) == {("deny", "recipient=user@example.net")}


# ---- through real Postfix

CLIENT, NAME = "127.0.0.4", "client4.sender.net"  # as Postfix finds it
DENIED = "554 5.7.1 <you@domain1.com>: Recipient address rejected: Access denied"


@pytest.fixture
def listed(host):
    """listed(ACTION, OPTIONS) adds an entry for the test."""
    added = []
    before = host.policyd.settings
    host.policyd.configure(trusted_networks=["127.0.0.1/32"])
    host.policyd.ctl("reload")

    def add(action=None, *options):
        if not action:
            return
        host.policyd.ctl("list", action, *options)
        added.append((action, *options))
    yield add
    for entry in added:
        host.policyd.ctl("list", "remove", *entry)
    host.policyd.settings = before
    host.policyd.write_config()
    host.policyd.ctl("reload")


@pytest.mark.parametrize("options", [
    ("--client-name", NAME), ("--client-name", ".sender.net"), ("--recipient", "you@domain1.com"),
    ("--recipient", "@domain1.com"), ("--recipient", "you@"), ("--sender", ".net"),
    ("--client-name", NAME, "--recipient", "you@domain1.com", "--domain", "domain1.com")])
def test_denied(listed, mail, options):
    assert is_accepted(mail.deliver("a@sender.net", source=CLIENT))
    listed("deny", *options)
    if options != ("--sender", ".net"):
        assert mail.deliver("a@sender.net", source=CLIENT) == DENIED
    assert mail.deliver("a@mail.sender.net", source=CLIENT) == DENIED


def test_the_closer_one_wins(listed, mail):
    """The client's name is refused, but mail to the postmaster comes through; one domain takes all."""
    listed("deny", "--client-name", ".sender.net")
    listed("allow", "--recipient", "john@")
    listed("allow", "--client-name", ".sender.net", "--domain", "domain2.net")
    assert mail.deliver("a@sender.net", source=CLIENT) == DENIED
    assert is_accepted(mail.deliver("a@sender.net", "john@domain1.com", source=CLIENT))
    assert is_accepted(mail.deliver("a@sender.net", "other-address@domain2.net", source=CLIENT))


@pytest.mark.parametrize("options", [
    ("--client", CLIENT), ("--client-name", NAME), ("--client-name", ".sender.net"), ("--helo", "mail.sender.net"),
    ("--sender", "@sender.net"), ("--recipient", "you@"), ("--recipient", "you@domain1.com")])
def test_allowed_never_waits(greylist, host, mail, options):  # noqa: F811
    """Whoever an entry allows passes greylisting at once, and leaves no row."""
    greylist(delay_s=3600)
    assert waits(mail.deliver("before@sender.net", source=CLIENT))
    host.policyd.ctl("list", "allow", *options)
    try:
        assert is_accepted(mail.deliver("now@sender.net", source=CLIENT))
        assert "now@sender.net" not in host.policyd.ctl("greylist", "show").stdout
    finally:
        host.policyd.ctl("list", "remove", "allow", *options)
    assert waits(mail.deliver("after@sender.net", source=CLIENT))


def test_postgreys_whitelists_spare_greylisting(greylist, host, mail, tmp_path):  # noqa: F811
    """Imported into a running policyd, they hold for the next message."""
    greylist(delay_s=3600)
    clients, recipients = tmp_path / "whitelist_clients", tmp_path / "whitelist_recipients"
    clients.write_text("client4.sender.net\n/^regexp$/\n")
    recipients.write_text("john@\n")
    host.policyd.ctl("list", "import", "--format", "postgrey-clients", clients)
    host.policyd.ctl("list", "import", "--format", "postgrey-recipients", recipients)
    try:
        assert is_accepted(mail.deliver("p@sender.net", source=CLIENT))
        assert waits(mail.deliver("p@sender.net", source="127.0.0.6"))
        assert is_accepted(mail.deliver("p@sender.net", "john@domain1.com", source="127.0.0.6"))
    finally:
        for entry in (("--client-name", NAME), ("--client-name", f".{NAME}"), ("--recipient", "john@")):
            host.policyd.ctl("list", "remove", "allow", *entry)


def test_an_entry_ends(listed, host, mail, tmp_path):
    """At its time, without anybody's doing."""
    listed()  # nothing yet: only so that the client is a stranger
    file = tmp_path / "lists"

    def deny(seconds):
        """Until then; the reply, and whether it was given in time."""
        ends = int(time.time()) + seconds
        file.write_text(json.dumps({"postern_export": 1, "lists": [
            {"action": "deny", "client_name": NAME, "sender": "e@sender.net", "scope": "", "until": ends}]}))
        host.policyd.ctl("import", "--update", "--format", "json", file)
        reply = mail.deliver("e@sender.net", source=CLIENT)
        return ends, reply, time.time() < ends

    try:
        ends, reply, in_time = deny(4)
        if not in_time:  # a machine that busy; until then it holds all the same
            ends, reply, in_time = deny(60)
        assert in_time and reply == DENIED
        wait_for(lambda: is_accepted(mail.deliver("e@sender.net", source=CLIENT)), "the entry to end", 2 * PATIENCE)
        assert time.time() >= ends
    finally:
        host.policyd.ctl("list", "remove", "deny", "--client-name", NAME, "--sender", "e@sender.net")
