"""Where the records lie in a database: journeys and aggregates as SQL, run by DuckDB, PostgreSQL or Spark."""
