# SPDX-License-Identifier: MIT
"""Mail in a steady stream from several clients at once, with every final reply kept."""

import itertools
import threading

from .process import PATIENCE, wait_for
from .smtp import Smtp


class MailLoad:
    """Threads that each deliver one message after the other, as a context manager.

    Messages alternate between the senders, in which {n} becomes a number that is never used twice: smtpd keeps
    a failed resolution of a sender and recipient for the rest of its life.  replies maps each sender to the
    replies it got, with the sender of the message written back as it was given.
    """

    _numbers = itertools.count(1)

    def __init__(self, port, senders, recipient, threads=4):
        self.port = port
        self.senders = senders
        self.recipient = recipient
        self.replies = {sender: [] for sender in senders}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def count(self):
        """The replies so far."""
        return sum(len(replies) for replies in self.replies.values())

    def wait_for_more(self, messages, timeout=2 * PATIENCE):
        """Wait until so many further messages were answered."""
        goal = self.count() + messages
        wait_for(lambda: self.count() >= goal, f"{messages} more messages", timeout)

    def _send(self):
        while not self._stop.is_set():
            for template in self.senders:
                sender = template.format(n=next(self._numbers))
                try:
                    with Smtp(self.port) as smtp:
                        smtp.command("EHLO mail.sender.net")
                        reply = smtp.message(sender, self.recipient)
                except OSError as error:
                    reply = f"connection: {error}"
                self.replies[template].append(reply.replace(sender, template))
