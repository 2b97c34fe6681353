# SPDX-License-Identifier: MIT
"""policyctl import of iRedMail's and PostfixAdmin's databases: dumps that real servers wrote, and a SQLite file.

The tables have the names and columns of iRedMail 1.7 and PostfixAdmin 3.3, as far as they tell who may log in, who
gets what, and what a reader could stumble over.
"""

import sqlite3
from contextlib import closing

import pytest

from admin import alone  # noqa: F401  (fixture)
from mailhost.process import let_others_enter
from mailhost.sql_server import MariaDb, PostgreSql

HASH = "{SSHA512}Zm9vYmFy"
MD5 = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"
ODD = "it''s a \"name\"; -- (no comment), {backslash} /* nor this */\nCOPY x FROM stdin;\tüber"

IREDMAIL = """
CREATE TABLE alias (address VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL,
    active {bool} NOT NULL, PRIMARY KEY (address));
CREATE TABLE alias_domain (alias_domain VARCHAR(255) NOT NULL, target_domain VARCHAR(255) NOT NULL,
    active {bool} NOT NULL, PRIMARY KEY (alias_domain));
CREATE TABLE domain (domain VARCHAR(255) NOT NULL, description TEXT, backupmx {bool} NOT NULL, settings TEXT,
    active {bool} NOT NULL, PRIMARY KEY (domain));
CREATE TABLE forwardings (id BIGINT NOT NULL, address VARCHAR(255) NOT NULL, forwarding VARCHAR(255) NOT NULL,
    is_maillist {bool} NOT NULL, is_list {bool} NOT NULL, is_forwarding {bool} NOT NULL, is_alias {bool} NOT NULL,
    active {bool} NOT NULL, PRIMARY KEY (id), CHECK (id > 0));
CREATE TABLE mailbox (username VARCHAR(255) NOT NULL, password VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL,
    {quote}rank{quote} VARCHAR(255) NOT NULL, quota BIGINT NOT NULL, allow_nets TEXT, settings TEXT,
    active {bool} NOT NULL, PRIMARY KEY (username));
CREATE TABLE zzz (a TEXT);
INSERT INTO zzz VALUES ('{odd}');
INSERT INTO alias VALUES ('team@example.com', '{odd}', 'example.com', '1');
INSERT INTO alias_domain VALUES ('example.org', 'example.com', '1'), ('off.example', 'example.com', '0');
INSERT INTO domain VALUES ('example.com', '{odd}', '0', NULL, '1'), ('backup.example', '', '1', '', '1'),
    ('closed.example', '', '0', '', '0');
INSERT INTO forwardings VALUES
    (1, 'user@example.com', 'user@example.com', '0', '0', '1', '0', '1'),
    (2, 'team@example.com', 'user@example.com', '0', '1', '0', '0', '1'),
    (3, 'team@example.com', 'o''brien@example.com', '0', '1', '0', '0', '1'),
    (4, 'sales@example.com', 'user@example.com', '0', '0', '0', '1', '1'),
    (5, 'o''brien@example.com', 'o''brien@example.com', '0', '0', '1', '0', '1'),
    (6, 'o''brien@example.com', 'private@elsewhere.example', '0', '0', '1', '0', '1'),
    (7, 'old@example.com', 'user@example.com', '0', '0', '0', '1', '0'),
    (8, 'list@example.com', 'list@example.com', '1', '0', '0', '0', '1');
INSERT INTO mailbox VALUES ('user@example.com', '{hash}', '{odd}', 'normal', 1024, NULL, '{odd}', '1'),
    ('O''Brien@Example.com', '{md5}', '', 'normal', 0, '192.0.2.0/24', '', '1'),
    ('gone@closed.example', '{hash}', '', 'normal', 1, NULL, '', '1'),
    ('locked@example.com', '{hash}', '', 'normal', 1500, NULL, NULL, '0');
"""

POSTFIXADMIN = """
CREATE TABLE alias (address VARCHAR(255) NOT NULL, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL,
    active {bool} NOT NULL, PRIMARY KEY (address));
CREATE TABLE alias_domain (alias_domain VARCHAR(255) NOT NULL, target_domain VARCHAR(255) NOT NULL,
    active {bool} NOT NULL, PRIMARY KEY (alias_domain));
CREATE TABLE domain (domain VARCHAR(255) NOT NULL, description VARCHAR(255) NOT NULL, backupmx {bool} NOT NULL,
    active {bool} NOT NULL, PRIMARY KEY (domain));
CREATE TABLE mailbox (username VARCHAR(255) NOT NULL, password VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL,
    quota BIGINT NOT NULL, local_part VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL, active {bool} NOT NULL,
    PRIMARY KEY (username));
INSERT INTO alias VALUES ('sales@example.com', 'user@example.com', 'example.com', '1'),
    ('user@example.com', 'user@example.com', 'example.com', '1'),
    ('team@example.com', 'user@example.com,o''brien@example.com', 'example.com', '1'),
    ('o''brien@example.com', 'private@elsewhere.example,o''brien@example.com', 'example.com', '1'),
    ('old@example.com', 'user@example.com', 'example.com', '0');
INSERT INTO alias_domain VALUES ('example.org', 'example.com', '1'), ('off.example', 'example.com', '0');
INSERT INTO domain VALUES ('ALL', '', '0', '1'), ('example.com', '{odd}', '0', '1'), ('example.org', '', '0', '1'),
    ('backup.example', '', '1', '1'), ('closed.example', '', '0', '0');
INSERT INTO mailbox VALUES ('user@example.com', '{hash}', '{odd}', 1073741824, 'user', 'example.com', '1'),
    ('O''Brien@Example.com', '{md5}', '', 0, 'o''brien', 'example.com', '1'),
    ('gone@closed.example', '{hash}', '', 1048576, 'gone', 'closed.example', '1'),
    ('locked@example.com', '{hash}', '', 1572864000, 'locked', 'example.com', '0');
"""

