#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tour of contrib/quickstart: real SMTP dialogues with a real Postfix, answered by policyd.

Starts the mail host of t/integration/mailhost below the directory it is given, runs each dialogue with
swaks, shows it and compares the server's last reply.  Removes the directory at the end unless --keep.
"""

import argparse
import shutil
import signal
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "t" / "integration"))

from mailhost.host import PASSWORD, MailHost  # noqa: E402
from mailhost.policyd import program  # noqa: E402
from mailhost.process import NotReady, run  # noqa: E402

WIDTH = 80
ACCEPTED = "250 2.0.0 Ok: queued as "

ZONES = {
    "mydomain.com": "@ A 192.0.2.10\n@ MX 10 mydomain.com.\n",
    "sender.net": "mail A 192.0.2.20\n@ MX 10 mail\n",
    "app.net": "out A 192.0.2.30\n",
}

LOGINS = ("you@domain1.com", "other-address@domain2.net")

ACCOUNTS = """
domain add domain1.com
domain add domain2.net
account add you@domain1.com
account add other-address@domain2.net
policy set sender_login enforce
policy set sender_auth enforce
policy set helo_resolve enforce
"""


@dataclass
class Dialogue:
    """One swaks run; expected is the server's reply, to its whole length unless it is ACCEPTED."""
    why: str
    service: str
    options: tuple
    expected: str
    before: tuple = ()


def stranger(helo, sender, source="127.0.0.2"):
    """swaks options of a mail server that delivers to this host."""
    return ("--local-interface", source, "--helo", helo, "--from", sender, "--to", "you@domain1.com")


def user(login, sender):
    """swaks options of a mail program that logs in and sends out."""
    return ("--local-interface", "127.0.0.2", "--helo", "laptop", "--tls", "--auth", "PLAIN", "--auth-user", login,
            "--auth-password", PASSWORD, "--from", sender, "--to", "someone@elsewhere.net")


SCENES = (
    ("S1  An address of this host, used without logging in", (
        Dialogue("Another provider's server sends as you@domain1.com, a mailbox of this host. Whoever has that "
                 "mailbox can log in, so mail without a login is refused.",
                 "smtp", stranger("mail.sender.net", "you@domain1.com"),
                 "554 5.7.1 <you@domain1.com>: Sender address rejected: "
                 "SMTP AUTH is required for users under this sender domain"),
        Dialogue("A cloud application that is known to send as you@domain1.com is allowed by its sender address "
                 "and network; from there the same mail is accepted.",
                 "smtp", stranger("out.app.net", "you@domain1.com", "127.0.0.3"), ACCEPTED,
                 before=("list", "allow", "--sender", "you@domain1.com", "--client", "127.0.0.3/32")),
    )),
    ("S2  Logged in as one, sending as another", (
        Dialogue("A mail program sends all its mail through one login. The reply names both addresses.",
                 "submission", user("other-address@domain2.net", "you@domain1.com"),
                 "553 5.7.1 <you@domain1.com>: Sender address rejected: You are logged in as "
                 "other-address@domain2.net, which may not send as you@domain1.com"),
        Dialogue("Logged in as the user that owns the address, the same mail is accepted.",
                 "submission", user("you@domain1.com", "you@domain1.com"), ACCEPTED),
    )),
    ("S8  A HELO name that cannot exist on the Internet", (
        Dialogue("A badly set up Exchange server says its internal name.",
                 "smtp", stranger("senderdomain.local", "anna@sender.net"),
                 "554 5.7.1 <senderdomain.local>: Helo command rejected: Go away, bad guy (.local)."),
    )),
    ("S9  A HELO name that is not in the DNS", (
        Dialogue("NSD serves mydomain.com, but no such name in it. The refusal is temporary: the name may be "
                 "added, and a DNS failure is never taken for \"not found\".",
                 "smtp", stranger("mailserver.mydomain.com", "anna@mydomain.com"),
                 "450 4.7.1 <mailserver.mydomain.com>: Helo command rejected: Host not found"),
        Dialogue("An honest server with a name that resolves delivers its mail.",
                 "smtp", stranger("mail.sender.net", "anna@sender.net"), ACCEPTED),
    )),
)


