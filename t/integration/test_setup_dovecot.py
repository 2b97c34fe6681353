# SPDX-License-Identifier: MIT
"""policyctl setup on Dovecot's configuration, 2.3 and 2.4: a file beside the others, and nothing else."""

import re
import shutil

import pytest

from login_host import accepted
from mailhost import dovecot_dialect as dialect
from mailhost.dovecot_postern import PosternDovecot
from mailhost.mailbox import ELSEWHERE, Imap
from mailhost.policyd import Policyd, program
from mailhost.process import let_others_enter, run, wait_for
from setup_host import SetupHost

ACCOUNTS = """
domain add example.com
account add user@example.com
"""


class DovecotHost:
    """Dovecot with its own users, as PostfixAdmin and iRedMail have it; policyd and its table."""

    def __init__(self, directory, include="!include conf.d/*.conf"):
        self.directory = directory
        self.policyd = Policyd(directory / "policyd", directory / "queue", {
            "dns": {"servers": ["127.0.0.1@1"]},
            "dovecot": {"home": f"{directory}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody",
                        "gid": "nogroup"}})
        self.dovecot = PosternDovecot(directory / "dovecot", self.policyd.config)
        self.folder = self.dovecot.directory / "conf.d"
        self.old = dialect.static_passdb("of-old") + dialect.static_userdb(
            uid="nobody", gid="nogroup", home=f"{directory}/mail/old")
        self.dovecot.drivers = include + "\n" if include else self.old
        self.prefix = []

    def prepare(self):
        """All but a start."""
        (self.directory / "mail").mkdir()
        shutil.chown(self.directory / "mail", "nobody", "nogroup")
        self.policyd.prepare()
        self.policyd.script(ACCOUNTS)
        self.dovecot.prepare()
        self.folder.mkdir()
        (self.folder / "10-old.conf").write_text(self.old)
        self.policyd.start()

    def stop(self):
        """All of it."""
        self.dovecot.stop()
        self.policyd.stop()

    def setup(self, *options):
        """The finished process."""
        return run(*(self.prefix or self.dovecot.own_modules()), program("policyctl"), "-c", self.policyd.config,
                   "setup", "--dovecot-only", "--dovecot-config", self.dovecot.config, *options, check=False)

    def files(self):
        """Every file of the configuration."""
        return {path: path.read_bytes() for path in self.dovecot.directory.glob("**/*.conf")}

    def settings(self):
        """doveconf -n, without its comments."""
        text = self.dovecot.doveconf("-n", self.dovecot.config)
        return [line for line in text.splitlines() if not line.startswith("#")]

    def login(self, user, password):
        """By IMAP with STARTTLS."""
        with Imap(self.dovecot.ports["imap"], ELSEWHERE) as imap:
            imap.starttls()
            return accepted(imap.login(user, password))


@pytest.fixture
def host(tmp_path):
    """With an !include of conf.d."""
    let_others_enter(tmp_path)
    made = DovecotHost(tmp_path)
    made.prepare()
    yield made
    made.stop()


def passdbs(host):
    """In the order in which they are asked."""
    text = "\n".join(host.settings())
    pattern = r"^passdb (\w+) \{" if dialect.IS_2_4 else r"^passdb \{(?:\n  .*)*?\n  driver = (\w+)"
    return re.findall(pattern, text, re.M)


def test_applied_and_taken_back(host):
    """One file comes and goes; the passdbs that were there are asked first; no other setting changes."""
    files, before = host.files(), host.settings()
    plan = host.setup()
    assert plan.returncode == 0 and host.files() == files
    assert "90-postern.conf (new)" in plan.stdout and "+passdb" in plan.stdout
    assert "static first, the account table after" in " ".join(plan.stdout.split())
    done = host.setup("--apply")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert {*host.files()} - {*files} == {host.folder / "90-postern.conf"}
    assert {path: text for path, text in host.files().items() if path in files} == files
    assert passdbs(host) == ["static", "postern"]
    assert [line for line in host.settings() if re.search(r"cleartext|plaintext|ssl", line)] == [
        line for line in before if re.search(r"cleartext|plaintext|ssl", line)]
    assert [line for line in before if line not in host.settings()] == []
    applied = host.files()
    assert "There is nothing to change" in host.setup("--apply").stdout and host.files() == applied
    done = host.setup("--undo")
    assert (done.returncode, done.stderr) == (0, "") and "90-postern.conf: removed" in done.stdout
    assert host.files() == files and host.settings() == before


