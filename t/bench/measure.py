# SPDX-License-Identifier: MIT
"""What the benchmarks share: servers pinned to one core, load from another, rows compared in turns.

Figures of different runs say nothing about each other on a shared machine.  So every group of rows is
measured row after row, round after round, and a ratio is taken within a round; the median of the rounds
is what counts.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from mailhost.process import NotReady, Ports, Process  # noqa: E402 (its place has to be known first)


class Failure(Exception):
    """A measurement that is worth nothing: one line for the user."""


def cores():
    """(core of the server, core of the load)."""
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        raise Failure("two cores are needed: one for the server, one for the load")
    return free[0], free[1]


def cpu_seconds():
    """CPU seconds used by everybody on this machine since its start, and stolen from it."""
    with open("/proc/stat", encoding="ascii") as stat:
        used = [int(n) for n in stat.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = used
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def accepts(path):
    """True when a server listens on the unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def cpu_seconds_of(pid):
    """CPU seconds of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Build:
    """The programs of a build directory."""

    def __init__(self, directory, policyd=None):
        self.directory = Path(directory).resolve()
        self.policyd = Path(policyd).resolve() if policyd else self._policyd()

    def _policyd(self):
        found = [self.directory / name for name in ("policyd/policyd", "policyd")]
        return next((path for path in found if path.is_file()), found[0])

    def program(self, name):
        """The path of one of the benchmark's own programs."""
        path = self.directory / "t" / "bench" / name
        if not path.exists():
            raise Failure(f"{path} is missing: make bench builds it")
        return path


