# SPDX-License-Identifier: MIT
"""policyctl doctor on policyd, its sockets, the databases, the name servers and the clock, one mistake at a time."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from doctor_host import ready  # noqa: F401  (fixture)
from mailhost.policyd import program
from mailhost.process import PATIENCE, Ports, run, wait_for


@pytest.fixture
def host(ready):  # noqa: F811
    """policyd and its configuration are put back afterwards."""
    settings = dict(ready.policyd.settings)
    yield ready
    ready.as_user = []
    ready.policyd.settings = settings
    ready.policyd.write_config()
    ready.policyd.ctl("reload")


@pytest.fixture
def database(host):
    return Path(host.policyd.settings["accounts_db"])


@contextmanager
def restarted_by_remedy(host):
    """A policyd that a remedy started is nobody's child: end it, and start the test's own again."""
    lock = Path(host.policyd.settings["accounts_db"] + ".lock")
    before = lock.read_text()
    try:
        yield
    finally:
        host.policyd.stop()
        if lock.read_text() != before:
            pid = int(lock.read_text())
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of policyd")
        host.policyd.start()


@contextmanager
def process(*argv):
    """Something that runs, and says so."""
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def only(host, rule):
    """The one finding there is."""
    found = host.findings()
    assert [f["rule"] for f in found] == [rule], found
    assert found[0]["why"]
    return found[0]


def mend(host, rule):
    """The one finding there is, and gone by its remedy."""
    finding = only(host, rule)
    host.shell(finding["remedy"])
    assert host.findings() == []
    return finding


# -- a host that is in order

def test_in_order(host):
    """Exit status 0, each area examined, nothing to be mended, nothing that could not be looked at."""
    report = host.report()
    assert (report["problems"], report["warnings"]) == (0, 0)
    assert all(report["examined"].values())
    assert {f["rule"] for f in report["findings"]} <= {
        "helo_required", "native_tls", "sqlite_wal_reset", "clock_unsynchronised"}
    quiet = host.doctor("--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_the_version_of_sqlite(host):
    """The bug is noted where SQLite has it, and no more than that: nobody else writes."""
    noted = [f["what"] for f in host.report()["findings"] if f["rule"] == "sqlite_wal_reset"]
    assert bool(noted) == (sqlite3.sqlite_version_info < (3, 51, 3))
    assert noted in ([], [f"SQLite {sqlite3.sqlite_version}"])


def unfolded(text):
    """What a shell reads."""
    return text.replace("'\\\n'", "").replace(" \\\n    ", " ")


def test_on_a_terminal(host):
    """Every line fits, and each command is what --json tells, folded."""
    main_cf = host.postfix.config / "main.cf"
    saved = main_cf.read_text()
    host.postfix.postconf("-e", "smtpd_end_of_data_restrictions=")
    try:
        done, findings = host.doctor(), host.findings(("note", "warning", "problem"))
        quiet = host.doctor("--quiet").stdout
    finally:
        main_cf.write_text(saved)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    lines = unfolded(done.stdout).splitlines()
    for finding in findings:
        assert f"    {finding['remedy']}" in lines or finding["remedy"] is None
    assert re.findall(r"^(\w+):", quiet, re.M) == ["warning"]
    assert quiet.startswith("warning:  Postfix: smtp, submission, submissions: no hook in\n")


def test_not_as_root(host):
    """What another user cannot see is said, and is no fault."""
    host.as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    report = host.report()
    assert (report["problems"], report["warnings"]) == (0, 0)
    unseen = [f["what"] for f in report["findings"] if f["level"] == "not examined"]
    assert "whether other programs have the databases open: be root" in unseen
    assert any("be root or a member of control_group" in what for what in unseen)


@pytest.mark.parametrize("name, area", [("postconf", "Postfix"), ("doveconf", "Dovecot")])
def test_not_installed(host, name, area):
    """What is not there is not in order either."""
    before = host.mounts
    host.mounts += f"mount --bind /dev/null {shutil.which(name)}; "
    try:
        report, text = host.report(), host.doctor().stdout
    finally:
        host.mounts = before
    assert report["examined"][area] is None
    assert [f["what"] for f in report["findings"] if f["level"] == "not examined"] == [f"{name} cannot be run"]
    assert re.search(rf"^{area} +not examined$", text, re.M)


# -- policyd and its sockets

def test_policyd_is_away(host):
    with restarted_by_remedy(host):
        host.policyd.stop()
        finding = only(host, "policyd_away")
        assert finding["remedy"] == f"policyd -c {host.policyd.config}"
        host.shell(finding["remedy"])
        wait_for(lambda: host.findings() == [], "policyd to run")


def test_policyd_hangs(host):
    with restarted_by_remedy(host):
        os.kill(host.policyd.pid, signal.SIGSTOP)
        finding = only(host, "policyd_hung")
        host.shell(finding["remedy"])
        wait_for(lambda: host.findings() == [], "policyd to answer")


def test_a_socket_is_gone(host):
    with restarted_by_remedy(host):
        host.policyd.policy_socket.unlink()
        finding = only(host, "socket_silent")
        assert finding["where"] == "listen" and "No such file" in finding["what"]
        host.shell(finding["remedy"])
        wait_for(lambda: host.findings() == [], "policyd to listen")


def test_the_socket_for_reports_is_gone(host):
    with restarted_by_remedy(host):
        Path(host.policyd.settings["observe_socket"]).unlink()
        finding = only(host, "socket_silent")
        assert (finding["where"], finding["level"]) == ("observe_socket", "warning")
        host.shell(finding["remedy"])
        wait_for(lambda: host.findings() == [], "policyd to listen")


def test_somebody_else_listens(host):
    """A socket of the right name is no policyd."""
    saved = host.policyd.policy_socket.with_name("saved")
    host.policyd.policy_socket.rename(saved)
    script = f"""import socket
