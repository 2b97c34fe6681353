# SPDX-License-Identifier: MIT
"""policyctl import from text files and export, with policyd and without: all or nothing, again without harm."""

import array
import csv
import io
import json
import os
import pty
import random
import re
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from admin import admin, alone, make_admin  # noqa: F401  (fixtures)
from login_host import accepted, make_host
from mailhost.policyd import program
from mailhost.process import Pace, allowed

HASH = "{SHA512-CRYPT}$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
OTHER_HASH = "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69"


def put(admin, text, name="file"):  # noqa: F811
    """A file with this text."""
    path = admin.directory / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def accounts(admin):  # noqa: F811
    """{address: (hash, status, fields)}"""
    return {a["address"]: (a["password_hash"], a["status"], a["fields"]) for a in admin.json_export()["accounts"]}


# ---- formats

def test_passwd_file(admin):  # noqa: F811
    file = put(admin, f"""# users
User@Example.com:{HASH}:5000:vmail:The user:/srv/%d/%n::userdb_quota_rule=*:storage=512M allow_nets=192.0.2.0/24

other:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/::::::userdb_quota_rule=*:bytes=1048577 userdb_mail=maildir:~/mail
third@example.net:{OTHER_HASH}
""")
    assert "accounts          3 new" in admin.ok("import", "--format", "passwd-file", "--domain", "example.com", file)
    assert accounts(admin) == {
        "user@example.com": (HASH, "active", {"uid": "5000", "gid": "vmail", "home": "/srv/{domain}/{local}",
                                              "quota": "512M", "allow_nets": "192.0.2.0/24"}),
        "other@example.com": ("{CRYPT}$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "active",
                              {"quota": "1025K", "mail": "maildir:~/mail"}),
        "third@example.net": (OTHER_HASH, "active", {})}


def test_csv(admin):  # noqa: F811
    """With a byte order mark and line ends of a spreadsheet."""
    file = put(admin, f'\ufeffpassword_hash,address,quota,status\r\n{HASH},user@example.com,2G,\r\n\r\n'
                      f'"{OTHER_HASH}","other@example.com","","disabled"\r\n')
    admin.ok("import", "--format", "csv", file)
    assert accounts(admin) == {"user@example.com": (HASH, "active", {"quota": "2G"}),
                               "other@example.com": (OTHER_HASH, "disabled", {})}
    admin.ok("import", "--format", "csv", put(admin, f"third@example.com,{HASH}\n"))
    assert len(accounts(admin)) == 3


def test_virtual(admin):  # noqa: F811
    file = put(admin, """# virtual(5)
example.com  anything
info@example.com  user@example.com, Other@Example.NET
    third@example.com
"odd name"@example.com user@example.com
@example.com postmaster
postmaster user@example.com
@example.org @example.com
""")
    assert admin.ok("import", "--format", "virtual", "--domain", "example.com", "--dry-run", file).splitlines()[-1] \
        == "nothing was changed: --dry-run"
    admin.ok("import", "--format", "virtual", "--domain", "example.com", file)
    exported = admin.json_export()
    assert {a["alias"]: a["destinations"] for a in exported["aliases"]} == {
        "info@example.com": ["other@example.net", "third@example.com", "user@example.com"],
        '"odd name"@example.com': ["user@example.com"], "@example.com": ["postmaster@example.com"],
        "postmaster@example.com": ["user@example.com"]}
    assert [(d["domain"], d["alias_of"]) for d in exported["domains"]] == [
        ("example.com", None), ("example.org", "example.com")]


def test_sender_login(admin):  # noqa: F811
    admin.script("domain add example.com\naccount add user@example.com\naccount add boss@example.com")
    file = put(admin, "user@example.com user@example.com boss@example.com\n@example.net boss@example.com\n")
    assert "grants            2 new" in admin.ok("import", "--format", "sender-login", file)
    assert [(g["grantee"], g["sender"]) for g in admin.json_export()["grants"]] == [
        ("boss@example.com", "@example.net"), ("boss@example.com", "user@example.com")]


# ---- what differs

