"""Engines for tests: a PostgreSQL server of their own, a Spark session, DuckDB in memory."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PLACES = ("/usr/lib/postgresql/*/bin/initdb", "/opt/homebrew/opt/postgresql*/bin/initdb", "/usr/pgsql-*/bin/initdb")


class PostgresServer:
    """A server with an empty data folder, reached only through a socket in that folder."""

    def __init__(self, programs: Path):
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._programs = programs
        self._user = []
        if os.name == "posix" and os.geteuid() == 0:
            # initdb refuses root.
            shutil.chown(self.folder, "postgres")
            self._user = ["runuser", "-u", "postgres", "--"]
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c synchronous_commit=off"
        self._run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(self.folder / "log"), "start")
        self.url = f"postgresql://postgres@/postgres?host={self.folder}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._user, str(self._programs / program), *arguments]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
        assert not done.returncode, f"{program}: {done.stderr}"


def find_postgres() -> Path:
    """Return the folder of PostgreSQL's programs, or skip the test and say why."""
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else []
    for pattern in PLACES:
        root, _, rest = pattern.partition("*")
        found += sorted(Path(root).parent.glob(Path(root).name + "*" + rest))
    if not found:
        pytest.skip("PostgreSQL's server programs are not on this machine (Debian: apt-get install postgresql)")
    if os.name == "posix" and os.geteuid() == 0 and not shutil.which("runuser"):
        pytest.skip("PostgreSQL refuses root and runuser is not on this machine")
    return found[-1].parent


def open_spark(url: str = "spark:local[2]"):
    """Return a Spark connection, or skip the test and say why."""
    pytest.importorskip("pyspark", reason='Spark is not installed (pip install "revenue-engine-diagnostic[spark]")')
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        pytest.skip("Spark needs Java, which is not on this machine")
    from helpers.warehouse.spark import SparkConnection

    return SparkConnection(url)
