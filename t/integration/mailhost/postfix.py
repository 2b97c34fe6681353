# SPDX-License-Identifier: MIT
"""A private Postfix: own configuration, queue and data directory, own ports, and nothing ever leaves it.

master.cf is Debian's own, its commented submission and submissions services made live, so what is
tested is what a Debian host has.  Parameters are set as an administrator does it, by postconf(1).
"""

import grp
import os
import pwd
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

from .process import Ports, Process, accepts, children, listens, run, wait_for

DEBIAN_MASTER_CF = Path("/usr/share/postfix/master.cf.dist")

# A private instance; every message ends in discard(8); errors cost no delay.
BASE = """
compatibility_level = 3.6
inet_interfaces = 127.0.0.1
inet_protocols = all
mynetworks = 127.0.0.1/32
mydestination =
alias_maps =
alias_database =
local_transport = discard:
virtual_transport = discard:
relay_transport = discard:
default_transport = discard:
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 100000
smtpd_junk_command_limit = 100000
smtpd_client_connection_count_limit = 0
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_tls_security_level = may
"""


def uncomment_services(master_cf, names):
    """Make the named commented inet services of Debian's master.cf live, with their commented options."""
    lines, live = [], False
    for line in master_cf.splitlines():
        if re.match(r"#\S", line):
            live = re.match(r"#(\S+)\s+inet\s", line) is not None and line[1:].split()[0] in names
            line = line[1:] if live else line
        elif live and re.match(r"#\s+-o ", line):
            line = line[1:]
        elif not line.startswith("#"):
            live = False
        lines.append(line)
    return "\n".join(lines) + "\n"


class Postfix:
    """One instance.  prepare(), then postconf() and add_smtpd() as often as needed, then start()."""

    def __init__(self, directory, myhostname="mx.postern.example", resolver="127.0.0.1", hosts=None):
        self.directory = Path(directory)
        self.config = self.directory / "etc"
        self.queue = self.directory / "spool"
        self.log = self.directory / "mail.log"
        self.myhostname = myhostname
        self.resolver = resolver
        self.hosts = {"127.0.0.1": "localhost", **(hosts or {})}
        self.ports = {name: Ports.free() for name in ("smtp", "submission", "submissions")}
        self._named = False
        self._process = None

    # -- configuration

    def prepare(self):
        """Write the configuration and the chroot; nothing runs yet."""
        for path in (self.config, self.queue):
            path.mkdir(parents=True)
        data = self.directory / "data"
        data.mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        (self.config / "master.cf").write_text(
            uncomment_services(DEBIAN_MASTER_CF.read_text(), {"submission", "submissions"}))
        (self.config / "main.cf").write_text(BASE + f"""
queue_directory = {self.queue}
data_directory = {data}
maillog_file = {self.log}
maillog_file_prefixes = {self.directory}
myhostname = {self.myhostname}
smtpd_tls_cert_file = {self.config}/cert.pem
smtpd_tls_key_file = {self.config}/key.pem
""")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "30", "-subj", f"/CN={self.myhostname}", "-keyout", self.config / "key.pem",
            "-out", self.config / "cert.pem")
        self._write_chroot()

    def name_ports(self):
        """Until now the services of master.cf bear names, as on any host; put this instance's ports there."""
        path = self.config / "master.cf"
        text = path.read_text()
        for name, port in self.ports.items():
            text, found = re.subn(rf"^{name}(\s+inet\s)", rf"{port}\1", text, count=1, flags=re.M)
            if not found:
                raise RuntimeError(f"{path}: no service {name}")
        path.write_text(text)
        self._named = True

    def _write_chroot(self):
        """What smtpd reads inside the queue directory: names of clients, the resolver's address, services.

        Debian 13 puts the host's own files there at each check and reload, so this follows each of them.
        """
        etc = self.queue / "etc"
        etc.mkdir(exist_ok=True)
        shutil.copy("/etc/services", etc)
        (etc / "nsswitch.conf").write_text("hosts: files dns\n")
        (etc / "resolv.conf").write_text(f"nameserver {self.resolver}\noptions timeout:3 attempts:1\n")
        (etc / "hosts").write_text("".join(f"{address} {name}\n" for address, name in self.hosts.items()))

    def postconf(self, *arguments):
        """Run postconf(1) on this instance's configuration and return what it prints."""
        return run("postconf", "-c", self.config, *arguments).stdout

    def add_smtpd(self, name, *settings):
        """Add one more smtpd service, its settings each given as "name=value"."""
        self.ports[name] = Ports.free()
        self.postconf("-M", f"{name}/inet={name} inet n - y - - smtpd")
        self.postconf("-P", *(f"{name}/inet/{s}" for s in settings))

    # -- life

    def check(self):
        """Run postfix check and return its warnings, less those about files the chroot has on purpose."""
        output = run("postfix", "-c", self.config, "check", check=False)
        self._write_chroot()
        lines = dict.fromkeys((output.stdout + output.stderr).splitlines())
        return [line for line in lines if not re.search(r"/etc/\S+ differ$|^updating /etc/", line)]

    def start(self):
        """Start, and wait until every service of master.cf is there and the SMTP port accepts."""
        if not self._named:
            self.name_ports()
        complaints = self.check()
        if complaints:
            raise RuntimeError("postfix check: " + "\n".join(complaints))
        master = self.postconf("-xh", "daemon_directory").strip() + "/master"
        self._process = Process([master, "-c", self.config, "-s"], self.directory / "master.log")
        self._process.wait_ready(lambda: all(map(listens, self._listeners())) and accepts(self.ports["smtp"]), "Postfix")

    def _listeners(self):
        """The ports of master.cf that are numbers."""
        services = self.postconf("-M").splitlines()
        return [int(found.group(1)) for found in (re.match(r"(?:\S+:)?(\d+)\s+inet\s", line) for line in services) if found]

    def stop(self):
        """End the master and with it every process of the instance."""
        if self._process:
            self._process.stop()
            self._process = None

    def reload(self):
        """Reload the configuration."""
        with self.reloaded():
            run("postfix", "-c", self.config, "reload")
        self._write_chroot()

    @contextmanager
    def reloaded(self):
        """Around what has this Postfix reload: ends when no smtpd from before is left, since until it has noticed, an
        idle one serves a connection by the old configuration.  Dialogues that are still open hold it up."""
        before, said = self._smtpds(), self._reloads()
        yield
        wait_for(lambda: self._reloads() > said and not before & self._smtpds(), "Postfix to be reloaded")

    def _reloads(self):
        """How often the master said that it reads its configuration again."""
        return len(re.findall(r"/master\[\d+\]: reload -- version ", self.log_text()))

    def _smtpds(self):
        """The process ids of this instance's smtpd."""
        return {pid for pid, argv in children(self._process.pid) if argv[0] == b"smtpd"}

    # -- questions

    def postmap_query(self, key, table):
        """Look a key up as Postfix would; None when it is not found, RuntimeError when it could not be asked."""
        done = run("postmap", "-c", self.config, "-q", key, table, cwd=self.queue, check=False)
        if done.returncode == 0:
            return done.stdout.rstrip("\n")
        if done.stderr:
            raise RuntimeError(done.stderr.strip())
        return None

    def log_text(self):
        """Everything logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def group(self):
        """The group that may talk to policyd's sockets."""
        return grp.getgrnam("postfix").gr_gid
