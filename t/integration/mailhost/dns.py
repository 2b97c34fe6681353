# SPDX-License-Identifier: MIT
"""A DNS of its own: NSD answers for every zone from the root down, Unbound resolves over it.

No question leaves the machine: Unbound's only upstream is the NSD of the test, which is
authoritative for the root.  A stub zone can point elsewhere, at a server that is slow or silent.
"""

import heapq
import os
import random
import selectors
import signal
import socket
import threading
import time
from pathlib import Path

from .process import PATIENCE, Ports, Process, run

ZONE_HEAD = """$ORIGIN {origin}
$TTL 60
@ SOA ns.nic. hostmaster.nic. 1 3600 600 86400 5
@ NS ns.nic.
"""


def answers(port):
    """True when a DNS server answers there about itself: version.bind, class CH, type TXT."""
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3"
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", port))
        try:
            client.send(question)
            return client.recv(512)[:2] == question[:2]
        except OSError:
            return False


class Nsd:
    """The authoritative server; zones maps a name without trailing dot ("" is the root) to records.

    A zone whose text is None has no file, so that every question below it is answered SERVFAIL.
    """

    def __init__(self, directory, zones):
        self.directory = Path(directory)
        self.zones = {"": "ns.nic. A 127.0.0.1\n", **zones}
        self.port = Ports.free()
        self._process = None

    def _write(self):
        blocks = []
        for name, text in self.zones.items():
            zone_file = self.directory / f"{name or 'root'}.zone"
            if text is not None:
                zone_file.write_text(ZONE_HEAD.format(origin=f"{name}.") + text)
            blocks.append(f'zone:\n    name: "{name}."\n    zonefile: "{zone_file}"\n')
        config = self.directory / "nsd.conf"
        config.write_text(f"""server:
    ip-address: 127.0.0.1@{self.port}
    do-ip6: no
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "{self.directory}"
    zonelistfile: "{self.directory}/zone.list"
    xfrdfile: "{self.directory}/xfrd.state"
    xfrdir: "{self.directory}"
    pidfile: "{self.directory}/nsd.pid"
    {self._version_options()}
remote-control:
    control-enable: no
""" + "".join(blocks))
        return config

    @staticmethod
    def _version_options():
        """NSD 4.8 dropped its zone database; before, it must be turned off."""
        version = run("nsd", "-v", check=False).stderr.split()[2]
        return 'database: ""' if tuple(map(int, version.split(".")[:2])) < (4, 8) else ""

    def start(self):
        """Start and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self._write()
        self._process = Process(["nsd", "-d", "-c", config], self.directory / "nsd.log")
        self._process.wait_ready(lambda: answers(self.port), "NSD")

    def restart(self):
        """Serve what the zones say now."""
        self.stop()
        self.start()

    def stop(self):
        """End the server; questions then meet a closed port."""
        if self._process:
            self._process.stop()
            self._process = None


class Unbound:
    """The resolver; stubs maps a zone to the port its questions go to, "" being all others.

    libc_address, where given, is a loopback address of its own on which the resolver also listens
    at port 53, the only one that resolv.conf can express: for Postfix's own look-ups.
    """

    def __init__(self, directory, stubs, with_libc_address=False):
        self.directory = Path(directory)
        self.stubs = stubs
        self.port = Ports.free()
        self.libc_address = self._pick_address() if with_libc_address else None
        self._process = None

    @staticmethod
    def _pick_address():
        return f"127.{random.randint(64, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"

    @property
    def server(self):
        """The address as policyd.conf writes it."""
        return f"127.0.0.1@{self.port}"

    def _write(self):
        interfaces = [f"127.0.0.1@{self.port}"]
        if self.libc_address:
            interfaces.append(f"{self.libc_address}@53")
        config = self.directory / "unbound.conf"
        config.write_text(f"""server:
    {chr(10).join(f'    interface: {i}' for i in interfaces).strip()}
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-daemonize: no
    num-threads: 1
    username: ""
    chroot: ""
    directory: "{self.directory}"
    pidfile: ""
    use-syslog: no
    logfile: ""
    module-config: "iterator"
    do-not-query-localhost: no
    qname-minimisation: no
    infra-host-ttl: 1
    cache-max-negative-ttl: 5
    unblock-lan-zones: yes
    insecure-lan-zones: yes
    local-zone: "test." nodefault
    local-zone: "invalid." nodefault
    local-zone: "onion." nodefault
    local-zone: "home.arpa." nodefault
    local-zone: "127.in-addr.arpa." nodefault
    local-zone: "localhost." nodefault
remote-control:
    control-enable: yes
    control-interface: "{self.directory}/control"
    control-use-cert: no
""" + "".join(f'stub-zone:\n    name: "{zone}."\n    stub-addr: 127.0.0.1@{port}\n    stub-prime: no\n'
              for zone, port in self.stubs.items()))
        return config

    def start(self):
        """Start and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self._write()
        self._process = Process(["unbound", "-d", "-c", config], self.directory / "unbound.log")
        self._process.wait_ready(lambda: answers(self.port), "Unbound")

    def flush(self):
        """Forget every cached answer."""
        run("unbound-control", "-c", self.directory / "unbound.conf", "flush_zone", ".")

    def freeze(self):
        """Stop answering while the port stays open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Answer again after freeze()."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        """End the resolver; questions then meet a closed port."""
        if self._process:
            self.thaw()
            self._process.stop()
            self._process = None


class DelayedServer:
    """A UDP DNS server that passes questions to another port and answers after a delay; None never answers."""

    def __init__(self, target_port, delay):
        self.target = ("127.0.0.1", target_port)
        self.delay = delay
        self.questions = 0
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._wake_r, self._wake_w = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self):
        """Begin to answer."""
        self._thread.start()

    def stop(self):
        """End the thread and close the port."""
        os.write(self._wake_w, b".")
        self._thread.join(PATIENCE)
        self._socket.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _ask(self, question):
        with socket.socket(type=socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(10)
            upstream.sendto(question, self.target)
            return upstream.recv(65535)

    def _serve(self):
        waiting = selectors.DefaultSelector()
        waiting.register(self._socket, selectors.EVENT_READ)
        waiting.register(self._wake_r, selectors.EVENT_READ)
        due = []
        while True:
            pause = max(0.0, due[0][0] - time.monotonic()) if due else None
            ready = [key.fileobj for key, _ in waiting.select(pause)]
            if self._wake_r in ready:
                return
            if self._socket in ready:
                question, client = self._socket.recvfrom(65535)
                self.questions += 1
                if self.delay is not None:
                    heapq.heappush(due, (time.monotonic() + self.delay, self.questions, question, client))
            while due and due[0][0] <= time.monotonic():
                _, _, question, client = heapq.heappop(due)
                self._socket.sendto(self._ask(question), client)
