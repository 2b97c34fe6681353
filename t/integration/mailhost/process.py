# SPDX-License-Identifier: MIT
"""A child process with a log, a bounded wait for readiness and a clean end; free ports; bounded polling."""

import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path


class NotReady(Exception):
    """A condition did not come true within its bound."""


def allowed(seconds):
    """What a promise of speed, made of the shipped build, comes to in the build under test: contrib/sanitizers sets how
    many times slower that one may be."""
    return seconds * int(os.environ.get("POSTERN_SLOWER", "1"))


def sanitizers(option):
    """The environment of a program that is run in a way which the sanitizers that may be built into it do not expect."""
    return {**os.environ, "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:{option}"}


# Seconds after which something is taken for broken: far more than a busy machine needs.
PATIENCE = 60.0


def wait_for(condition, what, timeout=PATIENCE):
    """Poll until condition() is true and return its value; raise NotReady after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {timeout:g} s")
        time.sleep(0.02)


def is_waiting(pid, call):
    """Whether a process sleeps in such a system call, by a part of its name in the kernel: what it does before is done,
    and a signal was taken."""
    return call in Path(f"/proc/{pid}/wchan").read_text()


class Pace:
    """How much slower than at its best the machine is meanwhile, as a context manager: by a thread that keeps writing
    to the disk and starting a program, which is what the servers under test do.  A promise of speed is made of a
    machine that nothing else keeps busy; measured beside a build, it is the seconds that the same would have taken."""

    CALIBRATION, PAUSE, USUAL = 20, 0.02, 1.5  # rounds; seconds; times the best
    _best = None

    def __init__(self):
        self._rounds, self._began = [], None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        if Pace._best is None:
            Pace._best = min(self._round() for _ in range(self.CALIBRATION))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(PATIENCE)

    @staticmethod
    def _round():
        began = time.monotonic()
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        subprocess.run(["true"], check=True)
        return time.monotonic() - began

    def _measure(self):
        while not self._stop.wait(self.PAUSE):
            self._began = time.monotonic()
            self._rounds.append(self._round())
            self._began = None
            Pace._best = min(Pace._best, self._rounds[-1])

    def undisturbed(self, seconds):
        """What so many seconds of the time since the start would have been on an idle machine."""
        began, usual = self._began, self.USUAL * Pace._best
        rounds = list(self._rounds) + ([time.monotonic() - began] if began else [])
        slower = sum(rounds) / len(rounds) / usual if rounds else 1
        stalled = sum(taken - usual for taken in rounds if taken > 1)  # once, however many quick ones there were
        return max(0.0, min(seconds / max(1, slower), seconds - stalled))


def let_others_enter(directory):
    """Servers run as users of their own; pytest makes its directories for its own user alone."""
    for path in (Path(directory), *Path(directory).parents):
        mode = path.stat().st_mode
        if not mode & 0o001:
            path.chmod(mode | 0o055)


def listens(port):
    """True when something listens on that TCP port; unlike accepts(), which a server may log, it does not notice."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                return True
    return False


def accepts(port, host="127.0.0.1"):
    """True when something accepts a TCP connection there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class Ports:
    """Free loopback ports, each handed out once.

    They lie below those that the kernel gives to clients, one of which could have taken a port by the time its server
    is started, or started again; and a socket without a file, named after the port, keeps it from other runs of the
    tests on this machine until this one ends.
    """

    FIRST, LAST = 16384, 32767
    _kept = []

    @classmethod
    def free(cls):
        """A port that is free for TCP and UDP on 127.0.0.1."""
        clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        while True:
            port = random.randint(cls.FIRST, cls.LAST) if clients > cls.LAST else 0
            kept = socket.socket(socket.AF_UNIX)
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                try:
                    tcp.bind(("127.0.0.1", port))
                    port = tcp.getsockname()[1]
                    udp.bind(("127.0.0.1", port))
                    kept.bind(f"\0postern-test-port-{port}")
                except OSError:
                    kept.close()
                    continue
                cls._kept.append(kept)
                return port


def run(*argv, stdin=None, cwd=None, env=None, check=True, timeout=2 * PATIENCE):
    """Run a command to its end and return the CompletedProcess; with check, a failure shows its output."""
    done = subprocess.run([str(a) for a in argv], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=cwd, env=env, text=True, errors="surrogateescape", timeout=timeout,
                          **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def children(pid):
    """(process id, argv as octets) of each child of a process."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            argv = stat.with_name("cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if parent == pid:
            yield int(stat.parent.name), argv


class Process:
    """One foreground server in a session of its own."""

    def __init__(self, argv, log, cwd=None, env=None, pass_fds=()):
        self.log = Path(log)
        with open(self.log, "ab") as out:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *(str(a) for a in argv)], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, cwd=cwd, env=env, pass_fds=pass_fds, start_new_session=True)
        self.pid = self._child.pid

    def running(self):
        """True while the process has not ended."""
        return self._child.poll() is None

    def wait_ready(self, condition, what, timeout=PATIENCE):
        """Wait for condition(); an early end of the process or a time-out is reported with its log."""
        def ready():
            if not self.running():
                raise NotReady(f"{what}: ended with {self._child.returncode}\n{self.log_tail()}")
            return condition()
        try:
            wait_for(ready, what, timeout)
        except NotReady as late:
            raise NotReady(f"{late}\n{self.log_tail()}") from None

    def log_tail(self, lines=30):
        """The last lines the process wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def send_signal(self, number):
        """Send a signal to the process alone."""
        if self.running():
            self._child.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE):
        """End the process, by force after timeout seconds, and its group with it; return the exit status."""
        self.send_signal(number)
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self._child.wait()
