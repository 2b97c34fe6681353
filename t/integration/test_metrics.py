# SPDX-License-Identifier: MIT
"""/metrics and /healthz: what Prometheus' own tools say of them, that the counts are true, and who may ask."""

import http.client
import os
import re
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from mailhost.policy import PolicyClient
from mailhost.policyd import Policyd
from mailhost.process import PATIENCE, Ports, let_others_enter, run, wait_for

RULES = Path(__file__).parents[2] / "contrib" / "prometheus" / "postern.rules.yml"
SAMPLE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


class Metered:
    """A policyd that serves metrics."""

    def __init__(self, directory, port):
        self.socket, self.port = directory / "run" / "metrics", port
        self.policyd = Policyd(directory, directory / "queue", {
            "socket_group": "", "metrics_listen": [f"unix:{self.socket}", f"inet:127.0.0.1:{port}"]})

    def get(self, path, method="GET", connection=None):
        """Status and text of an answer."""
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def metrics(self):
        """Each sample by its name and labels."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if not line.startswith("#")]
        return {(m[1] if m[2] is None else f"{m[1]}{{{m[2]}}}"): float(m[3]) for m in map(SAMPLE.match, lines)}


@pytest.fixture(scope="module")
def metered(tmp_path_factory):
    """One with an account that is suspended."""
    base = tmp_path_factory.mktemp("metrics")
    let_others_enter(base)
    one = Metered(base, Ports.free())
    one.policyd.prepare()
    one.policyd.script("domain add example.com\naccount add jo@example.com\naccount add al@example.com")
    one.policyd.ctl("account", "suspend", "al@example.com", "--reason", "test")
    one.policyd.start()
    yield one
    one.policyd.stop()


def ask(metered, **attributes):
    with PolicyClient(metered.policyd.policy_socket) as client:
        return client.ask(protocol_state="RCPT", **attributes)


def test_prometheus_takes_it(metered):
    ask(metered, helo_name="pc.local", client_address="192.0.2.1")
    checked = run("promtool", "check", "metrics", stdin=metered.get("/metrics")[1])
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_prometheus_takes_the_alert_rules(metered):
    assert "10 rules found" in run("promtool", "check", "rules", RULES).stdout
    names = set(re.findall(r"postern_[a-z_]+", RULES.read_text()))
    known = {re.split(r"[{]", name)[0] for name in metered.metrics()}
    assert names - known == set()


def test_decisions_are_counted(metered):
    before = metered.metrics()
    assert ask(metered, helo_name="pc.local", client_address="192.0.2.1").startswith("554 5.7.1")
    assert ask(metered, helo_name="mail", client_address="192.0.2.1", recipient="jo@example.com") == "DUNNO"
    after = metered.metrics()

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    assert grown('postern_decisions_total{outcome="refuse"}') == 1
    assert grown('postern_decisions_total{outcome="pass"}') == 1
    assert grown('postern_check_verdicts_total{check="helo_local",verdict="refuse"}') == 1
    assert grown('postern_findings_total{check="helo_local",mode="enforce",cause=".local"}') == 1
    assert grown('postern_findings_total{check="helo_fqdn",mode="observe",cause="no_fqdn"}') == 1
    assert grown("postern_decision_duration_seconds_count") == 2
    assert grown('postern_decision_duration_seconds_bucket{le="+Inf"}') == 2
    assert grown("postern_decision_duration_seconds_sum") > 0
    assert grown('postern_facts_total{kind="list",answer="NOT_FOUND"}') > 0


def test_shed_checks_are_counted(metered):
    names = [f'postern_check_shed_total{{check="{check}"}}' for check in ("dnsbl", "helo_resolve")]
    before = metered.metrics()
    assert before["postern_load_level"] == 0
    metered.policyd.ctl("shed", "on")
    try:
        assert ask(metered, helo_name="mail.example.org", client_address="192.0.2.1") == "DUNNO"
        after = metered.metrics()
    finally:
        metered.policyd.ctl("shed", "off")
    assert after["postern_load_level"] == 3
    assert [after[name] - before[name] for name in names] == [0, 1]  # dnsbl is off
    assert not [name for name in after if "shed" in name and "sender_login" in name]
    wait_for(lambda: 'postern_load_reading{reading="lookups"}' in metered.metrics(), "the first sample")


def test_checks_are_timed_now_and_then(metered):
    name = 'postern_check_duration_seconds_count{check="helo_local"}'
    before = metered.metrics()[name]
    with PolicyClient(metered.policyd.policy_socket) as client:
        for _ in range(64):
            client.ask(protocol_state="RCPT", helo_name="mail.example.org", client_address="192.0.2.1")
    assert metered.metrics()[name] - before == 2


def test_gauges_tell_what_is(metered):
    m = metered.metrics()
    state = metered.policyd.settings["state_db"]
    assert m["postern_suspended_accounts"] == 1
    assert m["postern_accounts_readable"] == 1
    name = 'postern_database_bytes{database="state",file="main"}'  # which grows where the log is written back meanwhile
    wait_for(lambda: metered.metrics()[name] == os.stat(state).st_size, "the size of the file to be told")


def test_a_reader_that_stays(metered, tmp_path):
    """For how long, from the first time on that it held the log up; and how that ends."""
    name = 'postern_database_log_held_seconds{database="accounts"}'
    assert metered.metrics()[name] == 0
    path = metered.policyd.settings["accounts_db"]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM account").fetchone()
        networks = tmp_path / "networks"  # so many that the log would be written back
        networks.write_text("".join(f"10.{n // 256}.{n % 256}.0/24\n" for n in range(20000)))
        metered.policyd.ctl("list", "import", networks, "--format", "networks", "--action", "deny")
        wait_for(lambda: metered.metrics()[name] > 0, "the log to be held")
        assert metered.metrics()[name.replace("accounts", "state")] == 0
        held = re.search(r"^accounts_log_held +([0-9]+)$", metered.policyd.ctl("status").stdout, re.M)
        assert 0 <= int(held.group(1)) < 60
        assert metered.get("/healthz") == (200, "ok\n")
        reader.execute("COMMIT")
    wait_for(lambda: metered.metrics()[name] == 0, "the log to be written back")


def test_commits_are_counted(metered):
    before = metered.metrics()["postern_commit_changes_sum"]
    metered.policyd.ctl("domain", "add", "more.example")
    assert metered.metrics()["postern_commit_changes_sum"] > before


def test_over_a_unix_socket(metered):
    assert metered.get("/healthz", connection=UnixConnection(metered.socket)) == (200, "ok\n")
    assert metered.socket.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("GET", "/", 404), ("GET", "/etc/passwd", 404),
    ("POST", "/metrics", 501), ("DELETE", "/metrics", 501), pytest.param("GET", "/metrics?" + "x" * 9000, 400, id="too long")])
def test_answers_only_these_questions(metered, method, path, status):
    assert metered.get(path, method)[0] == status


def test_many_connections_cost_nobody_else(metered):
    """A crowd that says nothing gets a second's share; policyd answers on, and the metrics behind the crowd."""
    before = len(os.listdir(f"/proc/{metered.policyd.pid}/fd"))
    began = time.monotonic()
    crowd = [socket.create_connection(("127.0.0.1", metered.port)) for _ in range(50)]
    try:
        assert ask(metered, helo_name="pc.local", client_address="192.0.2.1").startswith("554")
        assert len(os.listdir(f"/proc/{metered.policyd.pid}/fd")) - before <= 2 + 16 * (
            2 + int(time.monotonic() - began))  # each second that ends meanwhile lets in sixteen more
    finally:
        for one in crowd:
            one.close()
    assert metered.get("/healthz") == (200, "ok\n")


def test_health_is_honest(metered):
    """Without its account table it says so, and is well again by itself."""
    accounts = Path(metered.policyd.settings["accounts_db"])
    away = accounts.with_suffix(".away")
    accounts.rename(away)
    try:
        wait_for(lambda: metered.get("/healthz")[0] == 503, "the missing table to be noticed")
        assert metered.get("/healthz")[1] == f"{accounts} cannot be read\n"
        assert metered.metrics()["postern_accounts_readable"] == 0
    finally:
        away.rename(accounts)
    wait_for(lambda: metered.get("/healthz") == (200, "ok\n"), "policyd to be well again")


@pytest.mark.parametrize("listener", ["inet:0.0.0.0:9464", "inet:192.0.2.1:9464", "inet:[::]:9464"])
def test_other_hosts_never(tmp_path, listener):
    let_others_enter(tmp_path)
    policyd = Policyd(tmp_path, tmp_path / "queue", {"socket_group": "", "metrics_listen": [listener]})
    with pytest.raises(Exception) as failed:
        policyd.prepare()
    assert f"'{listener}' is open to other hosts; write unix:/path, inet:127.0.0.1:9464 or inet:[::1]:9464" in str(
        failed.value)
