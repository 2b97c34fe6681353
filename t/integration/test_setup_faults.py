# SPDX-License-Identifier: MIT
"""policyctl setup when something goes wrong in the middle: all of it is done or nothing, and kill -9 can be undone."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from mailhost.process import run
from test_setup import debian, make_host  # noqa: F401  (debian: a fixture)

# A rename() that does not come to pass: the AT-th of those below FOLDER fails, or ends the process.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    static int count;

    if (strncmp(to, getenv("FOLDER"), strlen(getenv("FOLDER"))) != 0 || ++count != strtol(getenv("AT"), NULL, 10))
        return real(from, to);
    if (getenv("KILL"))
        kill(getpid(), SIGKILL);
    errno = EIO;
    return -1;
}
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The library, to be loaded before the C library."""
    directory = tmp_path_factory.mktemp("shim")
    (directory / "shim.c").write_text(SHIM)
    run("cc", "-shared", "-fPIC", "-o", directory / "shim.so", directory / "shim.c", "-ldl")
    return directory / "shim.so"


@pytest.fixture(autouse=True)
def no_scratch_left():
    """A process that was killed leaves its copy of the configuration."""
    before = set(Path("/tmp").glob("policyctl-setup.*"))
    yield
    for left in set(Path("/tmp").glob("policyctl-setup.*")) - before:
        shutil.rmtree(left)


def stopped_at(host, shim, number, *options, kill):
    """--apply or --undo with a shim; False where it came to its end."""
    done = host.setup(*options, env={"LD_PRELOAD": str(shim), "FOLDER": str(host.directory), "AT": str(number),
                                     "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
                                     **({"KILL": "1"} if kill else {})})
    if done.returncode == 0:
        return False
    assert done.returncode == (-signal.SIGKILL if kill else 1), done
    return True


def records(host):
    """The journal's records."""
    return sorted(p.name for p in host.journal.iterdir() if p.name.isdigit()) if host.journal.exists() else []


def names(host):
    """Every file of the configuration, hidden ones too: none is left behind."""
    return sorted(p.name for p in host.postfix.config.iterdir())


def test_a_write_fails(debian, shim):  # noqa: F811
    """Whichever it is, all is as it was."""
    files, there, number = debian.files(), names(debian), 1
    while stopped_at(debian, shim, number, "--apply", kill=False):
        assert debian.files() == files and names(debian) == there and records(debian) == [], number
        number += 1
    assert number > 6 and records(debian) == ["1"]


def test_killed_while_it_applies(debian, shim):  # noqa: F811
    """At whichever write: --undo brings back every octet, and --apply does it all."""
    files, there, number, interrupted = debian.files(), names(debian), 1, 0
    while stopped_at(debian, shim, number, "--apply", kill=True):
        if records(debian):
            interrupted += 1
            done = debian.setup("--apply")
            assert done.returncode == 1 and "was interrupted: policyctl setup --undo" in done.stderr
            assert "was interrupted" in debian.setup().stdout
        debian.undo()
        assert debian.files() == files and names(debian) == there and records(debian) == [], number
        number += 1
    assert interrupted >= 3
    assert "nothing to change" in debian.apply()


def test_killed_while_it_takes_back(debian, shim):  # noqa: F811
    """At whichever write: once more, and it is done."""
    files, there, number = debian.files(), names(debian), 1
    debian.apply()
    while stopped_at(debian, shim, number, "--undo", kill=True):
        debian.undo()
        assert debian.files() == files and names(debian) == there and records(debian) == [], number
        debian.apply()
        number += 1
    assert number > 2 and debian.files() == files


def in_namespace(command):
    """The beginning of a command with mounts of its own."""
    return ["unshare", "--mount", "sh", "-c", f'{command} && exec "$@"', "sh"]


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_a_file_that_cannot_be_replaced(debian, name):  # noqa: F811
    """The other one is put back."""
    files = debian.files()
    path = debian.postfix.config / name
    debian.prefix = in_namespace(f"mount --bind {path} {path}")
    done = debian.setup("--apply")
    assert done.returncode == 1 and str(path) in done.stderr and done.stderr.endswith("all is as it was\n")
    assert debian.files() == files and records(debian) == []


def test_postfix_does_not_take_it(debian, tmp_path):  # noqa: F811
    """"postfix check" fails once the changes are made: they are taken back at once."""
    files, script = debian.files(), tmp_path / "second-time"
    script.write_text(f"#!/bin/sh\n[ -e {tmp_path}/second ] && echo 'postfix: fatal: no' >&2 && exit 1\n"
                      f"touch {tmp_path}/second\n")
    script.chmod(0o755)
    debian.prefix = in_namespace(f"mount --bind {script} /usr/sbin/postfix")
    done = debian.setup("--apply")
    assert (done.returncode, done.stderr) == (1, "policyctl: postfix: fatal: no: all is as it was\n")
    assert debian.files() == files and records(debian) == []


def test_postfix_was_broken_before(debian):  # noqa: F811
    debian.edit("main.cf", "\nrecipient_delimiter = +\n", "\nrecipient_delimiter = +\nmail_owner = nobody-of-that-name\n")
    files = debian.files()
    done = debian.setup("--apply")
    assert done.returncode == 1 and "before anything was changed" in done.stderr
    assert debian.files() == files and records(debian) == []


def test_configuration_that_cannot_be_read(debian):  # noqa: F811
    (debian.postfix.config / "master.cf").write_text("smtp inet\n")
    for options in ([], ["--apply"]):
        done = debian.setup(*options)
        assert done.returncode == 1 and "master.cf" in done.stderr and done.stdout == ""


def test_two_at_a_time(debian):  # noqa: F811
    """The second one is told to come again."""
    debian.apply()
    run("flock", debian.journal / "lock", "true")
    debian.prefix = ["flock", debian.journal / "lock"]
    done = debian.setup("--undo")
    assert done.returncode == 3 and "another policyctl setup is at work" in done.stderr


def test_links_stay_links(debian, tmp_path):  # noqa: F811
    """A main.cf that is kept elsewhere is changed there."""
    real = tmp_path / "kept.cf"
    shutil.move(debian.postfix.config / "main.cf", real)
    (debian.postfix.config / "main.cf").symlink_to(real)
    before = real.read_bytes()
    debian.apply()
    assert (debian.postfix.config / "main.cf").is_symlink() and b"postern_policy" in real.read_bytes()
    debian.undo()
    assert (debian.postfix.config / "main.cf").is_symlink() and real.read_bytes() == before
