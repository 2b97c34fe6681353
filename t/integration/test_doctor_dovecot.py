# SPDX-License-Identifier: MIT
"""policyctl doctor on Dovecot's configuration, 2.3 and 2.4: in order, and with one mistake at a time."""

from contextlib import contextmanager

import pytest

from doctor_host import ready  # noqa: F401  (fixture)
from mailhost import dovecot_dialect as dialect
from mailhost.dovecot_postern import driver
from mailhost.process import Process, wait_for

REFUSE = "auth_allow_cleartext = no\n" if dialect.IS_2_4 else "disable_plaintext_auth = yes\n"
LISTENER = "service auth {{\n  unix_listener {socket} {{\n    mode = 0660\n  }}\n}}\n"
WORKER = "service auth-worker {{\n  user = {}\n  extra_groups = {}\n}}\n"


@pytest.fixture
def host(ready):  # noqa: F811
    """Dovecot's configuration and the policy rows are put back afterwards."""
    yield ready
    ready.write_dovecot()
    for scope in ([], ["--account", "user@example.com"]):
        ready.policyd.ctl("policy", "unset", "starttls", *scope, check=False)


def mend(host, remedy):
    """The command up to the reload: this Dovecot does not run."""
    command, reload = remedy.rsplit(" && ", 1)
    assert reload == f"doveadm -c {host.dovecot.config} reload"
    host.shell(command)


def only(host, rule, level):
    """The one finding there is."""
    found = host.findings()
    assert [(f["rule"], f["level"], f["area"]) for f in found] == [(rule, level, "Dovecot")], found
    assert found[0]["why"]
    return found[0]


def notes(host):
    """Notes about Dovecot."""
    return {f["rule"]: f for f in host.findings(("note",)) if f["area"] == "Dovecot"}


def test_no_driver(host):
    """A host whose logins do not go by the table; the remedy is what contrib/dovecot has."""
    host.dovecot.config.write_text(dialect.VERSION + dialect.protocols("imap") + dialect.CLEARTEXT)
    mend(host, only(host, "dovecot_driver", "warning")["remedy"])
    assert host.findings() == []


def test_second_passdb(host):
    host.write_dovecot(dialect.static_passdb("secret"))
    assert only(host, "dovecot_second_passdb", "warning")["what"] == "passdb static is asked too"


def test_passdb_for_masters_only(host):
    """It is not asked for anybody's own password."""
    static = dialect.static_passdb("secret").rstrip().removesuffix("}")
    host.write_dovecot(static + "  master = yes\n}\n")
    assert host.findings() == []


@contextmanager
def hidden(host):
    """The driver is not where Dovecot's modules are."""
    module = host.dovecot.directory / "modules" / "auth" / driver().name
    saved = module.with_name(module.name + ".saved")  # /proc tells the name that a file has now
    module.rename(saved)
    try:
        yield
    finally:
        saved.rename(module)


def test_module_is_not_installed(host):
    with hidden(host):
        assert driver().name in only(host, "dovecot_module", "problem")["what"]


def test_driver_has_another_table(host):
    """Two account tables that differ are two policies."""
    other = host.policyd.config.with_name("driver.conf")
    other.write_text('accounts_db = "/var/lib/other/accounts.db"\n')
    text = host.dovecot.config.read_text()
    host.dovecot.config.write_text(text.replace(str(host.policyd.config), str(other)))
    finding = only(host, "dovecot_driver_config", "problem")
    assert finding["what"] == f"{other} says accounts_db = /var/lib/other/accounts.db"
    other.write_text(host.policyd.config.read_text())
    assert host.findings() == []
    other.unlink()
    assert str(other) in only(host, "dovecot_driver_config", "problem")["what"]


