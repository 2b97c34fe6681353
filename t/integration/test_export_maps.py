# SPDX-License-Identifier: MIT
"""policyctl export-maps: files that Postfix reads back with the answers of policyd's socketmap service."""

import os
import sqlite3

import pytest

from admin import ACCOUNTS, admin, alone  # noqa: F401  (fixtures)
from mailhost.policy import Socketmap
from mailhost.process import run

MAPS = ("relay_domains", "smtpd_sender_login_maps", "virtual_alias_maps", "virtual_mailbox_domains",
        "virtual_mailbox_maps")

TABLE = ACCOUNTS + """
account add o'brien@example.com
account add jürgen@example.com
alias add info@example.com user@example.com
alias add team@example.com user@example.com other@example.com --members-send
alias add @example.org other@example.com
grant add user@example.com @example.net
grant add @example.com shared@elsewhere.example
"""

KEYS = ("example.com", "example.org", "example.net", "elsewhere.example", "user@example.com", "USER@Example.COM",
        "user@example.org", "o'brien@example.com", "jürgen@example.com", "info@example.com", "info@example.org",
        "team@example.com", "team@example.org", "@example.com", "@example.org", "@example.net",
        "shared@elsewhere.example", "@elsewhere.example", "nobody@example.com", "user@elsewhere.example",
        '"x y"@example.com', '"a\\"b"@example.org')


def postmap(directory, name, key, kind="texthash"):
    """The value that Postfix finds, or None."""
    done = run("postmap", "-c", directory, "-q", key, f"{kind}:{directory}/{name}", check=False)
    assert done.stderr == ""
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


@pytest.fixture
def maps(admin):
    """A directory for the files, with a configuration of nothing for postmap(1)."""
    directory = admin.directory / "maps"
    directory.mkdir()
    (directory / "main.cf").write_text("compatibility_level = 3.6\n")
    return directory


def fill(admin):
    """Beyond what a script of words can say."""
    admin.script(TABLE)
    for address in ('"x y"@example.com', '"a\\"b"@example.com'):
        admin.ok("account", "add", address, "--password-stdin", stdin="secret\n")


def test_values(admin, maps):
    fill(admin)
    admin.ok("export-maps", maps)
    assert sorted(os.listdir(maps)) == sorted((*MAPS, "main.cf"))
    assert postmap(maps, "virtual_mailbox_domains", "example.org") == "example.org"
    assert postmap(maps, "virtual_mailbox_maps", "user@example.com") == "example.com/user/"
    assert postmap(maps, "virtual_alias_maps", "team@example.com") == "other@example.com,user@example.com"
    assert postmap(maps, "virtual_alias_maps", "user@example.org") == "user@example.com"
    assert postmap(maps, "virtual_alias_maps", "@example.org") == "other@example.com"
    assert postmap(maps, "smtpd_sender_login_maps", "@example.net") == "user@example.com"
    assert "user@example.com" in postmap(maps, "smtpd_sender_login_maps", "shared@elsewhere.example").split(",")
    assert postmap(maps, "relay_domains", "example.net") == "example.net"
    assert postmap(maps, "relay_domains", "example.com") is None


@pytest.mark.parametrize("kind", ["texthash", "hash"])
def test_as_policyd_answers(admin, maps, kind):
    """Every key in every map, found or not, as over the socket."""
    fill(admin)
    admin.ok("export-maps", maps)
    if not admin.running:
        admin.policyd.start()
    if kind == "hash":
        run("postmap", "-c", maps, *(f"hash:{maps}/{name}" for name in MAPS))
    with Socketmap(admin.policyd.sockets / "maps") as client:
        for name in MAPS:
            for key in KEYS:
                status, _, value = client.query(name, key).partition(" ")
                assert (name, key, postmap(maps, name, key, kind)) == (name, key, value if status == "OK" else None)


def test_every_key_of_the_table_is_exported(admin, maps):
    """All accounts, in their domain and in its alias domain."""
    fill(admin)
    admin.ok("export-maps", maps)
    accounts = [account["address"] for account in admin.json("account", "list")]
    assert len(accounts) == 6
    for account in accounts:
        assert postmap(maps, "virtual_mailbox_maps", account) is not None
        assert postmap(maps, "smtpd_sender_login_maps", account.replace("example.com", "example.org")) is not None


def test_empty_table(admin, maps):
    admin.ok("export-maps", maps)
    assert sorted(os.listdir(maps)) == sorted((*MAPS, "main.cf"))
    assert postmap(maps, "virtual_alias_maps", "user@example.com") is None


def snapshot(directory):
    """Names and contents of all files."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_too_many_values_replace_nothing(admin, maps):
    """At policyd's limit of one value the files are as they were."""
    admin.script(ACCOUNTS)
    admin.ok("export-maps", maps)
    before = snapshot(maps)
    admin.ok("alias", "add", "all@example.com", *(f"member{n:03}@{'x' * 60}.example" for n in range(450)))
    admin.fails(1, "virtual_alias_maps: all@example.com has more values than policyd's own answers hold: "
                "nothing was replaced", "export-maps", maps)
    assert snapshot(maps) == before


def test_key_that_no_file_holds(admin, maps):
    admin.script(ACCOUNTS)
    admin.ok("export-maps", maps)
    before = snapshot(maps)
    admin.ok("account", "add", "#1@example.com", "--password-stdin", stdin="secret\n")
    admin.fails(1, "virtual_mailbox_maps: no Postfix text map can hold #1@example.com: nothing was replaced",
                "export-maps", maps)
    assert snapshot(maps) == before


def test_files_are_replaced_whole(admin, maps):
    """Leftovers of an export that was killed do not matter; a reader keeps the old file."""
    admin.script(ACCOUNTS)
    admin.ok("export-maps", maps)
    (maps / ".virtual_alias_maps.new").write_text("half a li")
    with open(maps / "virtual_mailbox_maps", encoding="utf-8") as old:
        admin.ok("account", "remove", "other@example.com")
        admin.ok("export-maps", maps)
        assert "other@example.com" in old.read()
    assert sorted(os.listdir(maps)) == sorted((*MAPS, "main.cf"))
    assert postmap(maps, "virtual_mailbox_maps", "other@example.com") is None


def test_link_is_not_followed(alone, tmp_path):
    """A planted link is replaced, not written through."""
    maps = alone.directory / "maps"
    maps.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (maps / ".relay_domains.new").symlink_to(victim)
    alone.ok("export-maps", maps)
    assert victim.read_text() == "untouched" and not (maps / "relay_domains").is_symlink()


def test_no_such_directory(admin):
    admin.fails(1, "/nonexistent/maps: No such file or directory", "export-maps", "/nonexistent/maps")


def test_damaged_database(alone):
    """Rows that cannot be read are no rows that do not exist."""
    maps = alone.directory / "maps"
    maps.mkdir()
    with sqlite3.connect(alone.policyd.settings["accounts_db"]) as db:
        db.execute("DROP TABLE alias_destination")
    alone.fails(3, f"{alone.policyd.settings['accounts_db']}: cannot be read now: try again", "export-maps", maps)
    assert os.listdir(maps) == []
