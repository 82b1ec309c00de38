"""Small answers of files that don't change, kept between runs, so that a large company opens at once the next time."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

FOLDER = "answers-of-files"
MOST_ROWS = 60_000
MOST_BYTES = 32 << 20
KEPT = 2
"""So many earlier states of the files are kept beside the newest."""


class RememberingConnection:
    """A connection to files whose small answers are remembered for as long as no file changes."""

    def __init__(self, connection: Any, folder: Path, files: Iterable[Path]):
        """Keep answers in a folder of its own for this state of the files.

        Args:
            connection: The connection that is asked where nothing is remembered.
            folder: The company's cache.
            files: The files that the answers depend on.
        """
        digest = hashlib.sha256(pa.__version__.encode())
        for path in sorted(files):
            stat = path.stat()
            digest.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
        self._connection, self._folder = connection, folder / FOLDER / digest.hexdigest()[:24]

    def __getattr__(self, name: str) -> Any:
        """Hand everything else on to the connection."""
        return getattr(self._connection, name)

    def fetch(self, sql: str) -> pa.Table:
        """Return an answer remembered, else ask, and remember it if it is small."""
        place = self._place(sql, ".arrow")
        try:
            with pa.memory_map(str(place)) as source:
                return pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowInvalid):
            pass
        answer = self._connection.fetch(sql)
        if answer.num_rows <= MOST_ROWS and answer.nbytes <= MOST_BYTES:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, answer.schema) as writer:
                writer.write_table(answer)
            self._keep(place, sink.getvalue().to_pybytes())
        return answer

    def columns(self, sql: str) -> Mapping[str, str]:
        """Return the columns of a query, remembered where they can be."""
        place = self._place(sql, ".json")
        try:
            return json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            pass
        answer = dict(self._connection.columns(sql))
        self._keep(place, json.dumps(answer).encode())
        return answer

    def _place(self, sql: str, ending: str) -> Path:
        return self._folder / f"{hashlib.sha256(sql.encode()).hexdigest()[:32]}{ending}"

    def _keep(self, place: Path, content: bytes) -> None:
        """Write an answer whole or not at all; where the folder can't be written, do without."""
        try:
            if not self._folder.is_dir():
                self._folder.mkdir(parents=True, exist_ok=True)
                self._forget_old()
            handle, partial = tempfile.mkstemp(dir=self._folder, prefix=".partial-")
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(partial).replace(place)
        except OSError:
            return

    def _forget_old(self) -> None:
        others = [path for path in self._folder.parent.iterdir() if path.is_dir() and path != self._folder]
        for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)


def remember_answers(connection: Any, folder: Path, url: str, files: Iterable[Path]) -> Any:
    """Return a connection that remembers, where it reads files whose changes can be seen; else the connection itself.

    Args:
        connection: The open connection.
        folder: The company's folder.
        url: Its address: ``duckdb:`` or a DuckDB database file.
        files: The company's own files that are read in place.
    """
    if connection.dialect != "duckdb":
        return connection
    database = url.partition(":")[2].removeprefix("//").partition("?")[0]
    depends = [*files, *([Path(database)] if Path(database).is_file() else [])]
    return RememberingConnection(connection, folder / ".cache", depends) if depends else connection
