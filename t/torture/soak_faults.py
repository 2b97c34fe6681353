# SPDX-License-Identifier: MIT
"""Faults of a host in service: each is brought about and mended again while mail flows."""

import os
import signal
import socket
import sqlite3
import time
from collections import namedtuple
from contextlib import ExitStack, closing
from pathlib import Path

from faults_store import companions, fill
from mailhost.policy import request
from mailhost.process import wait_for

HOLD_S = 10


def kill_policyd(host, _):
    host.policyd.kill()
    host.policyd.start()


def restart_policyd(host, _):
    host.policyd.restart()


def reload_policyd(host, _):
    for _ in range(20):
        host.policyd.reload()
        time.sleep(0.05)


def bad_configuration(host, _):
    host.policyd.config.write_text("no_such_key = 1\n")
    host.policyd.reload()
    time.sleep(1)
    host.policyd.write_config()
    host.policyd.reload()


def kill_workers(host, _):
    for worker in host.dovecot.workers():
        os.kill(worker, signal.SIGKILL)


def lock_database(host, random):
    path = host.policyd.settings[random.choice(["accounts_db", "state_db"])]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(HOLD_S)
        other.execute("ROLLBACK")


def hold_reader(host, random):
    path = host.policyd.settings[random.choice(["accounts_db", "state_db"])]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        time.sleep(2 * HOLD_S)


def silent_dns(host, _):
    host.unbound.freeze()
    time.sleep(HOLD_S)
    host.unbound.thaw()


def dead_dns(host, _):
    host.unbound.stop()
    time.sleep(HOLD_S)
    host.unbound.start()


def frozen_policyd(host, _):
    os.kill(host.policyd.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(host.policyd.pid, signal.SIGCONT)


def rotate_log(host, _):
    host.policyd.log.rename(host.policyd.log.with_suffix(f".log.{time.time_ns()}"))
    host.policyd.reload()


def full_disk(host, _):
    disk = Path(host.policyd.settings["state_db"]).parent
    fill(disk)
    time.sleep(HOLD_S)
    (disk / "filler").unlink()


def away(host, _):
    moved = [(p, p.rename(p.with_name("away-" + p.name))) for p in companions(host.policyd.settings["accounts_db"])]
    time.sleep(3)
    for path, elsewhere in moved:
        elsewhere.rename(path)
    wait_for(lambda: host.policyd.ctl("account", "show", "sender0@example.com", check=False).returncode == 0,
             "accounts.db to be opened again")


def index_deleted(host, _):
    Path(host.policyd.settings["accounts_db"] + "-shm").unlink(missing_ok=True)
    time.sleep(1)
    host.policyd.restart()


def slow_clients(host, random):
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(1000)]
        for client in clients:
            client.connect(str(host.policyd.policy_socket))
        for octet in request(protocol_state="RCPT")[:HOLD_S]:
            for client in clients:
                client.send(bytes([octet]))
            time.sleep(random.random())


def garbage(host, random):
    sockets = (host.policyd.policy_socket, host.policyd.sockets / "maps", host.policyd.settings["control_socket"])
    for _ in range(500):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(random.choice(sockets)))
                client.sendall(random.randbytes(random.randint(1, 20000)))
            except OSError:
                continue


def reload_postfix(host, _):
    host.postfix.reload()


# number: in doc/reliability.md; ends: policyd is started anew by it; defers: honest mail may have to wait, logins too.
Fault = namedtuple("Fault", "number what run ends defers")

FAULTS = [
    Fault("1", "policyd killed (-9)", kill_policyd, True, False),
    Fault("2", "auth workers killed (-9)", kill_workers, False, True),
    Fault("6", "disk of state.db full", full_disk, False, False),
    Fault("9", "accounts.db renamed", away, False, True),
    Fault("12", "-shm deleted", index_deleted, True, True),
    Fault("15", "write lock held", lock_database, False, False),
    Fault("16", "a reader held", hold_reader, False, False),
    Fault("18", "DNS dead", dead_dns, False, True),
    Fault("18", "DNS silent", silent_dns, False, True),
    Fault("23", "1000 slow clients", slow_clients, False, False),
    Fault("28", "log rotated", rotate_log, False, False),
    Fault("29", "bad configuration", bad_configuration, False, False),
    Fault("30", "reload, 20 times", reload_policyd, False, False),
    Fault("31", "policyd restarted", restart_policyd, True, False),
    Fault("-", "policyd frozen", frozen_policyd, False, False),
    Fault("-", "garbage on every socket", garbage, False, False),
    Fault("-", "Postfix reloaded", reload_postfix, False, True),
]
