# SPDX-License-Identifier: MIT
"""A go-between for the policy socket: records requests, and can lose a reply as a broken connection does."""

import os
import socket
import threading
from pathlib import Path

from .policy import connect


class PolicyProxy:
    """Listens on a unix socket and passes whole requests and replies on."""

    def __init__(self, path, target):
        self.path = Path(path)
        self.target = target
        self.requests = []
        self._lose = None
        self._listener = None

    def lose_next_reply(self, context):
        """The next request of that policy_context is answered by policyd, but the answer is lost."""
        self._lose = context

    def start(self):
        """Listen, readable for Postfix."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self.path.chmod(0o666)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client):
        upstream = connect(self.target, 60)
        with client, upstream, client.makefile("rb") as asking, upstream.makefile("rb") as answering:
            while True:
                request = self._until_blank(asking)
                if not request:
                    return
                attributes = dict(line.split("=", 1) for line in request.decode(errors="replace").splitlines() if line)
                self.requests.append(attributes)
                upstream.sendall(request)
                reply = self._until_blank(answering)
                if self._lose == attributes["policy_context"]:
                    self._lose = None
                    return
                client.sendall(reply)

    @staticmethod
    def _until_blank(stream):
        lines = []
        for line in stream:
            lines.append(line)
            if line == b"\n":
                return b"".join(lines)
        return b""
