"""Small companies with answers, for the tests of survey and discovery."""

from itertools import cycle
from types import SimpleNamespace

import pandas as pd

from helpers.answers.discovery import DiscoveryAnswers
from helpers.answers.survey import Response, Round
from tests.companies import make_company


def people(**values_of):
    """One response per keyword: its values."""
    return {
        name: Response(name, name.capitalize(), team=team, values=values)
        for (name, values), team in zip(
            values_of.items(), cycle(("marketing", "sales", "revops", "success")), strict=False
        )
    }


def make_crowd(n, *, long_names=False, is_alike=False):
    """So many people who answer what can be compared, each a little differently unless they are alike."""
    names = "Ana Ben Cem Dan Eva Fay Gus Hal Ida Jon Kim Lea".split()
    crowd = {}
    for i in range(n):
        k = 0 if is_alike else i
        name = f"{names[i % 12]} {'Maximiliane Wolfeschlegelsteinhausenbergerdorff' if long_names else f'Surname{i}'}"
        values = {
            "active_customers": 300 + 17 * k,
            "revenue_goal": 1_000_000 + 50_000 * (k % 3),
            "on_track": ("yes", "no", "unknown")[k % 3],
            "primary_motion": ("sales_led", "marketing_led", "partner_led", "product_led")[k % 4],
            "top_priorities": [
                "Win mid-market in the US",
                f"Launch {names[k % 12]}",
                f"Open an office in {names[k % 12]}ville",
            ],
            "products": [{"name": "Flow", "average_deal": 12_000 + 900 * k, "per": "year", "cycle_days": 30 + 5 * k}],
            "focus_areas": [{"area": "Lead quality", "is_issue": "yes" if k % 2 else "no", "is_picked": "yes"}],
            "definition_mql": ("score", "form", "fit", "judged")[k % 4],
            "definition_churn": "notice" if k else "no_use",
            "context_growth": "A long story about how growth came and went. " * 12,
        }
        team = ("marketing", "sales", "revops", "success")[i % 4]
        crowd[f"p{i:02}"] = Response(f"p{i:02}", name, role="Head of something", team=team, values=values)
    return crowd


def answers(responses, *, is_closed=True, discovery=None):
    """Answers as a company holds them."""
    return SimpleNamespace(
        survey=responses,
        round=Round(is_closed),
        visible_survey=responses if is_closed else {},
        discovery=discovery or DiscoveryAnswers(),
    )


def make_deals():
    """Four won and two lost deals of 2026, new business; the four wins took 10, 20, 30 and 60 days.

    | id | created | closed | outcome | amount | product | source |
    | 1 | 01 Mar | 11 Mar | won | 10,000 | Flow | Web |
    | 2 | 01 Mar | 21 Mar | won | 20,000 | Flow | Web |
    | 3 | 01 Mar | 31 Mar | won | 30,000 | Shield | – |
    | 4 | 01 Apr | 31 May | won | 40,000 | Shield | Web |
    | 5 | 01 Mar | 31 Mar | lost | 50,000 | Flow | – |
    | 6 | 01 Apr | 31 May | lost | 60,000 | Flow | Web |
    """
    return pd.DataFrame(
        {
            "id": ["1", "2", "3", "4", "5", "6"],
            "company_id": ["a", "b", "c", "d", "a", "e"],
            "contact_id": ["k1", "k2", "k3", "k4", "k5", "k6"],
            "created_at": ["2026-03-01", "2026-03-01", "2026-03-01", "2026-04-01", "2026-03-01", "2026-04-01"],
            "closed_at": ["2026-03-11", "2026-03-21", "2026-03-31", "2026-05-31", "2026-03-31", "2026-05-31"],
            "stage": ["Won", "Won", "Won", "Won", "Lost", "Lost"],
            "amount": [10_000, 20_000, 30_000, 40_000, 50_000, 60_000],
            "product": ["Flow", "Flow", "Shield", "Shield", "Flow", "Flow"],
            "source": ["Web", "Web", None, "Web", None, "Web"],
            "lost_reason": [None, None, None, None, "Price", "Price"],
            "owner": ["Mia", "Mia", "Mia", "Mia", "Tom", "Tom"],
        }
    )


def make_companies():
    """Five companies with 20, 120, 300, 50 and no known employees."""
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e"],
            "employees": [20, 120, 300, 50, None],
            "industry": ["Retail", "Retail", "Logistics", None, "Retail"],
        }
    )


def make_case(responses=None, *, is_closed=True, discovery=None, **more):
    """The deals above with their companies, and whoever has answered."""
    tables = {"deal": make_deals(), "company": make_companies(), **more}
    return make_company(
        tables, currency="EUR", answers=answers(responses or {}, is_closed=is_closed, discovery=discovery)
    )
