# SPDX-License-Identifier: MIT
"""Dovecot with the driver under test: IMAP and POP3, STARTTLS and implicit TLS, cleartext allowed.

Dovecot loads drivers from one folder that is compiled in.  It runs in a mount namespace of its own, where that
folder holds nothing but the driver just built: what is installed on the host is neither used nor touched.
"""

import os
import shutil
from pathlib import Path

from . import dovecot_dialect as dialect
from .process import Ports, Process, accepts, children, run

MODULES = "/usr/lib/dovecot/modules"

# The ports of implicit TLS are named in policyd.conf (dovecot.implicit_tls_ports), as on a host with odd ports.
CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {log}
auth_verbose = yes
auth_failure_delay = 0
auth_cache_size = {cache_size}
auth_cache_ttl = 1 hour
auth_cache_negative_ttl = 1 hour
auth_username_chars =
listen = 127.0.0.1, {foreign}
first_valid_uid = 1
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
{more}
"""

# For clients that cannot choose their address: a connection to it comes from 127.0.0.1, so it is not one within
# the same host to Dovecot.
FOREIGN = "127.0.0.9"

SIEVE_LISTENER = """
service managesieve-login {{
  inet_listener sieve {{
    port = {port}
  }}
}}
"""

LMTP_LISTENER = """
service lmtp {{
  unix_listener {socket} {{
    mode = 0600
    user = postfix
  }}
}}
"""

SASL_LISTENER = """
service auth {{
  unix_listener {socket} {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


def modules():
    """(path, folder below Dovecot's modules) of what was built: the driver, and for 2.4 its settings."""
    built = [("libauthdb_postern.so", "auth")] + [("libpostern_settings.so", "settings")] * dialect.IS_2_4
    for name, folder in built:
        path = Path(os.environ.get("POSTERN_BUILD", ".")) / ".libs" / name
        if not path.is_file():
            raise FileNotFoundError(f"{path}: not built; configure found no Dovecot headers, or set POSTERN_BUILD")
        yield path, folder


def driver():
    """The path of the driver in the build directory."""
    return next(modules())[0]


class PosternDovecot:
    """One instance below one directory, asking the account table that policyd.conf names."""

    def __init__(self, directory, policyd_conf, cache_size=0, more="", sasl_socket=None, sieve=False, lmtp_socket=None):
        self.directory = Path(directory)
        self.config = self.directory / "dovecot.conf"
        self.log = self.directory / "dovecot.log"
        self.ports = {name: Ports.free() for name in ("imap", "imaps", "pop3", "pop3s")}
        if sieve:
            self.ports["sieve"] = Ports.free()
        self.drivers = dialect.driver("passdb", policyd_conf) + dialect.driver("userdb", policyd_conf)
        self.cache_size = cache_size
        self.more = more + (SASL_LISTENER.format(socket=sasl_socket) if sasl_socket else "")
        self.more += SIEVE_LISTENER.format(port=self.ports["sieve"]) if sieve else ""
        self.more += LMTP_LISTENER.format(socket=lmtp_socket) if lmtp_socket else ""
        self.protocols = "imap pop3" + " sieve" * sieve + " lmtp" * bool(lmtp_socket)
        self._process = None

    @property
    def implicit_tls_ports(self):
        """For policyd.conf."""
        return [self.ports["imaps"], self.ports["pop3s"]]

    def prepare(self):
        """Write configuration and certificate, and the folder with the driver."""
        for path, folder in modules():
            (self.directory / "modules" / folder).mkdir(parents=True, exist_ok=True)
            if folder == "settings":  # ManageSieve's are there too
                shutil.copytree(f"{MODULES}/settings", self.directory / "modules" / folder, dirs_exist_ok=True)
            shutil.copy(path, self.directory / "modules" / folder)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "30", "-subj", "/CN=imap.postern.example", "-addext",
            f"subjectAltName=DNS:imap.postern.example,DNS:{FOREIGN}", "-keyout", self.directory / "key.pem",
            "-out", self.directory / "cert.pem")
        self.write_config()

    def write_config(self):
        """Write dovecot.conf."""
        self.config.write_text(
            dialect.VERSION + dialect.CLEARTEXT + dialect.mechanisms("plain login cram-md5")
            + dialect.protocols(self.protocols)
            + dialect.certificate(self.directory / "cert.pem", self.directory / "key.pem")
            + CONFIG.format(base=self.directory, log=self.log, foreign=FOREIGN, cache_size=self.cache_size,
                            more=self.drivers + self.more, **self.ports))

    def start(self):
        """Start and wait until IMAP and POP3 accept."""
        self._process = Process(
            [*self.own_modules(), "dovecot", "-F", "-c", self.config], self.directory / "dovecot.out")
        self._process.wait_ready(lambda: all(accepts(port) for port in self.ports.values()), "Dovecot")

    def own_modules(self):
        """The beginning of a command that sees our folders in the place of Dovecot's."""
        mounts = " && ".join(f'mount --bind "{folder}" "{MODULES}/{folder.name}"'
                             for folder in sorted((self.directory / "modules").iterdir()))
        return ["unshare", "--mount", "sh", "-c", mounts + ' && exec "$@"', "sh"]

    def stop(self):
        """End the master and with it every process of the instance."""
        if self._process:
            self._process.stop()
            self._process = None

    def doveadm(self, *arguments, check=True, stdin=None):
        """Run doveadm(1) against this instance."""
        return run(*self.own_modules(), "doveadm", "-c", self.config, *arguments, check=check, stdin=stdin)

    def doveconf(self, option, config):
        """What doveconf(1) prints of a configuration."""
        return run(*self.own_modules(), "doveconf", option, "-c", config).stdout

    def workers(self):
        """The process ids of this instance's auth workers."""
        if not self._process:
            return []
        return [pid for pid, argv in children(self._process.pid) if argv[0] == b"dovecot/auth" and b"-w" in argv]

    def log_text(self):
        """Everything logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""
