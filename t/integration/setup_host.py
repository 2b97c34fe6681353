# SPDX-License-Identifier: MIT
"""Mail hosts as others set them up, before Postern comes to them: what policyctl setup finds, does and takes back.

Each has real configuration files of Postfix in a directory of its own, ports of its own in master.cf, and a policyd
that runs.  Tables that need a database server stand there as text; what is asked of policyd comes before them.
"""

import json
import os
import re
import shutil
from pathlib import Path

from mailhost.dovecot import Dovecot
from mailhost.policyd import Policyd, program
from mailhost.postfix import DEBIAN_MASTER_CF, Postfix, uncomment_services
from mailhost.process import Ports, run

DEBIAN_MAIN_CF = Path("/usr/share/postfix/main.cf.debian")

# What Debian's postinst adds for an "Internet Site".
DEBIAN = """
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = {myhostname}
alias_maps =
alias_database =
mydestination = $myhostname, localhost
relayhost =
mailbox_size_limit = 0
recipient_delimiter = +
inet_protocols = all
"""

# Below every one of them: an instance of its own, from which nothing leaves.
PRIVATE = """
queue_directory = {queue}
data_directory = {data}
maillog_file = {log}
maillog_file_prefixes = {directory}
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.1/32
local_transport = discard:
virtual_transport = discard:
relay_transport = discard:
default_transport = discard:
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_tls_cert_file = {config}/cert.pem
smtpd_tls_key_file = {config}/key.pem
"""

# In the manner of iRedMail: long lists over several lines, iRedAPD in two of them, tables of MySQL, amavisd.
IREDMAIL = """
compatibility_level = 3.6
myhostname = {myhostname}
mydestination = $myhostname, localhost
alias_maps =
smtpd_helo_required = yes
smtpd_helo_restrictions =
    permit_mynetworks
    permit_sasl_authenticated
    reject_non_fqdn_helo_hostname
    reject_invalid_helo_hostname

# senders
smtpd_sender_restrictions =
    reject_non_fqdn_sender
    reject_unlisted_sender
    permit_mynetworks
    permit_sasl_authenticated
    # of well known bad ones
    check_sender_access inline:{{{{spam@example.org=REJECT}}}}

smtpd_recipient_restrictions =
    reject_non_fqdn_recipient
    reject_unlisted_recipient
    check_policy_service inet:127.0.0.1:7777
    permit_mynetworks
    permit_sasl_authenticated
    reject_unauth_destination
    check_policy_service inet:127.0.0.1:12340
smtpd_end_of_data_restrictions = check_policy_service inet:127.0.0.1:7777
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_sender_login_maps = proxy:mysql:{config}/mysql_sender_login_maps.cf
virtual_mailbox_domains = proxy:mysql:{config}/mysql_virtual_mailbox_domains.cf
virtual_mailbox_maps = proxy:mysql:{config}/mysql_virtual_mailbox_maps.cf
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
"""
IREDMAIL_SERVICES = """
submission inet n       -       n       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o content_filter=smtp-amavis:[127.0.0.1]:10026
submissions inet n      -       n       -       -       smtpd
  -o syslog_name=postfix/smtps
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o content_filter=smtp-amavis:[127.0.0.1]:10026
smtp-amavis unix -  -   n   -   2  lmtp
    -o lmtp_data_done_timeout=1200
127.0.0.1:{reinjection} inet n  -   n   -   -  smtpd
    -o content_filter=
    -o smtpd_helo_restrictions=
    -o smtpd_sender_restrictions=
    -o smtpd_recipient_restrictions=permit_mynetworks,reject
    -o smtpd_end_of_data_restrictions=
    -o mynetworks=127.0.0.0/8
"""

# In the manner of PostfixAdmin's guides: postscreen in front, smtps by its old name, mua_* macros, postgrey, SPF.
POSTFIXADMIN = """
compatibility_level = 3.6
myhostname = {myhostname}
mydestination = localhost
alias_maps =
virtual_mailbox_domains = proxy:mysql:{config}/mysql_virtual_domains_maps.cf
virtual_alias_maps = proxy:mysql:{config}/mysql_virtual_alias_maps.cf
virtual_mailbox_maps = proxy:mysql:{config}/mysql_virtual_mailbox_maps.cf
virtual_alias_domains =
postscreen_access_list = cidr:{config}/postscreen.cidr
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
mua_client_restrictions = permit_sasl_authenticated, reject
mua_helo_restrictions = permit_sasl_authenticated, reject
mua_sender_restrictions = permit_sasl_authenticated, reject
mua_recipient_restrictions =
    permit_sasl_authenticated
    reject
smtpd_sender_restrictions = reject_unknown_sender_domain
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination,
    check_policy_service unix:private/policyd-spf, check_policy_service inet:127.0.0.1:10023
"""
POSTFIXADMIN_SERVICES = """
smtpd     pass  -       -       y       -       -       smtpd
dnsblog   unix  -       -       y       -       0       dnsblog
tlsproxy  unix  -       -       y       -       0       tlsproxy
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=$mua_client_restrictions
  -o smtpd_helo_restrictions=$mua_helo_restrictions
  -o smtpd_sender_restrictions=$mua_sender_restrictions
  -o smtpd_recipient_restrictions=$mua_recipient_restrictions
smtps     inet  n       -       y       -       -       smtpd
  -o syslog_name=postfix/smtps
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=$mua_client_restrictions
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }
policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/policyd-spf
"""


