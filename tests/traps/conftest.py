"""Every trap is set on every engine: in memory, streamed by DuckDB, on PostgreSQL, on Spark when asked for."""

import pytest

from tests.engine.warehouse.loading import lay_out


@pytest.fixture(autouse=True, params=["local", "duckdb", "postgres", pytest.param("spark", marks=pytest.mark.spark)])
def place(request, monkeypatch):
    """Let the companies that a trap makes lie in one engine after the other."""
    if request.param == "local":
        return
    connection, writer = request.getfixturevalue(f"{request.param}_engine")
    make = request.module.make_company

    def make_elsewhere(*arguments, **settings):
        return lay_out(make(*arguments, **settings), connection, writer=writer)

    monkeypatch.setattr(request.module, "make_company", make_elsewhere)
