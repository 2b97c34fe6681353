# SPDX-License-Identifier: MIT
"""Dovecot as Postfix's SASL server: any login with one password, the socket in Postfix's queue directory."""

from pathlib import Path

from .process import Process, run

COMMON = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
ssl = no
auth_mechanisms = plain login
auth_username_chars =
service auth {{
  unix_listener {socket} {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""

CONFIG_2_3 = COMMON + """
protocols =
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={base}
}}
"""

CONFIG_2_4 = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" + COMMON + """
protocols {{
}}
auth_allow_cleartext = yes
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = nobody
    gid = nogroup
    home = {base}
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
        new = run("dovecot", "--version").stdout.startswith("2.4")
        config = self.directory / "dovecot.conf"
        config.write_text((CONFIG_2_4 if new else CONFIG_2_3).format(
            base=self.directory, socket=self.socket, password=self.password))
        return config

    def start(self):
        """Start and wait for the socket; Postfix must have made its queue directory before."""
        config = self._write()
        self._process = Process(["dovecot", "-F", "-c", config], self.directory / "dovecot.out")
        self._process.wait_ready(self.socket.is_socket, "Dovecot")

    def stop(self):
        """End the server."""
        if self._process:
            self._process.stop()
            self._process = None