def fill(text, first="", rest=None):
    """Wrap text to the width of the page."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest,
                         break_on_hyphens=False)


def show_command(words):
    """A command as it can be typed, broken with backslashes before its options."""
    lines, line = [], "$ " + words[0]
    for word in words[1:]:
        if len(line) + len(word) + 3 > WIDTH or (word.startswith("--") and len(line) > WIDTH - 24):
            lines.append(line + " \\")
            line = "     "
        line += " " + word
    print("\n".join([*lines, line]))


def show_dialogue(transcript):
    """swaks' transcript without its banners; of the answer to EHLO the first line."""
    inside = False
    for line in transcript.splitlines():
        mark, text = line[:4], line[4:]
        skip, inside = inside, text.startswith("250-")
        if not skip and mark[:3] not in ("***", "===") and mark.strip():
            print(fill(text, f"  {mark}", "      "))


def last_reply(transcript):
    """The server's reply to the last command before QUIT."""
    replies = [line[4:] for line in transcript.splitlines() if line.startswith("<")]
    return replies[-2] if replies[-1].startswith("221") else replies[-1]


class Tour:
    """Runs the scenes against a host and counts the replies that differ."""

    def __init__(self, host):
        self.host = host
        self.differing = 0

    def run(self):
        """Every scene, in order."""
        for title, dialogues in SCENES:
            print(f"\n{title}\n{'-' * len(title)}")
            for dialogue in dialogues:
                self._show(dialogue)

    def _show(self, dialogue):
        print("\n" + fill(dialogue.why) + "\n")
        if dialogue.before:
            self.host.policyd.ctl(*dialogue.before)
            show_command(["policyctl", *dialogue.before])
        command = ["swaks", "--server", f"127.0.0.1:{self.host.port(dialogue.service)}", *dialogue.options]
        show_command(command)
        transcript = run(*command, "--suppress-data", check=False).stdout
        show_dialogue(transcript)
        reply = last_reply(transcript)
        accepted = dialogue.expected == ACCEPTED and reply.startswith(ACCEPTED)
        if accepted or reply == dialogue.expected:
            print("  OK: " + ("accepted" if accepted else "refused, word for word as it should be"))
        else:
            self.differing += 1
            print(fill(f"DIFFERS: expected {dialogue.expected}", "  "))


def say_ports(host, directory):
    """What is there to try while the host stays up."""
    ctl = f"{program('policyctl')} -c {host.policyd.config}"
    print(f"""
The host stays up; Ctrl-C ends it.  All of it lies in {directory}

  SMTP          127.0.0.1:{host.port('smtp')}
  submission    127.0.0.1:{host.port('submission')}  (STARTTLS), 127.0.0.1:{host.port('submissions')} (TLS)
  logins        {LOGINS[0]}, {LOGINS[1]};
                the password is "{PASSWORD}"
  DNS           127.0.0.1 port {host.unbound.port}; zones {', '.join(ZONES)}
  logs          {host.policyd.log}
                {host.postfix.log}

127.0.0.1 is trusted; a stranger comes from any other 127.x.y.z.  To try, in
another terminal, as root:

ctl="{ctl}"
swaks --server 127.0.0.1:{host.port('smtp')} --local-interface 127.0.0.2 \\
      --helo exchange.lan --from anna@sender.net --to you@domain1.com
$ctl status
$ctl policy set helo_fqdn enforce
$ctl grant add other-address@domain2.net you@domain1.com
$ctl explain --login other-address@domain2.net --sender you@domain1.com
""", flush=True)


def stop_request(*_):
    """SIGINT, SIGTERM and SIGHUP all end the tour in order."""
    raise KeyboardInterrupt


def show(host):
    """Start the host and run the tour; 0 when every reply was the expected one."""
    print("[3/4] Starting", end="", flush=True)
    host.prepare()
    host.policyd.script(ACCOUNTS)
    host.start(lambda what: print(f" {what}", end="", flush=True))
    print("\n[4/4] Tour")
    tour = Tour(host)
    tour.run()
    count = sum(len(dialogues) for _, dialogues in SCENES)
    print(f"\n{count - tour.differing} of {count} replies as expected.")
    return 1 if tour.differing else 0


def main():
    """Start, tour, stay up, clean up; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_request)
    host, status = None, 1
    try:
        sys.stdout.reconfigure(line_buffering=True)
        host = MailHost(options.directory / "host", ZONES)
        status = show(host)
        if not options.once:
            say_ports(host, options.directory)
            signal.pause()
    except KeyboardInterrupt:
        print("\nEnding.")
    except (NotReady, RuntimeError, OSError) as failure:
        print(f"\nFailed: {failure}")
        status = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if host:
            host.stop()
        if options.keep:
            print(f"Kept: {options.directory}")
        else:
            shutil.rmtree(options.directory, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
