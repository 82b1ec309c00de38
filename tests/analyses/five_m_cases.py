"""Small companies in which one thing is planted, or nothing: contacts and deals of the first three quarters of 2025."""

from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.five_m import Question, gather_evidence
from helpers.model.cause import load_causes
from helpers.periods import Period, period_of
from tests.companies import make_company

NOW = period_of(date(2025, 9, 30), "quarter")
BEFORE: list[Period] = [NOW.previous(2), NOW.previous(1)]
AS_OF = date(2025, 9, 30)
START = pd.Timestamp("2025-01-01")
BREAK = pd.Timestamp("2025-07-14")
OWNERS = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn")


def is_late(days: pd.Series) -> np.ndarray:
    """Tell which days lie in the period in question."""
    return (days >= pd.Timestamp(NOW.start)).to_numpy()


def make_contacts(n: int = 1800, *, seed: int = 1, goes_on=None) -> pd.DataFrame:
    """Contacts created evenly over the nine months; 30 % become an opportunity after twenty days, or as said.

    Args:
        n: How many.
        seed: Of the draws.
        goes_on: Takes the frame, returns each contact's chance to become an opportunity.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(n)],
            "created_at": START + pd.to_timedelta(np.sort(rng.integers(0, 273, n)), unit="D"),
            "region": rng.choice(["North", "South", "West"], n),
            "source": rng.choice(["Web", "Fair"], n),
            "owner": rng.choice(OWNERS, n),
        }
    )
    chance = 0.3 if goes_on is None else goes_on(frame)
    became = (frame["created_at"] + pd.Timedelta(days=20)).where(rng.random(n) < chance)
    return frame.assign(opportunity_at=became.where(became <= pd.Timestamp(AS_OF)))


def make_deals(n: int = 900, *, seed: int = 2, chance=None, days: int = 30, amount=None) -> pd.DataFrame:
    """Deals decided evenly over the nine months; 30 % won, or as ``chance`` says of the frame."""
    rng = np.random.default_rng(seed)
    closed = START + pd.to_timedelta(np.sort(rng.integers(0, 273, n)), unit="D")
    frame = pd.DataFrame(
        {
            "id": [f"d{i}" for i in range(n)],
            "created_at": closed - pd.Timedelta(days=days),
            "closed_at": closed,
            "segment": rng.choice(["SMB", "Enterprise"], n),
            "region": rng.choice(["North", "South", "West"], n),
            "owner": rng.choice(OWNERS, n),
            "company_id": [f"k{i}" for i in range(n)],
            "amount": np.round(rng.lognormal(9, 0.5, n), 2),
        }
    )
    if amount is not None:
        frame["amount"] = np.round(amount(frame), 2)
    won = rng.random(n) < (0.3 if chance is None else chance(frame))
    return frame.assign(stage=np.where(won, "Closed Won", "Closed Lost"))


def make_question(tables: dict, *, milieu: bool = False, **more) -> Question:
    """Ask about the third quarter against the two before it."""
    known = {name: more.pop(name) for name in ("causes", "moved", "leaves", "fairness", "gap") if name in more}
    settings = {**more.pop("settings", {}), "five_m": {"milieu": milieu}}
    company = make_company(tables, settings=settings, **more)
    return Question(company, NOW, BEFORE, AS_OF, **known)


def ask(tables: dict, cause: str, **more) -> pd.Series:
    """Ask one question only."""
    question = make_question(tables, **more)
    rules = {cause: load_causes(question.company.settings.causes, milieu=True)[cause]}
    return gather_evidence(question, rules=rules).set_index("cause").loc[cause]
