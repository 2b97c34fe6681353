# SPDX-License-Identifier: MIT
"""An SMTP client that returns whole replies, from any loopback address or, by XCLIENT, from anywhere."""

import base64
import socket
import ssl

from .process import PATIENCE

STRANGER = "127.0.0.2"


class Smtp:
    """One dialogue.  A reply is the server's text without line ends, several lines joined by a line feed."""

    def __init__(self, port, source=STRANGER, tls=False, timeout=2 * PATIENCE):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0))
        if tls:
            self._wrap()
        self._input = self._socket.makefile("rb")
        self.greeting = self._reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Hang up without QUIT."""
        self._input.close()
        self._socket.close()

    def _wrap(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)

    def _reply(self):
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self._input.readline()
            if not line:
                raise ConnectionError("connection closed, so far: " + repr(lines))
            lines.append(line.decode("utf-8", "surrogateescape").rstrip("\r\n"))
        return "\n".join(lines)

    def send(self, line):
        """Send a command without waiting for the reply."""
        self._socket.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def command(self, line):
        """Send a command and return the reply."""
        self.send(line)
        return self._reply()

    def starttls(self):
        """STARTTLS and the handshake; the certificate is not verified."""
        reply = self.command("STARTTLS")
        if reply.startswith("220"):
            self._input.close()
            self._wrap()
            self._input = self._socket.makefile("rb")
        return reply

    def login(self, user, password):
        """AUTH PLAIN."""
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.command(f"AUTH PLAIN {token}")

    def xclient(self, **attributes):
        """XCLIENT; the server greets anew and EHLO has to be said again."""
        reply = self.command("XCLIENT " + " ".join(f"{k}={v}" for k, v in attributes.items()))
        if not reply.startswith("220"):
            raise ValueError(reply)

    def envelope(self, sender, *recipients):
        """RSET, MAIL and RCPT: the first reply that refuses, else the last one."""
        self.command("RSET")
        reply = self.command(f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            if not reply.startswith("2"):
                break
            reply = self.command(f"RCPT TO:<{recipient}>")
        return reply

    def data(self, text="Subject: test\r\n\r\ntest\r\n"):
        """DATA and the message: the final reply, or the one to DATA where that refuses."""
        reply = self.command("DATA")
        return self.command(text + ".") if reply.startswith("354") else reply

    def message(self, sender, *recipients):
        """A whole message: the first refusal, else the final reply."""
        reply = self.envelope(sender, *recipients)
        return self.data() if reply.startswith("2") else reply


def submission(port, user, password, helo="[127.0.0.2]", tls=False, source=STRANGER):
    """A logged-in dialogue on a submission service: by STARTTLS, or with tls by implicit TLS."""
    client = Smtp(port, source, tls)
    client.command(f"EHLO {helo}")
    if not tls:
        client.starttls()
        client.command(f"EHLO {helo}")
    reply = client.login(user, password)
    if not reply.startswith("235"):
        client.close()
        raise PermissionError(reply)
    return client