def test_update(admin):  # noqa: F811
    file = put(admin, f"address,password_hash,quota\nuser@example.com,{HASH},1G\n")
    admin.ok("import", "--format", "csv", file)
    file = put(admin, f"address,password_hash,quota\nuser@example.com,{OTHER_HASH},2G\n")
    shown = admin.ok("import", "--format", "csv", "--dry-run", file)
    assert "~ account user@example.com: another password (kept)\n" in shown
    assert "~ field user@example.com quota: 2G, is 1G (kept)\n" in shown
    assert admin.ok("import", "--format", "csv", file).endswith("nothing to change\n--update takes over what differs\n")
    assert accounts(admin)["user@example.com"] == (HASH, "active", {"quota": "1G"})
    assert "0 new, 1 updated, 0 the same" in admin.ok("import", "--format", "csv", "--update", file)
    assert accounts(admin)["user@example.com"] == (OTHER_HASH, "active", {"quota": "2G"})
    assert admin.ok("import", "--format", "csv", "--update", file).endswith("nothing to change\n")


GOOD = f"good@example.com:{HASH}\n"


@pytest.mark.parametrize("kind, text, said", [
    ("passwd-file", GOOD + "user", "2: no ':': not a line of a passwd-file"),
    ("passwd-file", GOOD + f"user:{HASH}", "2: 'user' has no domain: name it by --domain"),
    ("passwd-file", GOOD + "user@example.com:secret",
     "2: the password of user@example.com has no {SCHEME} and is no hash of crypt(5)"),
    ("passwd-file", GOOD + f"user@example.com:{HASH}::::::nopassword",
     "2: user@example.com: field nopassword: who a login is, and whether it passes, is no extra field"),
    ("passwd-file", GOOD + f"good@example.com:{OTHER_HASH}", "2: account good@example.com: line 1 says otherwise"),
    ("passwd-file", GOOD + f"user@example.com:{HASH}::::::userdb_quota_rule=Trash:storage=1G",
     "2: user@example.com: quota rule 'Trash:storage=1G': only *:storage= and *:bytes= are known"),
    ("csv", f"good@example.com,{HASH}\na@b@c,{HASH}\n", "2: the local part of the address must stand in double quotes, or is wrong: a@b@c"),
    ("csv", f"good@example.com,{HASH}\nuser@example.com\n", "2: 1 cells, where 2 are expected"),
    ("csv", 'address,password_hash\n"user@example.com,x\n',
     "2: a '\"' that is not closed before the end of its cell and line"),
    ("csv", "address,password_hash,user\n", "1: column 3: "),
    ("csv", "address,quota\n", "1: no column address, or none password_hash"),
    ("virtual", "info@example.com a@example.com\ninfo@example.com\n", "2: a key without a value"),
    ("virtual", "info@example.com |/bin/sh\n",
     "1: info@example.com: '|/bin/sh' is no address: commands and files are for aliases(5)"),
    ("sender-login", "a@example.com b@example.com\n",
     "1: b@example.com may send as a@example.com, and is no account: import accounts first"),
    ("json", "{", "1: "), ("json", "{}", " no export of policyctl, or one of a newer version"),
    ("json", '{"postern_export": 1, "accounts": [{}]}', " an entry without a text 'address'"),
])
def test_wrong_input(admin, kind, text, said):  # noqa: F811
    """One line that says where, and nothing is changed."""
    file = put(admin, text)
    before = admin.databases()
    done = admin.run("import", "--format", kind, file)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"policyctl: {file}:{said}"), done.stderr
    assert admin.databases() == before