def test_a_real_dovecot(host):
    """Accounts of the table log in once it was reloaded, those of old still do; after --undo the table's do not."""
    host.dovecot.start()
    assert host.login("someone@example.net", "of-old") and not host.login("user@example.com", "secret")
    done = host.setup("--apply")
    assert done.returncode == 0 and "Dovecot was reloaded." in done.stdout, done
    # what took logins before goes on with the old configuration until it has noticed
    wait_for(lambda: host.login("user@example.com", "secret"), "accounts of the table to log in")
    assert host.login("someone@example.net", "of-old")
    assert "Dovecot was reloaded." in host.setup("--undo").stdout
    wait_for(lambda: not host.login("user@example.com", "secret"), "accounts of the table to log in no more")
    assert host.login("someone@example.net", "of-old")


def test_without_a_folder(tmp_path):
    """One file with nothing included: the lines are shown, to be added by hand."""
    let_others_enter(tmp_path)
    host = DovecotHost(tmp_path, include="")
    host.prepare()
    try:
        files, done = host.files(), host.setup("--apply")
        assert done.returncode == 1 and host.files() == files
        assert "no !include of a folder" in " ".join(done.stdout.split()) and "| passdb" in done.stdout
        shown = re.findall(r"^ +\| (.*)$", done.stdout, re.M)
        host.dovecot.config.write_text(host.dovecot.config.read_text() + "\n".join(shown) + "\n")
        assert passdbs(host) == ["static", "postern"] and "nothing to change" in host.setup("--apply").stdout
    finally:
        host.stop()


def test_an_include_within_a_block_does_not_count(host):
    text = host.dovecot.config.read_text()
    (host.folder / "10-old.conf").write_text("mail_max_userip_connections = 11\n")
    host.dovecot.config.write_text(text.replace("!include conf.d/*.conf", "protocol imap {\n!include conf.d/*.conf\n}"))
    assert "no !include of a folder" in " ".join(host.setup().stdout.split())


def test_the_driver_is_not_installed(host):
    """Dovecot would end at the next login."""
    host.prefix = ["env"]
    files, done = host.files(), host.setup("--apply")
    assert done.returncode == 1 and "the driver is not installed" in " ".join(done.stdout.split())
    assert host.files() == files


def test_a_file_that_is_there_already(host):
    """Somebody's own; nor is ours, once edited, taken away."""
    path = host.folder / "90-postern.conf"
    path.write_text("# nothing yet\n")
    done = host.setup("--apply")
    assert done.returncode == 1 and "it is there already" in " ".join(done.stdout.split())
    assert path.read_text() == "# nothing yet\n"
    path.unlink()
    assert host.setup("--apply").returncode == 0
    path.write_text(path.read_text() + "# mine\n")
    done = host.setup("--undo")
    assert done.returncode == 1 and f"{path}: it was changed since" in done.stderr and path.exists()


def test_dovecot_does_not_take_it(host):
    """A line of the folder's that makes ours wrong: taken back at once."""
    (host.folder / "99-late.conf").write_text(dialect.passwd_passdb())
    files, done = host.files(), host.setup("--apply")
    assert done.returncode == 1 and done.stderr.endswith("all is as it was\n") and host.files() == files


def test_both_or_neither(host):
    """What Dovecot does not take undoes what was done to Postfix; without it, one command does both, and one undoes."""
    mail = SetupHost(host.directory / "mail")
    mail.policyd, mail.prefix = host.policyd, host.dovecot.own_modules()
    mail.options = ["--postfix-config", mail.postfix.config, "--dovecot-config", host.dovecot.config]
    host.policyd.sockets = mail.postfix.queue / "postern"
    host.policyd.configure(listen=[f"unix:{host.policyd.policy_socket}"])
    mail.prepare()
    host.policyd.restart()
    late = host.folder / "99-late.conf"
    late.write_text(dialect.passwd_passdb())
    files = (mail.files(), host.files())
    done = mail.setup("--apply")
    assert done.returncode == 1 and done.stderr.endswith("all is as it was\n") and (mail.files(), host.files()) == files
    late.unlink()
    files = (mail.files(), host.files())
    text = mail.apply()
    assert "Postfix  " in text and "Dovecot  " in text and "90-postern.conf (new)" in text
    assert passdbs(host) == ["static", "postern"] and "postern_policy" in mail.parameters()[0]
    mail.undo()
    assert (mail.files(), host.files()) == files