def test_auth_cache(host):
    """With the driver alone it serves nobody; with another passdb it keeps passwords that were changed."""
    host.write_dovecot("auth_cache_size = 10M\n")
    assert host.findings() == []
    assert notes(host)["dovecot_cache"]["what"].replace(" ", "") == "auth_cache_size=10M"
    host.write_dovecot("auth_cache_size = 10M\n" + dialect.static_passdb("secret"))
    found = {f["rule"]: f for f in host.findings()}
    assert set(found) == {"dovecot_cache", "dovecot_second_passdb"}
    mend(host, found["dovecot_cache"]["remedy"])
    assert host.rules() == ["dovecot_second_passdb"]
    assert "dovecot_cache" not in notes(host)


def test_no_exception_is_left(host):
    """Dovecot's own setting could be on; it is a note that its remedy takes away."""
    mend(host, notes(host)["native_tls"]["remedy"])
    assert notes(host) == {} and host.findings() == []


def test_exceptions_that_do_not_count(host):
    host.write_dovecot(REFUSE)
    assert host.findings() == []
    host.policyd.ctl("policy", "set", "starttls", "observe", "--account", "user@example.com")
    finding = only(host, "dovecot_cleartext", "warning")
    assert finding["what"] == f"{REFUSE.strip()}, and `starttls` has 1 exception, user@example.com"
    mend(host, finding["remedy"])
    assert notes(host) == {} and host.findings() == []


def test_nothing_to_observe(host):
    host.write_dovecot(REFUSE)
    host.policyd.ctl("policy", "set", "starttls", "observe")
    assert host.findings() == []
    mend(host, notes(host)["dovecot_cleartext"]["remedy"])
    assert notes(host) == {}


def test_worker_cannot_read_the_table(host):
    host.write_dovecot(WORKER.format("dovecot", "mail"))
    finding = only(host, "dovecot_worker", "problem")
    mend(host, finding["remedy"])
    assert host.findings() == []
    assert "extra_groups = mail nogroup" in host.dovecot.config.read_text()


def test_reports_of_the_worker_are_dropped(host):
    host.write_dovecot(WORKER.format("daemon", "nogroup"))
    finding = only(host, "dovecot_worker", "warning")
    assert finding["what"] == "user = daemon, and observe_user = dovecot"
    mend(host, finding["remedy"])
    assert host.findings() == []


def test_user_by_reference(host):
    """The internal user is said by a variable."""
    user = "$SET:default_internal_user" if dialect.IS_2_4 else "$default_internal_user"
    host.write_dovecot(WORKER.format(user, "nogroup"))
    assert host.findings() == []


def test_configuration_is_wrong(host):
    host.dovecot.config.write_text("no such {\n")
    only(host, "dovecot_config", "problem")


def test_what_runs_has_not_loaded_the_driver(host):
    """Set up, and not yet reloaded: what is configured is not in effect."""
    dovecot = host.dovecot
    runs = f"base_dir = {dovecot.directory}/run\nstate_dir = {dovecot.directory}/state\nlog_path = {dovecot.log}\n"
    runs += "ssl = no\n" + dialect.protocols("") + LISTENER.format(socket=host.postfix.queue / "private" / "auth")
    before = dialect.VERSION + dialect.CLEARTEXT + dialect.mechanisms("plain") + runs + dialect.static_passdb("secret")

    def ask():
        """Somebody who logs in makes Dovecot start what it needs."""
        dovecot.doveadm("auth", "test", "user@example.com", "secret", check=False)

    dovecot.config.write_text(before)
    (host.postfix.queue / "private").mkdir(exist_ok=True)
    process = Process([*dovecot.own_modules(), "dovecot", "-F", "-c", dovecot.config], dovecot.directory / "out")
    try:
        process.wait_ready((dovecot.directory / "run" / "master.pid").exists, "Dovecot")
        ask()
        host.write_dovecot(runs)
        finding = only(host, "dovecot_not_loaded", "problem")
        host.shell(finding["remedy"])
        wait_for(lambda: (ask(), host.findings())[1] == [], "the driver to be loaded")
        with hidden(host):
            assert host.findings() == []  # the process that runs has it, whatever we see
    finally:
        process.stop()
