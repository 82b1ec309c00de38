"""What every test shares: generated examples are the same in every run, and a slow machine is no failure."""

import os

# Two workers on two cores: threads of linear algebra on matrices as small as these only stand in each other's way. Set
# before NumPy is imported; kernels and apps that a test starts inherit it, and what somebody has set stays.
for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

from hypothesis import settings  # noqa: E402

from tests.engine.warehouse.fixtures import (  # noqa: E402
    duckdb_engine,
    engine,
    postgres_engine,
    postgres_server,
    spark_engine,
)

__all__ = ["duckdb_engine", "engine", "postgres_engine", "postgres_server", "spark_engine"]

SLOW_FIRST = ("browser", "notebooks", "workshop", "batch", "real", "traps", "engine")
"""Folders whose files take longest: begun first, so that at the end no core waits for another."""


def pytest_configure(config):
    config.option.loadscopereorder = (
        False  # else the files with most tests come first, and these have few and long ones
    )


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: find_place(item.path))


def find_place(path):
    """Return a place in the order of running; equal ones stay in the order in which they were found."""
    folders = set(path.parts)
    return next((place for place, name in enumerate(SLOW_FIRST) if name in folders), len(SLOW_FIRST))


settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
