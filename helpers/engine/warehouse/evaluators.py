"""Who counts the records of a company whose tables lie in a warehouse: the warehouse itself, or DuckDB and numpy."""

from dataclasses import replace
from datetime import date

import pandas as pd

from helpers.engine.aggregates import Evaluator
from helpers.engine.journeys import Journeys, build_journeys

REMEMBERED_DAYS = 4
"""How many days of a company's evaluators are kept in memory."""

LOOKED_AT = ("deal", "deal_history", "customer", "subscription")
"""Objects of which some KPIs look at single records; of all others records are only counted."""


def open_evaluator(company, as_of: date | None) -> Evaluator:
    """Return who counts, one per company and day.

    Args:
        company: The opened company; its tables lie in a warehouse.
        as_of: The last day that counts; None lets everything count.

    Returns:
        For DuckDB the evaluator that streams records through numpy; for every other engine the one that asks it for
        the cells.
    """
    remembered = vars(company).setdefault("_evaluators", {})
    if as_of not in remembered:
        if company.warehouse.connection.dialect == "duckdb":
            from helpers.engine.warehouse.stream import StreamEvaluator as Chosen
        else:
            from helpers.engine.warehouse.aggregate_query import PushdownEvaluator as Chosen
        remembered[as_of] = Chosen(company, as_of)
    while len(remembered) > REMEMBERED_DAYS:
        del remembered[next(other for other in remembered if other != as_of)]
    return remembered[as_of]


def open_journeys(company, as_of: date | None) -> Journeys:
    """Return the journeys of deals, customers and subscriptions in memory, for what is told of single records' states.

    Raises:
        DataError: There are more of them than may be fetched.
    """
    remembered = vars(company)
    if "_deal_side" not in remembered:
        remembered["_deal_side"] = replace(company, tables=DealSide(company.tables), warehouse=None)
    return build_journeys(remembered["_deal_side"], as_of=as_of)


class DealSide(dict):
    """The tables of deals and what hangs on them, fetched when first asked for."""

    def __init__(self, tables):
        """Fetch nothing yet."""
        super().__init__({name: None for name in tables if name in LOOKED_AT})
        self._tables = tables

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Fetch one table."""
        if name not in self.keys():
            raise KeyError(name)
        return self._tables[name]

    def get(self, name: str, default=None):
        """Fetch one table if it is there."""
        return self[name] if name in self.keys() else default