SCHEMAS = {"iredmail": IREDMAIL, "postfixadmin": POSTFIXADMIN}


def script(schema, boolean, quote, backslash):
    """The statements for one kind of server."""
    return SCHEMAS[schema].format(bool=boolean, quote=quote, odd=ODD.format(backslash=backslash), hash=HASH, md5=MD5)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Both, with each program's tables."""
    base = tmp_path_factory.mktemp("sql")
    let_others_enter(base)
    started = {"mariadb": MariaDb(base / "mariadb"), "postgresql": PostgreSql(base / "postgresql")}
    try:
        for name, server in started.items():
            server.start()
            for schema in SCHEMAS:
                server.sql(schema, script(schema, *{"mariadb": ("TINYINT(1)", "`", "\\\\\\'"),
                                                    "postgresql": ("BOOLEAN" if schema == "postfixadmin" else "INT2",
                                                                   '"', "\\")}[name]))
        yield started
    finally:
        for server in started.values():
            server.stop()


def check(admin, schema):
    """What they say is in the table now."""
    exported = admin.json_export()
    assert {d["domain"]: (d["kind"], d["alias_of"]) for d in exported["domains"]} == {
        "example.com": ("mailbox", None), "backup.example": ("relay", None), "closed.example": ("mailbox", None),
        "example.org": ("alias", "example.com")}
    nets = {"allow_nets": "192.0.2.0/24"} if schema == "iredmail" else {}
    accounts = {a["address"]: (a["password_hash"], a["status"], a["fields"]) for a in exported["accounts"]}
    assert accounts == {
        "user@example.com": (HASH, "active", {"quota": "1G"}),
        "o'brien@example.com": ("{CRYPT}" + MD5, "active", nets),
        "gone@closed.example": (HASH, "disabled", {"quota": "1M"}),
        "locked@example.com": (HASH, "disabled", {"quota": "1500M"})}
    assert {a["alias"]: a["destinations"] for a in exported["aliases"]} == {
        "sales@example.com": ["user@example.com"], "team@example.com": ["o'brien@example.com", "user@example.com"],
        "o'brien@example.com": ["o'brien@example.com", "private@elsewhere.example"]}


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("server, options", [
    ("mariadb", ()), ("mariadb", ("--skip-extended-insert", "--complete-insert")), ("mariadb", ("--compact",)),
    ("mariadb", ("--hex-blob", "--insert-ignore")),
    ("postgresql", ()), ("postgresql", ("--inserts",)), ("postgresql", ("--column-inserts", "--rows-per-insert=2"))])
def test_dump(alone, servers, schema, server, options):  # noqa: F811
    dump = servers[server].dump(schema, *options)
    file = alone.directory / "dump.sql"
    file.write_text(dump)
    before = alone.databases()
    planned = alone.ok("import", "--format", schema, "--dry-run", file)
    assert "+ account locked@example.com\n" in planned and HASH not in planned and MD5 not in planned
    assert alone.databases() == before
    summary = alone.ok("import", "--format", schema, file)
    assert "accounts          4 new, 0 kept that differ, 0 the same\n" in summary
    check(alone, schema)
    assert alone.ok("import", "--format", schema, "-", stdin=dump).endswith("nothing to change\n")


def test_postfixadmin_sqlite(alone):  # noqa: F811
    file = alone.directory / "postfixadmin.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(script("postfixadmin", "BOOLEAN", '"', "\\"))
    alone.ok("import", "--format", "postfixadmin", file)
    check(alone, "postfixadmin")


@pytest.mark.parametrize("cut, said", [
    (lambda dump: dump[:dump.index("\\.", dump.index("COPY public.mailbox"))],
     "COPY does not end: is the dump whole?"),
    (lambda dump: dump.replace("(username, password,", "(username, secret, password,"),
     "a row of mailbox has 8 values, where 9 are expected"),
    (lambda dump: "CREATE TABLE other (a TEXT);\n", "no table of a mail server in it: is it the right file?"),
    (lambda dump: dump.replace(HASH, "plainly"),
     "the password of user@example.com has no {SCHEME} and is no hash of crypt(5)"),
])
def test_dump_that_is_wrong(alone, servers, cut, said):  # noqa: F811
    """One line that says where, and nothing is changed."""
    file = alone.directory / "dump.sql"
    file.write_text(cut(servers["postgresql"].dump("iredmail")))
    before = alone.databases()
    done = alone.run("import", "--format", "iredmail", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"policyctl: {file}:") and done.stderr.endswith(f": {said}\n")
    assert done.stderr.count("\n") == 1 and alone.databases() == before
