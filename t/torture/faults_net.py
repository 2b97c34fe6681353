# SPDX-License-Identifier: MIT
"""DNS that fails in every way, slow clients, too few descriptors."""

import itertools
import os
import resource
import socket
import statistics
import time
from contextlib import ExitStack, contextmanager

from daemon import DEADLINE_S, daemon, login, recipient
from mailhost.policy import PolicyClient, request
from mailhost.process import Pace
from scripted_dns import ScriptedDns
from trial import fault

PASSES_S = 2.5
DNS_S = 2  # dns.timeout_ms
IN_FLIGHT = 256
MISSING = "450 4.7.1 "

# What each answer of the DNS has to come to: the beginning of the reply, and after how long at most.
WANTED = {"good": "DUNNO", "nxdomain": MISSING, "nodata": MISSING, "servfail": "DUNNO", "silent": "DUNNO",
          "late": "DUNNO", "truncated": "DUNNO", "loop": "DUNNO", "garbage": "DUNNO", "source": "DUNNO",
          "number": "DUNNO", "question": "DUNNO"}

_names = itertools.count(1)


def stranger(helo):
    """A request of a mail server that nobody knows."""
    return {"protocol_state": "RCPT", "policy_context": "helo", "client_address": "192.0.2.77", "helo_name": helo,
            "sender": "a@sender.net", "recipient": "user@example.com"}


def with_dns(trial, stack):
    """A policyd that believes a scripted server."""
    dns = stack.enter_context(ScriptedDns(trial.random))
    admin = stack.enter_context(daemon(trial.directory, 1, dns={"servers": [f"127.0.0.1@{dns.port}"]}))
    admin.ok("policy", "set", "helo_resolve", "enforce", "--yes")
    return dns, admin


def round_of(trial, clients, kinds):
    """One question on each connection; every reply, and the time until the last."""
    start = time.monotonic()
    for client, kind in zip(clients, kinds):
        client.send(request(**stranger(f"{kind}-{next(_names)}.torture.example")))
    for client, kind in zip(clients, kinds):
        reply = client.reply()
        trial.check(reply.startswith(WANTED[kind]), f"{kind}: {reply}")
    trial.tries += len(clients) - 1
    return time.monotonic() - start


@fault("18, 20, 21", "DNS dead, wrong, forged", share=2)
def dns_faults(trial):
    with ExitStack() as stack:
        dns, admin = with_dns(trial, stack)
        clients = [stack.enter_context(PolicyClient(admin.policyd.policy_socket, timeout=DEADLINE_S))
                   for _ in range(IN_FLIGHT // 2)]
        slowest = 0
        while trial.more():
            kinds = [trial.random.choice(list(WANTED)) for _ in clients]
            with Pace() as pace:
                took = round_of(trial, clients, kinds)
                took = min(took, DNS_S + pace.undisturbed(max(0, took - DNS_S)))
            slowest = max(slowest, took)
            trial.check(took < PASSES_S, f"answered after {took:.2f} s")
        trial.note(f"{dns.questions} questions, slowest {slowest:.2f} s")


@fault("19", "DNS answers after 1.9 s", share=2)
def dns_late(trial):
    with ExitStack() as stack:
        dns, admin = with_dns(trial, stack)
        clients = [stack.enter_context(PolicyClient(admin.policyd.policy_socket, timeout=2 * DEADLINE_S))
                   for _ in range(1000)]
        while trial.more():
            took = round_of(trial, clients, ["late"] * len(clients))
            trial.check(took < DEADLINE_S, f"answered after {took:.2f} s")
        trial.check(dns.most_waiting <= IN_FLIGHT, f"{dns.most_waiting} in flight")
        trial.note(f"in flight at most {dns.most_waiting}")


def p99_of(client, count=1000):
    """Milliseconds of one client that asks again and again."""
    took = []
    for _ in range(count):
        start = time.perf_counter()
        client.ask(**recipient(login(0)))
        took.append((time.perf_counter() - start) * 1000)
    return statistics.quantiles(took, n=100)[98]


@fault("23", "2000 slow clients")
def slow_clients(trial):
    """Each sends one octet now and then; somebody else asks at full speed."""
    slow = request(**recipient(login(0)))
    with daemon(trial.directory, 1) as admin, ExitStack() as stack:
        quick = stack.enter_context(PolicyClient(admin.policyd.policy_socket, timeout=DEADLINE_S))
        alone = statistics.median(p99_of(quick) for _ in range(3))
        sockets = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2000)]
        for each in sockets:
            each.connect(str(admin.policyd.policy_socket))
        measured, said = [], dict.fromkeys(sockets, 0)
        while trial.more():
            for each in trial.random.sample(sockets, 500):
                each.send(slow[said[each]:said[each] + 1])
                said[each] = (said[each] + 1) % len(slow)
            measured.append(p99_of(quick, 300))
        beside = statistics.median(measured)
        for each in sockets:
            each.close()
        alone = max(alone, statistics.median(p99_of(quick) for _ in range(3)))  # the machine may be busier than before
        trial.check(beside < 4 * alone + 5, f"p99 of others {beside:.2f} ms, alone {alone:.2f} ms")
        trial.note(f"p99 {beside:.2f} ms, alone {alone:.2f} ms")


def cpu_seconds(pid):
    """What a process used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def few_descriptors(few):
    """For what is started meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@fault("26", "out of descriptors")
def out_of_descriptors(trial):
    """It neither spins nor ends, and answers again when there are some."""
    with daemon(trial.directory, 1) as admin:
        worst = 0
        while trial.more():
            few = trial.random.randint(40, 120)
            admin.policyd.stop()
            with few_descriptors(few):
                admin.policyd.start()
            with ExitStack() as stack:
                for _ in range(few + 50):
                    client = stack.enter_context(socket.socket(socket.AF_UNIX))
                    client.settimeout(0.2)
                    try:
                        client.connect(str(admin.policyd.policy_socket))
                    except OSError:
                        break
                start = cpu_seconds(admin.policyd.pid)
                time.sleep(1)  # what is measured
                worst = max(worst, cpu_seconds(admin.policyd.pid) - start)
                trial.check(admin.policyd.running(), "policyd ended")
            with PolicyClient(admin.policyd.policy_socket, timeout=DEADLINE_S) as client:
                trial.check(client.ask(**recipient(login(0))) == "DUNNO", "refused afterwards")
        trial.check(worst < 0.3, f"{worst:.2f} s of processor time in a second")
        trial.note(f"{worst:.2f} s of processor in 1 s")
