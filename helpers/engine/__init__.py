"""Arithmetic: canonical tables in, cells out."""

from helpers.engine.availability import describe_rules, explain_availability
from helpers.engine.cells import build_cells

__all__ = ["build_cells", "describe_rules", "explain_availability"]