def test_all_or_nothing(admin):  # noqa: F811
    """What only the table can know comes last, and undoes what came before."""
    admin.script("domain add example.com\ndomain add example.org --alias-of example.com")
    file = put(admin, f"first@example.net:{HASH}\nuser@example.org:{HASH}\n")
    before = admin.databases()
    done = admin.run("import", "--format", "passwd-file", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("policyctl: example.org is an alias domain: add the account in the domain it stands for\n")
    assert admin.databases() == before


def test_usage(alone):  # noqa: F811
    alone.fails(2, "no format 'mbox': see policyctl help import", "import", "--format", "mbox", "x")
    alone.fails(1, "/nonexistent: No such file or directory", "import", "--format", "csv", "/nonexistent")
    alone.fails(2, "no format 'virtual': passwd-file, csv or json", "export", "--format", "virtual")


# ---- out and in again

def odd_world(seed):
    """A table with names and values that a format could stumble over."""
    rng = random.Random(seed)
    names = ["o'brien", '"odd name"', "jürgen", "a+b", "comma,name", "semi;colon", "%u", "#hash", "x" * 60, "{local}"]
    found = {"postern_export": 1, "domains": [
        {"domain": "example.com", "kind": "mailbox", "alias_of": None, "fields": {"quota": "1G"}},
        {"domain": "example.org", "kind": "alias", "alias_of": "example.com", "fields": {}},
        {"domain": "xn--bcher-kva.example", "kind": "mailbox", "alias_of": None, "fields": {}}],
        "accounts": [], "aliases": [], "grants": [], "policy": [], "lists": []}
    for i, name in enumerate(names):
        name = f'"{name}"' if any(c in name for c in ",;") else name
        entry = {"address": f"{name}@{rng.choice(['example.com', 'xn--bcher-kva.example'])}",
                 "kind": rng.choice(["user", "relay"]), "status": rng.choice(["active", "disabled"]),
                 "password_hash": rng.choice([HASH, OTHER_HASH, '{PLAIN}a "quoted", secret'])}
        if i % 3 == 0:
            entry["suspended"] = {"services": rng.choice(["all", "smtp"]), "reason": "50 %, \"so\" ü",
                                  "until": rng.choice([None, 4102444800])}
        entry["fields"] = rng.choice([{}, {"home": "/srv/{domain}/a b,c"}, {"allow_nets": "192.0.2.0/24", "quota": "0"}])
        found["accounts"].append(entry)
    found["accounts"].sort(key=lambda a: a["address"].encode())
    addresses = [a["address"] for a in found["accounts"]]
    found["aliases"] = [
        {"alias": "@example.com", "members_send": False, "destinations": [addresses[0]]},
        {"alias": "all@example.com", "members_send": True, "destinations": sorted(addresses, key=str.encode)}]
    found["grants"] = [{"grantee": "@example.com", "sender": "*"}, {"grantee": addresses[3], "sender": "@example.net"}]
    found["grants"].sort(key=lambda g: g["grantee"].encode())
    found["policy"] = [
        {"scope": "", "check": "starttls", "mode": "observe", "from": 0, "until": None},
        {"scope": "", "check": "starttls", "mode": "enforce", "from": 4102444800, "until": 4202444800},
        {"scope": "example.com", "check": "helo_fqdn", "mode": "off", "from": 0, "until": 4102444800}]
    found["lists"] = [{"action": "allow", "client": "192.0.2.0/24", "client_name": "", "helo": ".example",
                       "sender": "@example.net", "recipient": "", "scope": "example.com", "until": 4102444800,
                       "note": "why, \"so\""},
                      {"action": "deny", "client": "", "client_name": ".dyn.example", "helo": "", "sender": ".example.org",
                       "recipient": "abuse@", "scope": "", "until": None, "note": ""}]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_json_round_trip(admin, seed):  # noqa: F811
    world = odd_world(seed)
    admin.ok("import", "--format", "json", put(admin, json.dumps(world)))
    assert admin.json_export() == world
    again = admin.ok("import", "--format", "json", put(admin, admin.ok("export", "--format", "json")))
    assert again.endswith("nothing to change\n")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["csv", "passwd-file"])
def test_account_round_trip(alone, tmp_path_factory, kind, seed):  # noqa: F811
    """What these two can say of accounts comes back; a passwd-file says whom it leaves out."""
    world = odd_world(seed)
    alone.ok("import", "--format", "json", put(alone, json.dumps(world)))
    done = alone.run("export", "--format", kind)
    assert done.returncode == 0
    left_out = {line.split(": ")[1] for line in done.stderr.splitlines()}
    assert not left_out if kind == "csv" else {a["address"] for a in world["accounts"]
                                               if a["status"] == "disabled" or a["kind"] == "relay"} <= left_out
    before = {k: v for k, v in accounts(alone).items() if k not in left_out}
    file = put(alone, done.stdout)
    assert alone.ok("import", "--format", kind, file).endswith("nothing to change\n")
    for address in before:
        alone.ok("account", "remove", address)
    alone.ok("import", "--format", kind, file)
    assert {k: v for k, v in accounts(alone).items() if k not in left_out} == before