class SetupHost:
    """Postfix's configuration of one kind, and policyd; files() is what must come back."""

    def __init__(self, directory, kind="debian", services=("smtp", "submission", "submissions")):
        self.directory = Path(directory)
        self.postfix = Postfix(self.directory / "postfix")
        if kind == "postfixadmin":
            services = ("smtp", "submission", "smtps")
        self.postfix.ports = {name: self.postfix.ports.get(name) or self.postfix.ports["submissions"]
                              for name in services}
        self.kind = kind
        self.policyd = Policyd(self.directory / "policyd", self.postfix.queue, {
            "trusted_networks": ["127.0.0.1/32"], "dns": {"servers": ["127.0.0.1@1"]},
            "limits": {"deadline_ms": 5000},  # the default, by which Postfix is told how long to wait
            "submission_ports": [port for name, port in self.postfix.ports.items() if name != "smtp"]})
        self.dovecot = Dovecot(self.directory / "dovecot", self.postfix.queue, "secret")  # for logins over SMTP
        self.options = ["--postfix-config", self.postfix.config, "--postfix-only"]
        self.prefix = []

    def prepare(self, named=False):
        """Write it all; with named the services keep their names."""
        self.postfix.prepare()
        values = {"myhostname": "mx.postern.example", "config": self.postfix.config, "reinjection": Ports.free(),
                  "queue": self.postfix.queue, "data": self.postfix.directory / "data", "log": self.postfix.log,
                  "directory": self.postfix.directory}
        master = DEBIAN_MASTER_CF.read_text()
        if self.kind == "debian":
            main = DEBIAN_MAIN_CF.read_text()
            master = uncomment_services(master, {"submission", "submissions"})
        elif self.kind == "iredmail":
            main, master = IREDMAIL.format(**values), master + IREDMAIL_SERVICES.format(**values)
        else:
            main = POSTFIXADMIN.format(**values)
            (self.postfix.config / "postscreen.cidr").write_text("127.0.0.0/8 permit\n")
            master = master.replace("\nsmtp      inet  n       -       y       -       -       smtpd\n",
                                    "\nsmtp      inet  n       -       y       -       1       postscreen\n", 1)
            master += POSTFIXADMIN_SERVICES
        for name in re.findall(r"proxy:mysql:\S+/(\S+)", main):
            (self.postfix.config / name).write_text("user = mail\npassword = secret\nhosts = 127.0.0.1\ndbname = mail\n"
                                                    "query = SELECT 1 FROM t WHERE name = '%s'\n")
        (self.postfix.config / "main.cf").write_text(main)
        (self.postfix.config / "master.cf").write_text(master)
        self._postconf((DEBIAN if self.kind == "debian" else "") + PRIVATE, values)
        if not named:
            self.postfix.name_ports()
        self.age()
        self.policyd.prepare()

    def _postconf(self, settings, values):
        """As Debian's postinst does it."""
        self.age()
        self.postfix.postconf("-e", *filter(None, settings.format(**values).splitlines()))

    def age(self):
        """Postfix's programs wait while its configuration was changed less than two seconds ago."""
        for name in ("main.cf", "master.cf"):
            os.utime(self.postfix.config / name, (1, 1))

    def start(self):
        """policyd alone."""
        self.policyd.start()

    def stop(self):
        """All that runs."""
        self.dovecot.stop()
        self.postfix.stop()
        self.policyd.stop()

    # -- the command

    def setup(self, *options, env=None):
        """The finished process."""
        self.age()
        return run(*self.prefix, program("policyctl"), "-c", self.policyd.config, "setup", *self.options, *options,
                   check=False, env={**os.environ, **(env or {})}, timeout=120)

    def plan(self):
        """The plan as JSON; nothing may come of it."""
        before = self.files()
        done = self.setup("--json")
        assert (done.returncode, done.stderr) == (0, ""), done
        assert self.files() == before
        return json.loads(done.stdout)

    def apply(self, status=0):
        """Make the changes."""
        done = self.setup("--apply")
        assert (done.returncode, done.stderr) == (status, ""), done
        return done.stdout

    def undo(self):
        """Take them back."""
        done = self.setup("--undo")
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    # -- what there is

    @property
    def journal(self):
        """The journal's folder."""
        return self.directory / "policyd" / "lib-setup"

    def files(self):
        """Every file of the configuration: octets, mode and owner."""
        found = {}
        for path in sorted(self.postfix.config.rglob("*")):
            if path.is_file():
                st = path.stat()
                found[path.relative_to(self.postfix.config)] = (path.read_bytes(), st.st_mode, st.st_uid, st.st_gid)
        return found

    def parameters(self):
        """Everything that postconf(1) says, of main.cf and of each service, and its complaints."""
        self.age()
        main = run("postconf", "-c", self.postfix.config)
        own = run("postconf", "-c", self.postfix.config, "-P")
        lines = main.stdout.splitlines() + own.stdout.splitlines()
        values = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
        del values["process_id"]
        return values, sorted((main.stderr + own.stderr).splitlines())

    def edit(self, name, old, new):
        """A change by hand."""
        path = self.postfix.config / name
        text = path.read_text()
        assert text.count(old) >= 1, (name, old)
        path.write_text(text.replace(old, new, 1))

    def copy(self, directory):
        """The configuration's directory once more."""
        shutil.copytree(self.postfix.config, directory)
        return Path(directory)
