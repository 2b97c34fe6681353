# SPDX-License-Identifier: MIT
"""policyd and policyctl: configuration, accounts, start, stop, kill, reload, and sockets held for it.

The programs come from the build directory named by POSTERN_BUILD, else from PATH.
"""

import fcntl
import grp
import os
import pwd
import shutil
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from .policy import PolicyClient
from .process import PATIENCE, Process, run, wait_for

# An unprivileged account that every Debian has, so that dropping privileges is part of each test.
USER = "nobody"

# What the host that runs the tests is busy with is no reason to leave checks out.
NO_LOAD = {"cpu_pressure": 0, "io_pressure": 0, "run_queue": 0, "lag_ms": 0, "lookups": 0}


def program(name):
    """The path of policyd or policyctl."""
    build = os.environ.get("POSTERN_BUILD")
    path = str(Path(build) / name / name) if build else shutil.which(name)
    if not path or not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{name}: not built; set POSTERN_BUILD to the build directory")
    return path


def render(settings, indent=""):
    """Write a dictionary in policyd.conf's syntax: dictionaries are sections, lists are lists."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key} {{", render(value, indent + "    ").rstrip("\n"), f"{indent}}}"]
        else:
            lines.append(f"{indent}{key} = {_literal(value)}")
    return "\n".join(lines) + "\n"


def _literal(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(_literal(v) for v in value) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def merge(base, changes):
    """A copy of base with changes, sections merged key by key."""
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


class Policyd:
    """One daemon with its databases, and the command that administers it."""

    def __init__(self, directory, queue_directory, settings=None):
        self.directory = Path(directory)
        self.sockets = Path(queue_directory) / "postern"
        self.config = self.directory / "policyd.conf"
        self.log = self.directory / "log" / "policyd.log"
        self.settings = merge({
            "listen": [f"unix:{self.sockets}/policy"],
            "socketmap_listen": [f"unix:{self.sockets}/maps"],
            "control_socket": str(self.directory / "run" / "control"),
            "observe_socket": str(self.directory / "run" / "observe"),
            "accounts_db": str(self.directory / "lib" / "accounts.db"),
            "state_db": str(self.directory / "lib" / "state.db"),
            "user": USER,
            "socket_group": "postfix",
            "control_group": "root",
            "log": str(self.log),
            "hostname": "mx.postern.example",
            "load": NO_LOAD,
            # A disk may stall for seconds. It is less than Postfix's hooks and policyctl wait, which is ten.
            "limits": {"deadline_ms": 9000},
        }, settings or {})
        self._process = None
        self._held = None

    # -- configuration and accounts

    def prepare(self):
        """Make the directories, write policyd.conf and run policyctl init."""
        owner = pwd.getpwnam(USER)
        postfix_group = grp.getgrnam("postfix").gr_gid
        for path, group, mode in ((self.directory, 0, 0o755), (self.directory / "run", owner.pw_gid, 0o755),
                                  (self.directory / "log", owner.pw_gid, 0o755),
                                  (self.directory / "lib", owner.pw_gid, 0o2750),
                                  (self.sockets, postfix_group, 0o750)):
            path.mkdir(parents=True, exist_ok=True)
            os.chown(path, owner.pw_uid if path != self.directory else 0, group)
            path.chmod(mode)
        self.write_config()
        self.ctl("init")

    def configure(self, **changes):
        """Change settings in the file; a running daemon sees them at the next reload or start."""
        self.settings = merge(self.settings, changes)
        self.write_config()

    def write_config(self):
        """Write policyd.conf from the settings."""
        self.config.write_text(render(self.settings))

    def ctl(self, *arguments, stdin=None, check=True):
        """Run policyctl; with check, a failure raises with its output."""
        return run(program("policyctl"), "-c", self.config, *arguments, stdin=stdin, check=check)

    def script(self, text):
        """Run policyctl once for each line; an account is added with the password "secret"."""
        for line in text.strip().splitlines():
            words = line.split()
            password = words[:2] == ["account", "add"]
            self.ctl(*words, *(["--password-stdin"] if password else []), stdin="secret\n" if password else None)

    # -- life

    @property
    def policy_socket(self):
        """The path of the policy listener."""
        return self.sockets / "policy"

    def hold_sockets(self):
        """Listen in the daemon's place from now on, as systemd does, and pass the sockets at each start."""
        self._held = {}
        for name, path in (("policy", self.policy_socket), ("socketmap", self.sockets / "maps"),
                           ("control", Path(self.settings["control_socket"]))):
            path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            os.chown(path, pwd.getpwnam(USER).pw_uid, grp.getgrnam("postfix").gr_gid)
            path.chmod(0o660)
            listener.listen(512)
            self._held[name] = listener

    def release_sockets(self):
        """Close what hold_sockets() opened."""
        for listener in (self._held or {}).values():
            listener.close()
        self._held = None

    def start(self):
        """Start in the foreground and wait until the policy socket answers."""
        argv = [program("policyd"), "-f", "-c", str(self.config)]
        self._process = self._spawn_with_sockets(argv) if self._held else Process(argv, self.directory / "out.log")
        self._process.wait_ready(self.answers, "policyd")

    def _spawn_with_sockets(self, argv):
        """bash puts the descriptors at 3 and up and its own process id, which exec keeps, into LISTEN_PID."""
        numbers = [held.fileno() for held in self._held.values()]
        copies = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in numbers]
        moves = " ".join(f"{3 + i}<&{fd}" for i, fd in enumerate(copies))
        env = {**os.environ, "LISTEN_FDS": str(len(numbers)), "LISTEN_FDNAMES": ":".join(self._held)}
        try:
            closing = " ".join(f"{fd}<&-" for fd in copies)
            return Process(["bash", "-c", f'LISTEN_PID=$$ exec "$@" {moves} {closing}', "bash", *argv],
                           self.directory / "out.log", env=env, pass_fds=copies)
        finally:
            for fd in copies:
                os.close(fd)

    def answers(self):
        """True when a policy request gets a reply."""
        try:
            with PolicyClient(self.policy_socket, timeout=2) as client:
                return bool(client.ask(protocol_state="CONNECT"))
        except OSError:
            return False

    def running(self):
        """True while the daemon has not ended."""
        return self._process is not None and self._process.running()

    @property
    def pid(self):
        """The daemon's process id."""
        return self._process.pid

    def reload(self):
        """SIGHUP; returns at once."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        """End the daemon cleanly and return its exit status."""
        process, self._process = self._process, None
        return process.stop() if process else None

    def kill(self):
        """kill -9."""
        process, self._process = self._process, None
        process.stop(signal.SIGKILL)

    def restart(self):
        """Stop and start."""
        self.stop()
        self.start()

    def forget(self):
        """Restart with nothing observed, so that what other tests did is not counted."""
        self.stop()
        try:
            with closing(sqlite3.connect(self.settings["state_db"])) as state, state:
                for table in ("observation", "sending", "tally", "login"):
                    state.execute(f"DELETE FROM {table}")
        finally:
            self.start()

    def wait_log(self, text, timeout=PATIENCE, behind=0):
        """Wait until the log holds text, behind so many characters of it: a reply leaves before its line is written."""
        wait_for(lambda: text in self.log_text()[behind:], f"policyd's log to say {text!r}", timeout)

    def log_text(self):
        """Everything logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""
