"""Outcomes, stages and kinds of business, told from settings, flags and labels in that order."""

import pandas as pd
import pytest

from helpers.ingest.funnel import name_stages, recognise_outcome, tell_new_business, tell_outcomes
from helpers.ingest.settings import DealStage
from helpers.issues import IssueLog
from helpers.model.catalog import load_catalog


def deals(**columns):
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    return frame.assign(source_file="deals.csv", source_row=range(2, n + 2))


@pytest.mark.parametrize(
    ("label", "outcome"),
    [
        ("Won", "won"), ("closedwon", "won"), ("Closed - Won", "won"), ("6 - Closed Won", "won"), ("Gewonnen", "won"),
        ("LOST", "lost"), ("Closed Lost - price", "lost"), ("Perdu", "lost"), ("Verloren", "lost"),
        ("Proposal", "open"), ("Wonderful", "open"), ("Lost contact, retry", "lost"), ("Closed", "open"),
    ],
)  # fmt: skip
def test_a_label_alone_closes_a_deal_only_where_it_says_so(label, outcome):
    assert recognise_outcome(label) == outcome


def test_what_company_toml_says_goes_before_flags_and_flags_before_labels():
    """
    stage   is_won  company.toml       -> outcome
    Alpha   yes     Alpha = lost          lost
    Beta    yes                           won
    Won     no (closed)                   lost
    Won                                   won
    """
    frame = deals(
        stage=["Alpha", "Beta", "Won", "Won"],
        is_won=pd.array([True, True, False, None], dtype="boolean"),
        is_closed=pd.array([True, True, True, None], dtype="boolean"),
    )
    told = tell_outcomes(frame, [DealStage(label="alpha ", stage="lost")], IssueLog())
    assert told["outcome"].tolist() == ["lost", "won", "lost", "won"]
    assert "outcome" not in frame, "what is handed in stays as it is"


def test_a_label_that_company_toml_does_not_place_is_an_issue():
    log = IssueLog()
    tell_outcomes(deals(stage=["Demo", "Newish"]), [DealStage(label="Demo", stage="opportunity")], log)
    assert log.to_frame()[["code", "row", "value"]].to_numpy().tolist() == [["new_stage_label", 3, "Newish"]]


def test_open_stages_stand_in_the_order_of_their_probability():
    frame = deals(stage=["Offer", "Call", "Won", "Lost"], probability=[60.0, 10.0, 100.0, 0.0])
    found = name_stages(frame, {})
    assert [(stage.label, stage.stage, stage.probability) for stage in found] == [
        ("Call", "opportunity", 0.1), ("Offer", "opportunity", 0.6), ("Won", "won", 1.0), ("Lost", "lost", 0.0),
    ]  # fmt: skip


def test_renewals_and_the_like_are_no_new_business_and_blank_is():
    types = ["New Business", "Renewal", "existingbusiness", "Existing Customer - Upgrade", "Cross-Sell", None]
    frame = deals(type=pd.Series(types, dtype="str"))
    found = tell_new_business(frame, load_catalog().existing_business)
    assert found.tolist() == [True, False, False, False, False, True]