class Server:
    """A server on the server's core, with a directory of its own."""

    def __init__(self, name, directory, path=None):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket = Path(path or self.directory / "policy")
        self.argv = ["taskset", "-c", str(cores()[0])]
        self.process = None

    def unpin(self):
        """Let it run on all cores."""
        del self.argv[:3]

    def start(self):
        """Start, and wait until it accepts."""
        self.socket.unlink(missing_ok=True)
        self.process = Process(self.argv, self.directory / "output")
        try:
            self.process.wait_ready(lambda: accepts(self.socket), self.name)
        except NotReady as late:
            raise Failure(late) from None

    def stop(self):
        """End it; the logs of a run are of no use afterwards and large."""
        self.process.stop()
        (self.directory / "log").unlink(missing_ok=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Floor(Server):
    """The server that decides nothing."""

    def __init__(self, build, directory, path=None):
        super().__init__("floor", directory, path)
        self.argv += [build.program("floor"), f"unix:{self.socket}"]


class Policyd(Server):
    """policyd as it is shipped, its log in a file; `settings` are more lines of its configuration."""

    def __init__(self, build, directory, database, dns_port, path=None,
                 settings='socket_group = ""\n'):
        super().__init__("policyd", directory, path)
        if not build.policyd.is_file():
            raise Failure(f"{build.policyd} is missing")
        config = self.directory / "policyd.conf"
        config.write_text(f"""listen = {{"unix:{self.socket}"}}
socketmap_listen = {{"unix:{self.directory}/maps"}}
control_socket = "{self.directory}/control"
observe_socket = "{self.directory}/observe"
accounts_db = "{database}/accounts.db"
state_db = "{database}/state.db"
user = ""
control_group = ""
log = "{self.directory}/log"
hostname = "mail.bench.example"
{settings}dns {{
    servers = {{"127.0.0.1@{dns_port}"}}
}}
load {{
    cpu_pressure = 0
    io_pressure = 0
    run_queue = 0
    lag_ms = 0
    lookups = 0
}}
""", encoding="ascii")
        self.argv += [build.policyd, "-f", "-c", config]


class Dns:
    """The slow DNS server, on the core of the load."""

    def __init__(self, build, directory, delay_ms):
        self.port = Ports.free()
        self.output = Path(directory) / f"dns-{self.port}"
        self.process = Process(["taskset", "-c", str(cores()[1]), build.program("dns_delay"),
                                f"inet:127.0.0.1:{self.port}", str(delay_ms)], self.output)
        self.process.wait_ready(self._answers, "dns_delay")

    def _answers(self):
        question = b"\0\1\1\0\0\1\0\0\0\0\0\0\4helo\7example\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.connect(("127.0.0.1", self.port))
            try:
                client.send(question)
                return bool(client.recv(512))
            except OSError:
                return False

    def stop(self):
        """End it and return how many questions it had, less our own."""
        self.process.stop()
        return int(self.output.read_text(encoding="ascii")) - 1


def load(build, server, shape, **options):
    """Run polload against a server; its result, with the CPU that others took meanwhile (`others`, cores)."""
    argv = ["taskset", "-c", str(cores()[1]), build.program("polload"), "--socket", f"unix:{server.socket}",
            "--file", HERE / f"{shape}.txt", "--pid", server.process.pid]
    for name, value in options.items():
        if value is not None:
            argv += [f"--{name}", value]
    def spent():
        ours = os.times()
        return cpu_seconds() - ours.children_user - ours.children_system - cpu_seconds_of(server.process.pid)

    before, started = spent(), time.monotonic()
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout:
        raise Failure(f"{server.name}, {shape}: {done.stdout}{done.stderr}".strip())
    result = json.loads(done.stdout)
    result["others"] = max(0.0, spent() - before) / (time.monotonic() - started)
    return result


@dataclass
class Row:
    """One line of a table: a label, how to start its server, what to ask."""

    label: str
    server: object  # () -> Server, started with `with`
    shape: str
    options: dict
    results: list = field(default_factory=list)

    def measure(self, build):
        """One round."""
        with self.server() as server:
            self.results.append(load(build, server, self.shape, **self.options))

    def median(self, key):
        """The median of the rounds."""
        return statistics.median(result[key] for result in self.results)

    def ratio(self, base, key):
        """The median of the rounds' ratios to another row."""
        return statistics.median(a[key] / b[key] for a, b in zip(self.results, base.results) if b[key])


@dataclass
class Target:
    """A bound: on the ratio to the group's first row, or with `absolute` on the figure itself."""

    key: str
    bound: float
    at_least: bool = False
    absolute: bool = False

    def value(self, row, base):
        """What the bound is about."""
        return row.median(self.key) if self.absolute else row.ratio(base, self.key)

    def met(self, row, base):
        """True when the row keeps to it."""
        value = self.value(row, base)
        return value >= self.bound if self.at_least else value <= self.bound


COLUMNS = (  # key, heading, width, divisor, decimals
    ("per_s", "requests/s", 11, 1, 0),
    ("cpu_us", "CPU us", 8, 1, 2),
    ("p50_us", "p50 us", 9, 1, 0),
    ("p99_us", "p99 us", 9, 1, 0),
    ("p999_us", "p99.9 us", 10, 1, 0),
    ("rss_kib", "RSS MiB", 9, 1024, 1),
)
LABEL = 80 - sum(column[2] for column in COLUMNS)


class Group:
    """Rows measured in turns and compared with the first of them."""

    def __init__(self, rows, targets=()):
        self.rows = rows
        self.targets = targets

    def measure(self, build, rounds):
        """All rounds: A B A B ..."""
        for _ in range(rounds):
            for row in self.rows:
                row.measure(build)

    def missed(self):
        """The targets that a row misses."""
        base = self.rows[0]
        return [(row, target) for row in self.rows[1:] for target in self.targets
                if not target.met(row, base)]

    def print(self, show=print):
        """The rows, their ratios to the first, and how they stand to the targets."""
        base = self.rows[0]
        for row in self.rows:
            show(f"{row.label:<{LABEL}}" + "".join(
                f"{row.median(key) / divisor:>{width}.{decimals}f}"
                for key, _, width, divisor, decimals in COLUMNS))
            if row is base:
                continue
            show(f"{'  ratio':<{LABEL}}" + "".join(
                f"{row.ratio(base, key):>{width}.2f}" for key, _, width, _, _ in COLUMNS))
            if self.targets:
                self._print_targets(row, base, show)

    def _print_targets(self, row, base, show):
        cells = {t.key: t for t in self.targets}
        bounds, verdicts = f"{'  target':<{LABEL}}", f"{'':<{LABEL}}"
        for key, _, width, divisor, _ in COLUMNS:
            target = cells.get(key)
            text = ""
            if target:
                bound = target.bound / divisor if target.absolute else target.bound
                text = f"{'>=' if target.at_least else '<='} {bound:g}"
            bounds += f"{text:>{width}}"
            verdicts += f"{('' if not target else 'met' if target.met(row, base) else 'MISSED'):>{width}}"
        show(bounds)
        show(verdicts)

    def others(self):
        """The most that other processes took of a core in one of the measurements."""
        return max(result["others"] for row in self.rows for result in row.results)


def heading(title):
    """The head of a table."""
    names = "".join(f"{name:>{width}}" for _, name, width, _, _ in COLUMNS)
    return f"\n{title}\n{'':<{LABEL}}{names}"


class Databases:
    """The filled databases, each made once."""

    def __init__(self, build, directory):
        self.build = build
        self.directory = Path(directory)

    def get(self, accounts, profile):
        """The directory with the databases of so many accounts under a profile (default, enforce)."""
        place = self.directory / f"{profile}-{accounts}"
        if not place.exists():
            place.mkdir(mode=0o750)
            started = time.monotonic()
            filled = subprocess.run([self.build.program("fill"), place, str(accounts), profile],
                                    capture_output=True, text=True, check=False)
            if filled.returncode != 0:
                shutil.rmtree(place)
                raise Failure(filled.stderr.strip())
            seconds = time.monotonic() - started
            print(f"({accounts} accounts, {profile}: filled in {seconds:.1f} s)", flush=True)
        return place
