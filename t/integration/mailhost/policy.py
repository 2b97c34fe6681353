# SPDX-License-Identifier: MIT
"""Clients of policyd's two protocols as Postfix speaks them: policy delegation and socketmap."""

import socket

from .process import PATIENCE


def connect(address, timeout):
    """Connect to a unix path or a (host, port) pair."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    client = socket.socket(family)
    client.settimeout(timeout)
    try:
        client.connect(address if isinstance(address, tuple) else str(address))
    except OSError:
        client.close()
        raise
    return client


def request(**attributes):
    """The bytes of a policy request."""
    attributes = {"request": "smtpd_access_policy", **attributes}
    lines = "".join(f"{name}={value}\n" for name, value in attributes.items())
    return lines.encode("utf-8", "surrogateescape") + b"\n"


def end_of_message(login, number, **more):
    """The attributes at the end of a login's message; its number tells it from his others."""
    return {"protocol_state": "END-OF-MESSAGE", "policy_context": "end-of-data", "sender": login, "sasl_username": login,
            "instance": f"{login} {number}", "queue_id": f"Q{number}", "recipient_count": "1", "size": "1000", **more}


class PolicyClient:
    """One connection of the policy protocol."""

    def __init__(self, address, timeout=PATIENCE):
        self._socket = connect(address, timeout)
        self._input = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Hang up."""
        self._input.close()
        self._socket.close()

    def send(self, data):
        """Send raw bytes."""
        self._socket.sendall(data)

    def reply(self):
        """The action of the next reply; ConnectionError when the daemon closed instead."""
        line = self._input.readline()
        if not line.endswith(b"\n") or self._input.readline() != b"\n":
            raise ConnectionError(f"no whole reply: {line!r}")
        name, _, action = line.rstrip(b"\n").partition(b"=")
        if name != b"action":
            raise ValueError(f"not a reply: {line!r}")
        return action.decode("utf-8", "surrogateescape")

    def ask(self, **attributes):
        """Send one request and return the action."""
        self.send(request(**attributes))
        return self.reply()


class Socketmap:
    """One connection of the socketmap protocol."""

    def __init__(self, address, timeout=PATIENCE):
        self._socket = connect(address, timeout)
        self._input = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._input.close()
        self._socket.close()

    def query(self, name, key):
        """Ask for a key of a map and return the whole answer, such as "OK value" or "NOTFOUND "."""
        text = f"{name} {key}".encode("utf-8", "surrogateescape")
        self._socket.sendall(b"%d:%s," % (len(text), text))
        length = b""
        while not length.endswith(b":"):
            digit = self._input.read(1)
            if not digit:
                raise ConnectionError("connection closed")
            length += digit
        answer = self._input.read(int(length[:-1]) + 1)
        if not answer.endswith(b","):
            raise ValueError(f"not a netstring: {length + answer!r}")
        return answer[:-1].decode("utf-8", "surrogateescape")