s = socket.socket(socket.AF_UNIX); s.bind({str(host.policyd.policy_socket)!r}); s.listen()
print("ready", flush=True)
while True:
    c, _ = s.accept(); c.recv(999); c.send(b"220 hello\\n")
"""
    try:
        with process(sys.executable, "-c", script):
            host.policyd.policy_socket.chmod(0o660)
            shutil.chown(host.policyd.policy_socket, "nobody", "postfix")
            assert "another program answers there" in only(host, "socket_silent")["what"]
    finally:
        saved.rename(host.policyd.policy_socket)


def test_another_configuration(host):
    """The administrator looks at a file that the running policyd does not go by."""
    saved, host.policyd.config = host.policyd.config, host.policyd.config.with_name("other.conf")
    try:
        host.policyd.config.write_text(saved.read_text())
        host.policyd.config.chmod(0o644)
        finding = only(host, "policyd_config")
        assert finding["what"] == f"policyd goes by {saved}"
        assert finding["remedy"] == f"policyctl -c {saved} doctor"
    finally:
        host.policyd.config.unlink()
        host.policyd.config = saved


def test_configuration_was_changed_since(host):
    """What is configured is not yet in effect."""
    read = json.loads(host.policyd.ctl("status", "--json").stdout)["configuration_read"]
    wait_for(lambda: time.time() > read + 1.1, "the next second")
    host.policyd.configure(help_url="https://help.example.com/")
    assert mend(host, "config_stale")["remedy"] == f"policyctl -c {host.policyd.config} reload"


def test_configuration_that_policyd_cannot_read_again(host):
    host.policyd.config.chmod(0o600)
    mend(host, "config_rights")


@pytest.mark.parametrize("name, mode, rule, where", [
    ("policy", 0o600, "socket_rights", "listen"),
    ("maps", 0o640, "socket_rights", "socketmap_listen"),
    ("", 0o700, "socket_rights", "listen, socketmap_listen"),
    ("policy", 0o666, "socket_open", "listen"),
    ("maps", 0o666, "socket_open", "socketmap_listen"),
])
def test_rights_of_the_sockets_of_postfix(host, name, mode, rule, where):
    path = host.policyd.sockets / name
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        finding = mend(host, rule)
        assert finding["where"] == where and str(path) in finding["what"]
    finally:
        path.chmod(before)


def test_rights_by_group(host):
    """The group is put right, too."""
    shutil.chown(host.policyd.policy_socket, group="daemon")
    mend(host, "socket_rights")


@pytest.mark.parametrize("option, mode, rule", [
    ("observe_socket", 0o600, "socket_rights"), ("control_socket", 0o666, "socket_open")])
def test_rights_of_the_other_sockets(host, option, mode, rule):
    path = Path(host.policyd.settings[option])
    path.chmod(mode)
    assert mend(host, rule)["where"] == option


# -- the databases

@pytest.mark.parametrize("name, mode", [
    ("accounts.db", 0o644), ("accounts.db", 0o660), ("state.db", 0o600), ("accounts.db-wal", 0o644), ("", 0o755),
    ("", 0o770)])
def test_rights_of_the_databases(host, database, name, mode):
    path = database.parent / name
    path.chmod(mode)
    finding = mend(host, "database_rights")
    assert finding["what"] == f"has mode {path.stat().st_mode & 0o7777 and mode:04o}"
    assert finding["level"] == ("warning" if mode == 0o600 else "problem")


@pytest.mark.parametrize("name", ["accounts.db", "state.db", "state.db-wal", ""])
def test_owner_of_the_databases(host, database, name):
    path = database.parent / name
    os.chown(path, 0, -1)
    finding = mend(host, "database_owner")
    assert (finding["where"], finding["what"]) == (str(path), "belongs to root, not to nobody")


def test_a_database_is_missing(host):
    state = Path(host.policyd.settings["state_db"])
    host.policyd.stop()
    try:
        for path in state.parent.glob("state.db*"):
            path.unlink()
        found = host.findings()
        assert [f["rule"] for f in found] == ["policyd_away", "database_unreadable"]
        host.shell(found[1]["remedy"])
        assert host.rules() == ["policyd_away"]
    finally:
        host.policyd.start()


def test_a_foreign_process_that_writes(host, database):
    """As the sqlite3 shell does when it is left open."""
    script = f"import sqlite3\ndb = sqlite3.connect({str(database)!r})\ndb.execute('select 1 from account').fetchall()\n" \
             "print('ready', flush=True)\ninput()"
    with process(sys.executable, "-c", script) as child:
        finding = only(host, "foreign_process")
        assert (finding["level"], finding["where"]) == ("problem", str(database))
        assert f"process {child.pid} (python3" in finding["what"] and finding["what"].endswith("which may write")
        host.shell(finding["remedy"])
        child.wait(PATIENCE)
    assert host.findings() == []


def test_a_foreign_process_that_reads(host, database):
    with process("sh", "-c", f"exec 3< {database}; echo ready; read line") as child:
        finding = only(host, "foreign_process")
        assert finding["level"] == "warning" and finding["remedy"] == f"kill {child.pid}"


# -- name servers

def test_dns_is_down(host):
    host.unbound.stop()
    try:
        finding = only(host, "dns_silent")
        assert finding["what"] == f"{host.unbound.server}: no answer within 2000 ms"
        assert finding["remedy"] == f"dig @127.0.0.1 -p {host.unbound.port} mx.postern.example"
    finally:
        host.unbound.start()


def test_dns_does_not_answer(host):
    host.unbound.freeze()
    try:
        assert only(host, "dns_silent")["level"] == "problem"
    finally:
        host.unbound.thaw()


def test_one_of_two_name_servers(host):
    dead = f"127.0.0.1@{Ports.free()}"
    host.policyd.configure(dns={"servers": [host.unbound.server, dead]})
    host.policyd.ctl("reload")
    finding = only(host, "dns_server_silent")
    assert (finding["level"], finding["what"]) == ("warning", f"{dead}: no answer within 2000 ms")


def test_name_servers_of_the_system(host, tmp_path):
    """Without servers in policyd.conf it is those of resolv.conf."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.253\n")
    host.policyd.configure(dns={"servers": []})
    host.policyd.ctl("reload")
    before = host.mounts
    host.mounts += f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf; "
    try:
        finding = only(host, "dns_silent")
    finally:
        host.mounts = before
    assert finding["what"] == "/etc/resolv.conf: no answer within 2000 ms"


# -- the clock

def test_the_clock_is_behind(host, database):
    """As on a host that starts without a time server."""
    before = database.stat()
    os.utime(database, (4000000000, 4000000000))
    try:
        assert "written at 2096-10-02" in only(host, "clock_back")["what"]
    finally:
        os.utime(database, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert host.findings() == []


def test_the_clock_went_back(host):
    """What was counted is yet to come."""
    def change(sql):
        host.policyd.stop()
        with closing(sqlite3.connect(host.policyd.settings["state_db"])) as db, db:
            db.execute(sql)
        host.policyd.start()

    change("INSERT INTO tally (start, scope, check_name, outcome, count) VALUES (4000000000, '', '', 'accepted', 1)")
    try:
        assert "2096-10-02" in only(host, "clock_back")["what"]
    finally:
        change("DELETE FROM tally WHERE start = 4000000000")
    assert host.findings() == []


# -- usage

def test_configuration_is_wrong(host):
    """Nothing is examined by a configuration that policyd would refuse."""
    done = run(program("policyctl"), "-c", "/nonexistent", "doctor", check=False)
    assert (done.returncode, done.stdout) == (2, "")
