"""Leaves from a journey table in DuckDB are what plain pandas makes of the same rows."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.analyses.journey_leaves import JourneyTable, prepare_journeys, sum_journeys
from helpers.analyses.root_cause import localise

STEPS = {"leads": "lead_day", "opportunities": "opportunity_day", "deals_won": "won_day"}
EXPECTED, ACTUAL, AGE = [(0, 89), (90, 179)], (180, 269), 30


def make_rows(n: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    region = pd.Series(rng.choice(["North", "South", 'O\'Hare "x"'], n), dtype="str").where(rng.random(n) > 0.05)
    frame = pd.DataFrame({"region": region, "sales team": rng.choice(["a", "b"], n)})
    frame["lead_day"] = pd.Series(rng.integers(-20, 300, n)).where(rng.random(n) > 0.02).astype("Int32")
    for name, share, most in (("opportunity_day", 0.5, 60), ("won_day", 0.4, 120)):
        later = frame["lead_day"] + rng.integers(-5, most, n)
        frame[name] = later.where(rng.random(n) < share).astype("Int32")
    frame["cents"] = pd.Series(rng.integers(0, 3, n) * 12_345).where(frame["won_day"].notna()).astype("Int64")
    return frame


def sum_in_pandas(rows: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for side, periods in (("expected", EXPECTED), ("actual", [ACTUAL])):
        for first, last in periods:
            part = rows[rows["lead_day"].between(first, last)].copy()
            opp = (part["opportunity_day"] >= part["lead_day"]) & (part["opportunity_day"] <= last + AGE)
            opp = opp.fillna(False).astype(bool)
            won = (part["won_day"] >= part["opportunity_day"]) & (part["won_day"] <= last + AGE)
            won = opp & won.fillna(False).astype(bool)
            money = (part["cents"].astype(float) / 100).where(won, 0.0).fillna(0.0)
            logs = np.log(money.where(money > 0, 1.0))
            numbers = {"leads": 1.0, "opportunities": opp.astype(float), "deals_won": won.astype(float)}
            numbers |= {"revenue": money, "revenue_log": logs, "revenue_logsq": logs**2}
            parts.append(part[["region", "sales team"]].assign(**{f"{k}_{side}": v for k, v in numbers.items()}))
    return pd.concat(parts).groupby(["region", "sales team"], dropna=False).sum().reset_index()


@pytest.fixture
def prepared():
    rows = make_rows()
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        prepare_journeys(connection, "select * from rows", ["region", "sales team"])
        yield rows, connection


def test_leaves_of_a_journey_table_are_those_of_plain_pandas(prepared):
    rows, connection = prepared
    table = JourneyTable("journey", ("region", "sales team"), STEPS, cents="cents")
    made = sum_journeys(connection, table, expected=EXPECTED, actual=ACTUAL, age=AGE)
    assert isinstance(made["region"].dtype, pd.CategoricalDtype)
    keys = ["region", "sales team"]
    made = made.astype({key: "str" for key in keys}).sort_values(keys).reset_index(drop=True)
    expected = sum_in_pandas(rows)[made.columns].astype({key: "str" for key in keys})
    expected = expected.sort_values(keys).reset_index(drop=True)
    pd.testing.assert_frame_equal(made, expected, check_dtype=False, rtol=1e-9)


def test_without_partitions_one_row_holds_everything(prepared):
    rows, connection = prepared
    made = sum_journeys(connection, JourneyTable("journey", (), STEPS), expected=EXPECTED, actual=ACTUAL, age=AGE)
    assert made["leads_actual"].tolist() == [rows["lead_day"].between(*ACTUAL).sum()]
    assert "revenue_actual" not in made


def test_coded_leaves_are_searched_like_texts(prepared):
    _, connection = prepared
    table = JourneyTable("journey", ("region", "sales team"), STEPS, cents="cents")
    coded = sum_journeys(connection, table, expected=EXPECTED, actual=ACTUAL, age=AGE)
    texts = coded.astype({"region": "str", "sales team": "str"})
    texts["region"] = texts["region"].where(coded["region"].notna())
    answers = [
        localise(one, ["region", "sales team"], list(STEPS), amount="revenue", expected_periods=2, direction="both")
        for one in (coded, texts)
    ]
    pd.testing.assert_frame_equal(*answers)