def test_csv_is_csv(alone):  # noqa: F811
    alone.ok("import", "--format", "json", put(alone, json.dumps(odd_world(1))))
    rows = list(csv.DictReader(io.StringIO(alone.ok("export", "--format", "csv"))))
    assert {row["address"]: row["password_hash"] for row in rows} == {
        address: found[0] for address, found in accounts(alone).items()}


def test_of_one_domain(alone):  # noqa: F811
    alone.ok("import", "--format", "json", put(alone, json.dumps(odd_world(2))))
    alone.ok("domain", "add", "empty.example")
    assert json.loads(alone.ok("export", "--format", "json", "--domain", "empty.example")) == {
        "postern_export": 1, "domains": [{"domain": "empty.example", "kind": "mailbox", "alias_of": None, "fields": {}}],
        "accounts": [], "aliases": [], "grants": [], "policy": [], "lists": []}


# ---- much of it

def test_hundred_thousand(admin):  # noqa: F811
    """In one transaction and under ten seconds, while policyd answers."""
    file = put(admin, "".join(f"user{n}@d{n % 200}.example:{HASH}::::::userdb_quota_rule=*:storage=1G\n"
                              for n in range(100000)))
    with Pace() as pace:
        began = time.monotonic()
        admin.ok("import", "--format", "passwd-file", file)
        assert pace.undisturbed(time.monotonic() - began) < allowed(10)
    assert len(admin.json_export()["accounts"]) == 100000
    assert admin.ok("import", "--format", "passwd-file", file).endswith("nothing to change\n")


def test_progress_on_a_terminal(alone):  # noqa: F811
    file = put(alone, "".join(f"user{n}@example.com:{HASH}\n" for n in range(5000)))
    master, slave = pty.openpty()
    with subprocess.Popen([program("policyctl"), "-c", alone.policyd.config, "import", "--format", "passwd-file", file],
                          stdin=slave, stdout=subprocess.PIPE, stderr=slave) as child:
        os.close(slave)
        assert b"5000 new" in child.stdout.read()
    shown = b""
    with suppress(OSError):  # EIO: that was all
        while part := os.read(master, 65536):
            shown += part
    os.close(master)
    shown = shown.decode()
    assert re.search(r"\rreading: +\d+ % \[#{25} {25}\]", shown) and "\n" not in shown
    assert max(len(part) for part in shown.split("\r")) < 80


def test_only_a_sealed_file_is_taken(tmp_path_factory):
    """What could change while policyd reads it is refused."""
    for running in make_admin(tmp_path_factory, True):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(running.policyd.settings["control_socket"])
            file = os.memfd_create("changes", os.MFD_ALLOW_SEALING)
            os.write(file, b"change=domain-add\ndomain=example.com\nkind=mailbox\n")
            control.sendmsg([b"command=change\n\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
            os.close(file)
            assert control.recv(4096) == b"result=BAD\ntext=the file of changes is not sealed, or empty\n\n"
        assert running.json("domain", "list") == []


# ---- the point of it

@pytest.fixture(scope="module")
def logins(tmp_path_factory):
    """Dovecot with the driver, beside policyd."""
    yield from make_host(tmp_path_factory)


def test_everybody_logs_in_as_before(logins, tmp_path):
    """Hashes of the schemes that old servers hold, made by Dovecot itself."""
    schemes = ["PLAIN", "CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "SSHA", "SSHA256", "SSHA512",
               "PLAIN-MD5", "SMD5", "SHA", "SHA512", "SCRAM-SHA-256", "PBKDF2"]
    file = tmp_path / "users"
    with open(file, "w", encoding="utf-8") as out:
        for scheme in schemes:
            made = logins.dovecot.doveadm("pw", "-s", scheme, "-p", f"pw {scheme}",
                                          *(["-r", "5"] if scheme == "BLF-CRYPT" else []))
            out.write(f"{scheme.lower()}@example.com:{made.stdout.strip()}\n")
    logins.ctl("import", "--format", "passwd-file", str(file))
    for scheme in schemes:
        assert accepted(logins.login(f"{scheme.lower()}@example.com", f"pw {scheme}")), scheme
        assert not accepted(logins.login(f"{scheme.lower()}@example.com", "wrong")), scheme
