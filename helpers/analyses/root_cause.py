"""The gap explained: ``decompose`` says how much of what kind, ``localise`` says where."""

from helpers.analyses.bridge import BRIDGE_COLUMNS, decompose
from helpers.analyses.localise import CAUSE_COLUMNS, localise
from helpers.analyses.slice_search import Gates

__all__ = ["BRIDGE_COLUMNS", "CAUSE_COLUMNS", "Gates", "decompose", "localise"]
