"""What every test shares: generated examples are the same in every run, and a slow machine is no failure."""

from hypothesis import settings

from tests.engine.warehouse.fixtures import duckdb_engine, engine, postgres_engine, postgres_server, spark_engine

__all__ = ["duckdb_engine", "engine", "postgres_engine", "postgres_server", "spark_engine"]

settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
