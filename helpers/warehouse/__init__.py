"""Connections to warehouses: DuckDB, PostgreSQL, Spark; and the way from our SQL into theirs."""
