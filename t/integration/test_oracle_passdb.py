# SPDX-License-Identifier: MIT
"""The same logins to Dovecot's own passdb "sql", over a copy of the table, and to the driver: each difference
has its reason."""

import base64
import itertools
import json
import shutil
import socket
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from login_host import LoginHost
from mailhost import dovecot_dialect as dialect
from mailhost.process import let_others_enter, wait_for

SCHEMES = ("PLAIN", "CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "SSHA512", "SSHA.HEX", "PBKDF2")
PASSWORDS = ("secret", "pässwörd", " two words ", "'; DROP TABLE account; --")
NAMES = ("user", "o'brien", "first.last", "a+b", "jürgen", "x_y", "100%", "{user}", "under_score-", "ünïcode")
# Names that are in no row as they stand.
ODD = ("USER0@example.com", "user0", "user0@example.net", "", "@", "user0@", "%u", "*", "' OR '1'='1",
       "user0@example.com ", "JÜRGEN4@example.com", "\udcff@example.com", "user0@example.com@example.com",
       "\"user0\"@example.com")

QUERY = ("SELECT a.address AS user, c.password FROM account a JOIN credential c ON c.address = a.address"
         " WHERE a.address = '{user}'")


class AuthClient:
    """Dovecot's authentication protocol, as a login process speaks it, WINDOW requests at a time."""

    WINDOW = 25  # no more than there are workers: 2.4 soon fails those that wait for one

    def __init__(self, path):
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rwb")
        self._file.write(b"VERSION\t1\t2\nCPID\t4711\n")
        self._file.flush()
        while not self._file.readline().startswith(b"DONE"):
            pass

    def close(self):
        """Hang up."""
        self._file.close()
        self._socket.close()

    def outcomes(self, logins):
        """For each (user, password): ("OK", user) or ("FAIL", code)."""
        return [answer for start in range(0, len(logins), self.WINDOW)
                for answer in self._window(logins[start:start + self.WINDOW])]

    def _window(self, logins):
        numbers = range(self._number + 1, self._number + 1 + len(logins))
        self._number += len(logins)
        for number, (user, password) in zip(numbers, logins):
            token = base64.b64encode(f"\0{user}\0{password}".encode("utf-8", "surrogateescape")).decode()
            fields = "service=imap", "secured=tls", "lport=143", "rip=127.0.0.2", f"resp={token}"
            self._file.write("\t".join(("AUTH", str(number), "PLAIN", *fields)).encode() + b"\n")
        self._file.flush()
        found = {}
        while len(found) < len(logins):
            word, number, *fields = self._file.readline().decode("utf-8", "replace").rstrip("\n").split("\t")
            values = dict(field.partition("=")[::2] for field in fields)
            found[int(number)] = (word, values["user"] if word == "OK" else
                                  "temp" if "temp" in values else values.get("code", ""))
        return [found[number] for number in numbers]


class SqlHost(LoginHost):
    """The same Dovecot with its own passdb, over a copy of another host's table."""

    def __init__(self, directory, original):
        super().__init__(directory)
        self._original = original

    def prepare(self):
        """The copy, and a folder of modules with what Dovecot came with."""
        copy = self.directory / "copy.db"
        self.dovecot.drivers = (dialect.sqlite_passdb(self.directory, copy, QUERY)
                                + dialect.static_userdb(uid="nobody", gid="nogroup", home="/tmp"))
        self.dovecot.prepare()
        with closing(sqlite3.connect(self._original.database)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        copy.chmod(0o644)
        shutil.copytree("/usr/lib/dovecot/modules/auth", self.dovecot.directory / "modules" / "auth", dirs_exist_ok=True)


def fill(host):
    """Accounts in every scheme, with every password; each fourth is disabled. Returns address -> password."""
    accounts = {}
    for number, (scheme, password) in enumerate(itertools.product(SCHEMES, PASSWORDS)):
        address = f"{NAMES[number % len(NAMES)]}{number}@example.com"
        stored = host.dovecot.doveadm("pw", "-s", scheme, "-p", password).stdout.rstrip("\n")
        host.ctl("account", "add", address, "--password-stdin", stdin="x\n")
        if number % 4 == 3:
            host.ctl("account", "set", address, "--status", "disabled")
        accounts[address] = password, stored
    with closing(sqlite3.connect(host.database)) as db, db:
        for address, (_, stored) in accounts.items():
            assert db.execute("UPDATE credential SET password = ? WHERE address = ?", (stored, address)).rowcount == 1
    return {address: password for address, (password, _) in accounts.items()}


def generated(accounts):
    """About 500 logins: right, wrong in many ways, and names that nobody has."""
    logins = []
    for address, password in accounts.items():
        wrong = ["", password[:-1], password + "x", password.upper(), password.swapcase(), "secret", "{PLAIN}secret",
                 password.strip(), address, password + "\udcff"]
        logins += [(address, text) for text in [password, *wrong]] + [(address.upper(), password)]
    logins += [(name, password) for name in ODD for password in (*PASSWORDS, "")]
    return logins


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """(login, outcome of sql, outcome of the driver, disabled) for each, and the accounts."""
    base = tmp_path_factory.mktemp("oracle")
    let_others_enter(base)
    ours = LoginHost(base / "ours")
    sql = SqlHost(base / "sql", ours)
    for host in (ours, sql):
        host.directory.mkdir(mode=0o755)
    try:
        ours.prepare()
        ours.dovecot.prepare()
        accounts = fill(ours)
        sql.prepare()
        ours.dovecot.start()
        sql.dovecot.start()
        logins = generated(accounts)
        found = []
        for host in (sql, ours):
            path = host.dovecot.directory / "run" / "auth-client"
            wait_for(path.is_socket, "Dovecot's socket")
            with closing(AuthClient(path)) as client:
                found.append(client.outcomes(logins))
        disabled = {row["address"] for row in json.loads(ours.ctl("account", "list", "--json").stdout)
                    if row["status"] == "disabled"}
        yield list(zip(logins, *found)), accounts, disabled
    finally:
        ours.stop()
        sql.stop()


def reason_for(login, sql, ours, accounts, disabled):
    """Why the two differ; None where nothing explains it."""
    user, password = login
    owner = user.lower()
    owner = owner if "@" in owner else owner + "@example.com"
    owner = owner.replace('"', "")
    if sql[0] == "OK" and ours == ("FAIL", "user_disabled") and owner in disabled:
        return "disabled, which the query does not ask for"
    if sql[0] == "FAIL" and ours == ("OK", owner) and accounts.get(owner) == password and owner not in disabled:
        return "a name in another form: bare, quoted or in another case"
    if sql[0] == "FAIL" and ours == ("FAIL", "user_disabled") and owner in disabled and accounts.get(owner) == password:
        return "disabled, under a name in another form"
    return None


def test_each_difference_has_its_reason(answers):
    pairs, accounts, disabled = answers
    unexplained, reasons = [], Counter()
    for login, sql, ours in pairs:
        if sql != ours:
            reason = reason_for(login, sql, ours, accounts, disabled)
            reasons[reason] += 1
            if reason is None:
                unexplained.append((login, sql, ours))
    assert unexplained == []
    assert len(pairs) >= 500 and sum(reasons.values()) < len(pairs) / 4, reasons


def test_both_say_each(answers):
    """The comparison compares something: grants, and refusals of each kind."""
    pairs, accounts, disabled = answers
    for side in (1, 2):
        granted = {login[0] for login, *found in pairs if found[side - 1][0] == "OK"}
        assert granted >= set(accounts) - disabled
    assert {ours for _, _, ours in pairs if ours[0] == "FAIL"} == {("FAIL", ""), ("FAIL", "user_disabled")}


def test_nobody_is_let_in_by_another_password(answers):
    pairs, accounts, _ = answers
    for (_, password), _, ours in pairs:
        if ours[0] == "OK":
            assert accounts[ours[1]] == password
