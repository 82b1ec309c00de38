"""Why a KPI has no rows, and how many records each rule of counting touched."""

import pandas as pd


def explain_availability(company, *, as_of=None) -> pd.DataFrame:
    """Tell for every KPI whether the data can tell it."""
    raise NotImplementedError


def describe_rules(company, *, as_of=None) -> pd.DataFrame:
    """Count the records that each rule touched."""
    raise NotImplementedError
