# SPDX-License-Identifier: MIT
"""IMAP and POP3 clients that return the server's last line as it stands, from any loopback address."""

import base64
import hashlib
import hmac
import select
import socket
import ssl

from .process import PATIENCE

# Not the server's own address: to Dovecot that would be a connection within one host, which needs no TLS.
ELSEWHERE = "127.0.0.2"


class Dialogue:
    """A connection of lines; with tls it is encrypted from the start."""

    def __init__(self, port, source=ELSEWHERE, tls=False, timeout=PATIENCE, server_name="imap.postern.example"):
        self._server_name = server_name
        self._socket = socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0))
        if tls:
            self._wrap()
        self._input = self._socket.makefile("rb")
        self.greeting = self.read_line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._input.close()
        self._socket.close()

    def _wrap(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket, server_hostname=self._server_name)

    def read_line(self):
        """One line without its end; an error where the server hung up."""
        line = self._input.readline()
        if not line:
            raise ConnectionError("connection closed")
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def readable(self, timeout):
        """Whether the server says something within so many seconds."""
        return bool(select.select([self._socket], [], [], timeout)[0])

    def send(self, line):
        """Send one line."""
        self._socket.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def encrypt(self):
        """The handshake, after the server agreed to it."""
        self._input.close()
        self._wrap()
        self._input = self._socket.makefile("rb")


def plain(user, password):
    """The initial response of SASL PLAIN (RFC 4616)."""
    return base64.b64encode(f"\0{user}\0{password}".encode("utf-8", "surrogateescape")).decode()


class Imap(Dialogue):
    """IMAP4rev1 (RFC 3501)."""

    def command(self, line):
        """The tagged reply, without the tag."""
        self.send(f"a {line}")
        while True:
            reply = self.read_line()
            if reply.startswith("a "):
                return reply[2:]

    def starttls(self):
        """STARTTLS and the handshake."""
        reply = self.command("STARTTLS")
        if reply.startswith("OK"):
            self.encrypt()
        return reply

    def login(self, user, password):
        """AUTHENTICATE PLAIN."""
        return self.command(f"AUTHENTICATE PLAIN {plain(user, password)}")

    def login_cram(self, user, password):
        """AUTHENTICATE CRAM-MD5 (RFC 2195)."""
        self.send("a AUTHENTICATE CRAM-MD5")
        challenge = base64.b64decode(self.read_line()[2:])
        digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
        self.send(base64.b64encode(f"{user} {digest}".encode()).decode())
        while True:
            reply = self.read_line()
            if reply.startswith("a "):
                return reply[2:]


class Pop3(Dialogue):
    """POP3 (RFC 1939)."""

    def command(self, line):
        """The reply's first line."""
        self.send(line)
        return self.read_line()

    def starttls(self):
        """STLS (RFC 2595) and the handshake."""
        reply = self.command("STLS")
        if reply.startswith("+OK"):
            self.encrypt()
        return reply

    def login(self, user, password):
        """USER and PASS."""
        self.command(f"USER {user}")
        return self.command(f"PASS {password}")
