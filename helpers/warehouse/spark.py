"""Apache Spark: a session of its own on this machine, a cluster, or a Spark Connect server."""

import os
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

with warnings.catch_warnings():
    # Spark warns of pandas 3 wherever it might meet one; nothing but Arrow is handed to and fro here.
    warnings.simplefilter("ignore")
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

from helpers.warehouse.dialect import translate
from helpers.warehouse.failures import failure, mask_password

NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
TAG = "revenue-engine-diagnostic"


class SparkConnection:
    """A Spark session, used for reading only."""

    dialect = "spark"

    def __init__(self, url: str, *, seconds: int = 600):
        """Start or join a session.

        Args:
            url: ``spark:local[2]``, ``spark://host:7077`` (a cluster's master), ``sc://host:15002`` (Spark Connect).
            seconds: How long a statement may take.
        """
        self._url, self._seconds = url, seconds
        self.label = mask_password(url)
        try:
            self.session = _open_session(url)
        except Exception as error:
            # A JVM that can't start, an unknown master, a refused port: each raises a type of its own.
            raise failure(
                url, error, "Spark can't be started or reached", "Check the URL and that Java is there."
            ) from error

    def fetch(self, sql: str) -> pa.Table:
        """Run a query and return all its rows."""
        with self._limited(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.session.sql(translate(sql, self.dialect)).toArrow()

    def batches(self, sql: str, rows: int = 131_072) -> Iterator[pa.RecordBatch]:
        """Run a query and yield its rows; all of them pass through this process's memory once."""
        yield from self.fetch(sql).to_batches(max_chunksize=rows)

    def columns(self, sql: str) -> Mapping[str, str]:
        """Return the columns of a query: name → kind."""
        with self._limited():
            schema = self.session.sql(translate(sql, self.dialect)).schema
        return {field.name: _kind(field.dataType.simpleString()) for field in schema.fields}

    def close(self) -> None:
        """End the session, and the JVM's work with it."""
        self.session.stop()

    @contextmanager
    def _limited(self):
        late = threading.Event()
        timer = threading.Timer(self._seconds, self._interrupt, [late])
        timer.daemon = True
        timer.start()
        try:
            self.session.addTag(TAG)
            yield
        except PySparkException as error:
            raise self._explain(error, late.is_set()) from error
        except Exception as error:
            if not late.is_set() and "py4j" not in type(error).__module__:
                raise
            raise self._explain(error, late.is_set()) from error
        finally:
            timer.cancel()

    def _interrupt(self, late: threading.Event) -> None:
        late.set()
        self.session.interruptTag(TAG)

    def _explain(self, error: Exception, is_late: bool) -> Exception:
        if is_late:
            return failure(self._url, error, f"the query was given up after {self._seconds} s")
        return failure(self._url, error, "Spark refused the query")


def _open_session(url: str) -> SparkSession:
    if url.startswith("sc:"):
        return SparkSession.builder.remote(url).getOrCreate()
    master = url if url.startswith("spark://") else url.removeprefix("spark:") or "local[*]"
    cores = re.fullmatch(r"local\[(\d+|\*)\]", master)
    partitions = (os.cpu_count() or 2) if cores and cores[1] == "*" else int(cores[1]) if cores else None
    builder = SparkSession.builder.master(master).appName(TAG)
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
    }
    if partitions:
        # One machine: nothing is served to the network, and no more parts than cores.
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        settings["spark.sql.shuffle.partitions"] = str(partitions)
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _kind(type_: str) -> str:
    if type_ in ("boolean", "date"):
        return type_
    if type_.startswith("timestamp"):
        return "timestamp" if type_ == "timestamp_ntz" else "timestamptz"
    return "number" if type_.split("(")[0] in NUMBERS else "text"
