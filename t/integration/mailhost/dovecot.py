# SPDX-License-Identifier: MIT
"""Dovecot as Postfix's SASL server: any login with one password, the socket in Postfix's queue directory."""

from pathlib import Path

from . import dovecot_dialect as dialect
from .policy import connect
from .process import Process

CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
ssl = no
auth_username_chars =
service auth {{
  unix_listener {socket} {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


class Dovecot:
    """The authentication server; every login that a mail program can say is right with this password."""

    def __init__(self, directory, queue_directory, password):
        self.directory = Path(directory)
        self.socket = Path(queue_directory) / "private" / "auth"
        self.password = password
        self._process = None

    def _write(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "dovecot.conf"
        config.write_text(
            dialect.VERSION + CONFIG.format(base=self.directory, socket=self.socket)
            + dialect.CLEARTEXT + dialect.mechanisms("plain login") + dialect.protocols("")
            + dialect.static_passdb(self.password)
            + dialect.static_userdb(uid="nobody", gid="nogroup", home=self.directory))
        return config

    def start(self):
        """Start and wait until the socket accepts; Postfix must have made its queue directory before."""
        config = self._write()
        self._process = Process(["dovecot", "-F", "-c", config], self.directory / "dovecot.out")
        self._process.wait_ready(self._accepts, "Dovecot")

    def _accepts(self):
        try:
            connect(self.socket, 2).close()
        except OSError:
            return False
        return True

    def stop(self):
        """End the server."""
        if self._process:
            self._process.stop()
            self._process = None
