"""The gap explained: ``decompose`` says of what kind, ``localise`` says where, ``explain_gap`` tells the story."""

from helpers.analyses.bridge import BRIDGE_COLUMNS, decompose
from helpers.analyses.gap import ROOT_CAUSE_COLUMNS, Gap, explain_gap
from helpers.analyses.localise import CAUSE_COLUMNS, localise
from helpers.analyses.slice_search import Gates

__all__ = [
    "BRIDGE_COLUMNS",
    "CAUSE_COLUMNS",
    "ROOT_CAUSE_COLUMNS",
    "Gap",
    "Gates",
    "decompose",
    "explain_gap",
    "localise",
]
