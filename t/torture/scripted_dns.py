# SPDX-License-Identifier: MIT
"""A DNS server whose answer is named by the first label of the question: "nxdomain-17.example" and so on."""

import heapq
import itertools
import selectors
import socket
import struct
import threading
import time

A, CNAME, TC, NXDOMAIN, SERVFAIL = 1, 5, 0x0200, 3, 2
LATE_S = 1.9


def answer(question, rcode=0, flags=0, records=b"", count=0, number=None):
    """A reply to a question; records follow the question as they are."""
    number = number if number is not None else struct.unpack("!H", question[:2])[0]
    end = question.index(b"\0", 12) + 5
    return struct.pack("!6H", number, 0x8180 | flags | rcode, 1, count, 0, 0) + question[12:end] + records


def record(kind, data):
    """One record of the name asked about."""
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def label(question):
    """The first one, up to its number."""
    return question[13:13 + question[12]].decode("ascii", "replace").lower().partition("-")[0]


def wrong_question(question):
    """The same with one letter of the name changed."""
    return question[:13] + b"z" + question[14:]


class ScriptedDns:
    """On one port over UDP; over TCP it accepts and says nothing.  A context manager."""

    def __init__(self, random):
        self.random = random
        self.questions = self.most_waiting = 0
        self._asked, self._waiting = set(), set()  # names and types: a look-up asks twice, and takes the first answer
        self._order = itertools.count()
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._udp.bind(("127.0.0.1", 0))
        self._foreign = socket.socket(type=socket.SOCK_DGRAM)  # whoever answers in another's place
        self._foreign.bind(("127.0.0.1", 0))
        self.port = self._udp.getsockname()[1]
        self._tcp = socket.create_server(("127.0.0.1", self.port))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)
        for each in (self._udp, self._foreign, self._tcp):
            each.close()

    def script(self, question):
        """What is sent: (seconds from now, socket, packet)."""
        good = answer(question, records=record(A, b"\xc0\0\2\1"), count=1)
        missing = answer(question, NXDOMAIN)
        number = struct.unpack("!H", question[:2])[0]
        now = [(0, self._udp, good)]
        return {
            "good": now,
            "nxdomain": [(0, self._udp, missing)],
            "nodata": [(0, self._udp, answer(question))],
            "servfail": [(0, self._udp, answer(question, SERVFAIL))],
            "silent": [],
            "late": [(LATE_S, self._udp, good)],
            "truncated": [(0, self._udp, answer(question, flags=TC))],
            "loop": [(0, self._udp, answer(question, records=record(CNAME, b"\xc0\x0c"), count=1))],
            "garbage": [(0, self._udp, self.random.randbytes(self.random.randint(0, 512))),
                        (0, self._udp, question[:2] + self.random.randbytes(self.random.randint(0, 100)))],
            "source": [(0, self._foreign, missing), (0.05, self._udp, good)],
            "number": [(0, self._udp, answer(question, NXDOMAIN, number=number ^ 1)), (0.05, self._udp, good)],
            "question": [(0, self._udp, answer(wrong_question(question), NXDOMAIN)), (0.05, self._udp, good)],
        }.get(label(question), now)

    def _serve(self):
        due = []
        accepted = []
        ready = selectors.DefaultSelector()
        ready.register(self._udp, selectors.EVENT_READ)
        ready.register(self._tcp, selectors.EVENT_READ)
        while not self._stop.is_set():
            for key, _ in ready.select(max(0, min(0.05, due[0][0] - time.monotonic())) if due else 0.05):
                if key.fileobj is self._tcp:
                    accepted.append(self._tcp.accept()[0])
                    continue
                question, client = self._udp.recvfrom(4096)
                self.questions += 1
                packets = self.script(question)
                name = question[12:question.index(b"\0", 12) + 3].lower()  # with its type
                for delay, by, packet in packets:
                    heapq.heappush(due, (time.monotonic() + delay, next(self._order), by, packet, client, name))
                if name not in self._asked and packets:
                    self._asked.add(name)
                    self._waiting.add(name)
                self.most_waiting = max(self.most_waiting, len(self._waiting))
            while due and due[0][0] <= time.monotonic():
                _, _, by, packet, client, name = heapq.heappop(due)
                by.sendto(packet, client)
                self._waiting.discard(name)
        for each in accepted:
            each.close()
