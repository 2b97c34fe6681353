# SPDX-License-Identifier: MIT
"""Does what behaviours.py describes, through Postfix and Dovecot, and returns what they said."""

from concurrent.futures import ThreadPoolExecutor

from mailhost.mailbox import ELSEWHERE, Imap, Pop3
from mailhost.smtp import Smtp

from .behaviours import OUTSIDE, PASSWORD, Delivery, Login

AT_ONCE = 4  # fewer than Dovecot has auth workers, so that none is refused for being one too many


def _login(host, action):
    client = {"imap": Imap, "pop3": Pop3}[action.protocol]
    implicit = action.security == "implicit"
    port = host.dovecot.ports[action.protocol + "s" * implicit]
    with client(port, ELSEWHERE, tls=implicit, server_name=action.server_name) as dialogue:
        if action.security == "starttls":
            dialogue.starttls()
        method = dialogue.login_cram if action.mechanism == "cram-md5" else dialogue.login
        return method(action.user, action.password)


def _submit(host, action):
    service, _, starttls = action.service.partition("+")
    with Smtp(host.port(service), tls=service == "submissions") as smtp:
        smtp.command("EHLO [127.0.0.2]")
        if starttls or service == "submission":
            smtp.starttls()
            smtp.command("EHLO [127.0.0.2]")
        reply = smtp.login(action.user, PASSWORD)
        return smtp.message(action.sender, OUTSIDE) if reply.startswith("235 ") else reply


def _deliver(host, action):
    with Smtp(host.port("smtp")) as smtp:
        smtp.command(f"EHLO {action.helo}")
        return smtp.message(action.sender, action.recipient)


def perform(host, action):
    """The server's last word."""
    if isinstance(action, Login):
        return _login(host, action)
    return _deliver(host, action) if isinstance(action, Delivery) else _submit(host, action)


def perform_all(host, actions):
    """[(action, last word)], several at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(actions, pool.map(lambda action: perform(host, action), actions)))


def passed(reply):
    """Whether the login or the message was accepted."""
    return reply.startswith(("OK ", "+OK", "250 2.0.0 Ok: queued"))
