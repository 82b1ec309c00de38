"""Arithmetic: canonical tables in, cells out."""

from helpers.engine.availability import explain_availability
from helpers.engine.cells import build_cells
from helpers.engine.rulebook import describe_rules
from helpers.engine.session import open_session

__all__ = ["build_cells", "describe_rules", "explain_availability", "open_session"]
