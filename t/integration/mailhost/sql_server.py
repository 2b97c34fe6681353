# SPDX-License-Identifier: MIT
"""MariaDB and PostgreSQL, each below one directory and on a unix socket alone, and their dumps."""

import os
import shutil
from pathlib import Path

from .process import PATIENCE, Process, run


def _as_user(name):
    """The beginning of a command that runs as this user."""
    return ["setpriv", "--reuid", name, "--regid", name, "--clear-groups"]


class MariaDb:
    """Debian's, with no configuration but what stands here."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self._data = self.directory / "data"
        self._socket = self.directory / "socket"
        self._process = None

    def start(self):
        """Make the databases and start."""
        self.directory.mkdir()
        shutil.chown(self.directory, "mysql", "mysql")
        run("mariadb-install-db", "--no-defaults", "--user=mysql", "--skip-test-db", f"--datadir={self._data}",
            "--auth-root-authentication-method=normal", timeout=10 * PATIENCE)  # it syncs dozens of files
        self._process = Process(["mariadbd", "--no-defaults", "--user=mysql", "--skip-networking", "--skip-log-bin",
                                 f"--datadir={self._data}", f"--socket={self._socket}",
                                 f"--pid-file={self.directory}/pid"], self.directory / "log")
        self._process.wait_ready(self._answers, "MariaDB", 10 * PATIENCE)

    def _options(self):
        return ["--no-defaults", f"--socket={self._socket}", "--user=root", "--default-character-set=utf8mb4"]

    def _answers(self):
        return run("mariadb", *self._options(), "--execute", "SELECT 1", check=False).returncode == 0

    def sql(self, database, script):
        """Run statements in a new database."""
        run("mariadb", *self._options(), "--execute", f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
        run("mariadb", *self._options(), database, stdin=script)

    def dump(self, database, *options):
        """What mysqldump writes."""
        return run("mariadb-dump", *self._options(), *options, database).stdout

    def stop(self):
        """End it."""
        if self._process:
            self._process.stop()


class PostgreSql:
    """The newest that is installed."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self._process = None

    def start(self):
        """Make the cluster and start."""
        programs = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name)) / "bin"
        self.directory.mkdir()
        shutil.chown(self.directory, "postgres", "postgres")
        data = self.directory / "data"
        run(*_as_user("postgres"), programs / "initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-sync", cwd="/")
        self._process = Process([*_as_user("postgres"), programs / "postgres", "-F", "-D", data, "-h", "",
                                 "-k", self.directory], self.directory / "log", cwd="/")
        self._process.wait_ready(lambda: self._run("psql", "-c", "SELECT 1", check=False).returncode == 0,
                                 "PostgreSQL")

    def _run(self, program, *arguments, **options):
        return run(program, *arguments, env={**os.environ, "PGHOST": str(self.directory), "PGUSER": "postgres"},
                   **options)

    def sql(self, database, script):
        """Run statements in a new database."""
        self._run("createdb", database)
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, stdin=script)

    def dump(self, database, *options):
        """What pg_dump writes."""
        return self._run("pg_dump", *options, database).stdout

    def stop(self):
        """End it."""
        if self._process:
            self._process.stop()
