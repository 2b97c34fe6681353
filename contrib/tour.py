#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tour of contrib/quickstart: real dialogues with a real Postfix and Dovecot, answered from one account table.

Starts the mail host of t/integration/mailhost below the directory it is given, runs each dialogue with
swaks or curl, shows it and compares the server's last reply.  Removes the directory at the end unless --keep.
"""

import argparse
import re
import shlex
import shutil
import signal
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "t" / "integration"))

from mailhost.dovecot_postern import PosternDovecot  # noqa: E402
from mailhost.host import PASSWORD, MailHost  # noqa: E402
from mailhost.policyd import program  # noqa: E402
from mailhost.process import NotReady, run  # noqa: E402
from tour_scenes import ACCEPTED, ACCOUNTS, LOGGED_IN, LOGINS, SCENES, ZONES  # noqa: E402

WIDTH = 80
def fill(text, first="", rest=None):
    """Wrap text to the width of the page."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest,
                         break_on_hyphens=False)


def show_command(words):
    """A command as it can be typed, broken with backslashes before its options."""
    lines, line = [], "$ " + words[0]
    for word in map(shlex.quote, words[1:]):
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


def curl_dialogue(output):
    """curl's account of a dialogue, marked as swaks does it: from STARTTLS or the login on, without IMAP's tags
    and lists of capabilities, to the reply to the login."""
    lines, login = [], False
    for line in output.splitlines():
        mark, text = line[:2], re.sub(r"^A\d+ ", "", line[2:])
        if mark == "> " and text != "CAPABILITY" and text != "CAPA":
            lines.append(f"->  {text}")
            login = login or text.startswith("AUTH")
        elif mark == "< " and re.match(r"OK|\+OK|NO|-ERR", text) and lines:
            lines.append("<-  " + re.sub(r"(OK) .*Logged in.*", r"\1 Logged in", text))
            if login:
                break
    return "\n".join(lines)


def matches(reply, expected):
    """Whether it is the reply that is due."""
    if expected == ACCEPTED:
        return reply.startswith(ACCEPTED)
    return reply.endswith(LOGGED_IN) if expected == LOGGED_IN else reply == expected


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
        port = self.host.port(dialogue.service)
        transcript = (self._read if dialogue.service in ("imap", "pop3") else self._send)(dialogue, port)
        show_dialogue(transcript)
        expected = dialogue.expected.format(port=port)
        if matches(last_reply(transcript), expected):
            print("  OK: " + ("accepted" if expected in (ACCEPTED, LOGGED_IN)
                              else "refused, word for word as it should be"))
        else:
            self.differing += 1
            print(fill(f"DIFFERS: expected {expected}", "  "))

    @staticmethod
    def _send(dialogue, port):
        command = ["swaks", "--server", f"127.0.0.1:{port}", *dialogue.options]
        show_command(command)
        return run(*command, "--suppress-data", check=False).stdout

    @staticmethod
    def _read(dialogue, port):
        command = ["curl", "--verbose", "--insecure", *dialogue.options, f"{dialogue.service}://127.0.0.1:{port}"]
        show_command(command)
        return curl_dialogue(run(*command, "--silent", check=False).stderr)


class TourHost(MailHost):
    """The mail host, with Dovecot and the driver for mailboxes and as Postfix's SASL server."""

    def __init__(self, directory):
        super().__init__(directory, ZONES)
        self.dovecot = PosternDovecot(directory / "dovecot", self.policyd.config,
                                      sasl_socket=self.postfix.queue / "private" / "auth")
        self.policyd.settings.update(default_domain="domain1.com", dovecot={
            "home": f"{directory}/mail/{{domain}}/{{local}}", "mail": "maildir:~/Maildir", "uid": "nobody",
            "gid": "nogroup", "implicit_tls_ports": self.dovecot.implicit_tls_ports})

    def prepare(self):
        """Databases, configurations and a place for mail."""
        super().prepare()
        self.dovecot.prepare()
        mail = self.policyd.directory.parent / "mail"
        mail.mkdir(mode=0o755)
        shutil.chown(mail, "nobody", "nogroup")

    def port(self, service):
        """Of Postfix's services, and of Dovecot's."""
        return self.dovecot.ports.get(service) or super().port(service)


def say_ports(host, directory):
    """What is there to try while the host stays up."""
    ctl = f"{program('policyctl')} -c {host.policyd.config}"
    print(f"""
The host stays up; Ctrl-C ends it.  All of it lies in {directory}

  SMTP          127.0.0.1:{host.port('smtp')}
  submission    127.0.0.1:{host.port('submission')}  (STARTTLS), 127.0.0.1:{host.port('submissions')} (TLS)
  IMAP          127.0.0.1:{host.port('imap')}  (STARTTLS), 127.0.0.1:{host.port('imaps')} (TLS)
  POP3          127.0.0.1:{host.port('pop3')}  (STARTTLS), 127.0.0.1:{host.port('pop3s')} (TLS)
  logins        {LOGINS[0]}, {LOGINS[1]};
                the password is "{PASSWORD}"
  DNS           127.0.0.1 port {host.unbound.port}; zones {', '.join(ZONES)}
  logs          {host.policyd.log}
                {host.postfix.log}
                {host.dovecot.log}

127.0.0.1 is trusted; a stranger comes from any other 127.x.y.z.  To try, in
another terminal, as root:

ctl="{ctl}"
swaks --server 127.0.0.1:{host.port('smtp')} --local-interface 127.0.0.2 \\
      --helo exchange.lan --from anna@sender.net --to you@domain1.com
$ctl status
$ctl policy set helo_fqdn enforce
$ctl grant add other-address@domain2.net you@domain1.com
$ctl policy set starttls off --account you@domain1.com --until 2030-01-31
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
        host = TourHost(options.directory / "host")
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
