"""Everything that was decided about Brightwater: calendar, people, markets, rates and the causes planted in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

SEED = 7363  # chosen among some thousand worlds so that the planted causes, and little else, are visible
OWNER_STREAM = 468  # the deal of owners in which the innocent rep looks worst while nobody is better than chance
START = dt.date(2024, 10, 1)
END = dt.date(2026, 10, 1)  # the first day that is not simulated: no lead is created on or after it
DAYS = (END - START).days
DAY = 1440.0  # minutes: time is counted in minutes since START at midnight

# ---- what was planted, with the day from which it acts -------------------------------------------------
MIX_SHIFT_FROM = dt.date(2026, 5, 11)  # more webinar leads, fewer demo requests
RATE_DROP_FROM = dt.date(2026, 7, 1)  # decisions in US x Mid-market x Inbound
ROUTING_BREAK_FROM = dt.date(2026, 7, 13)  # contacts of the Nordics get no owner automatically
WEBINAR_ROUTING_FROM = dt.date(2026, 3, 2)  # one AE is handed the webinar opportunities of her team
RATE_DROP_FACTOR = 0.27
ROUTING_BREAK_SHARE = 0.88
ROUTING_BREAK_MQL_FACTOR = 0.40
SLIPPED_DEALS = 3
SLIPPED_UP_TO = 56_000
CAUSES = frozenset({"mix", "rate", "routing", "timing", "innocent"})

# ---- markets -------------------------------------------------------------------------------------------
SOURCES = ("Organic Search", "Paid Search", "Demo Request", "Webinar", "Referrals", "Outbound")
INBOUND = ("Organic Search", "Paid Search", "Demo Request")
CHANNEL = {
    "Organic Search": "Inbound",
    "Paid Search": "Inbound",
    "Demo Request": "Inbound",
    "Webinar": "Events",
    "Referrals": "Partner",
    "Outbound": "Outbound",
}
SOURCE_SHARE = (0.26, 0.20, 0.16, 0.18, 0.08, 0.12)
SOURCE_SHARE_SHIFTED = (0.25, 0.18, 0.095, 0.305, 0.07, 0.10)
SOURCE_DETAIL = {
    "Organic Search": ("Blog", "Product pages", "Comparison pages", "Pricing page"),
    "Paid Search": ("Brand campaign", "Category campaign", "Competitor campaign"),
    "Demo Request": ("Demo form", "Contact sales form"),
    "Webinar": ("Process Mining 101", "Live Product Tour", "Customer Panel", "CFO Briefing"),
    "Referrals": ("Partner Kestrel", "Partner Lumen", "Customer referral"),
    "Outbound": ("SDR calling", "SDR sequence", "Field event list"),
}
REGIONS = ("US", "DACH", "UK&I", "Nordics", "Benelux")
REGION_SHARE = (0.51, 0.165, 0.12, 0.12, 0.085)
COUNTRIES = {
    "US": (("United States", 1.0),),
    "DACH": (("Germany", 0.7), ("Austria", 0.14), ("Switzerland", 0.16)),
    "UK&I": (("United Kingdom", 0.84), ("Ireland", 0.16)),
    "Nordics": (("Sweden", 0.38), ("Norway", 0.22), ("Denmark", 0.24), ("Finland", 0.16)),
    "Benelux": (("Netherlands", 0.62), ("Belgium", 0.31), ("Luxembourg", 0.07)),
}
SEGMENTS = ("SMB", "Mid-market", "Enterprise")
SEGMENT_SHARE = (0.45, 0.42, 0.13)
SEGMENT_SHARE_US = (0.24, 0.68, 0.08)
EMPLOYEES = {"SMB": (12, 99), "Mid-market": (100, 999), "Enterprise": (1000, 9000)}
INDUSTRIES = ("Manufacturing", "Logistics", "Retail", "Financial Services", "Healthcare", "Software")
INDUSTRY_SHARE = (0.24, 0.18, 0.17, 0.15, 0.12, 0.14)
PRODUCTS = ("Flow", "Insight", "Shield")
PRODUCT_SHARE = {"SMB": (0.6, 0.3, 0.1), "Mid-market": (0.45, 0.35, 0.2), "Enterprise": (0.3, 0.35, 0.35)}

# ---- rates: by source, then multiplied by segment, region and industry -----------------------------------
LEAD_TO_MQL = dict(zip(SOURCES, (0.42, 0.34, 0.62, 0.31, 0.55, 0.33), strict=True))
MQL_TO_SQL = dict(zip(SOURCES, (0.46, 0.42, 0.62, 0.38, 0.58, 0.48), strict=True))
SQL_TO_OPPORTUNITY = dict(zip(SOURCES, (0.61, 0.57, 0.69, 0.59, 0.66, 0.60), strict=True))
OPPORTUNITY_TO_WON = dict(zip(SOURCES, (0.21, 0.17, 0.31, 0.095, 0.29, 0.14), strict=True))
SEGMENT_WIN = {"SMB": 0.92, "Mid-market": 1.16, "Enterprise": 0.85}
HOME_GROUND_WIN = 1.35  # US x Mid-market x Inbound is what Brightwater sells best, until the rate drops
REGION_WIN = {"US": 1.10, "DACH": 1.0, "UK&I": 0.95, "Nordics": 0.92, "Benelux": 1.0}
INDUSTRY_WIN = dict(zip(INDUSTRIES, (1.05, 1.0, 0.95, 0.92, 1.0, 1.06), strict=True))
SEGMENT_MQL = {"SMB": 0.95, "Mid-market": 1.06, "Enterprise": 0.98}
REGION_MQL = {"US": 1.0, "DACH": 0.97, "UK&I": 1.03, "Nordics": 1.0, "Benelux": 1.02}
CYCLE_MEDIAN_DAYS = {"SMB": 42.0, "Mid-market": 60.0, "Enterprise": 105.0}
CYCLE_SIGMA = 0.5
AMOUNT_MEDIAN = {"SMB": 12_500.0, "Mid-market": 29_000.0, "Enterprise": 66_000.0}
AMOUNT_SIGMA = {"SMB": 0.3, "Mid-market": 0.38, "Enterprise": 0.36}
PRODUCT_PRICE = {"Flow": 0.95, "Insight": 1.0, "Shield": 1.12}
AMOUNT_RANGE = (8_000.0, 120_000.0)
RENEWAL_RATE = {"SMB": 0.83, "Mid-market": 0.9, "Enterprise": 0.95}

# ---- deal stages, as the default HubSpot pipeline names them ----------------------------------------------
OPEN_STAGES = (
    "Appointment Scheduled",
    "Qualified to Buy",
    "Presentation Scheduled",
    "Decision Maker Bought-In",
    "Contract Sent",
)
WON, LOST = "Closed Won", "Closed Lost"
LOST_REASONS = ("Price", "Competitor", "No decision", "Timing", "Missing feature")
LOST_REASON_SHARE = (0.22, 0.24, 0.28, 0.14, 0.12)
LOST_REASON_SHARE_PRICE = (0.58, 0.14, 0.14, 0.08, 0.06)


@dataclass(frozen=True)
class Person:
    """Name one member of the go-to-market team."""

    name: str
    role: str
    team: str
    manager: str
    started: str
    quota: int


INNOCENT = "Marit Solberg"
US_MANAGER = "Dana Whitfield"
TEAM_OF_REGION = {"US": "Americas", "DACH": "DACH", "UK&I": "North", "Nordics": "North", "Benelux": "North"}
PEOPLE = (
    Person("Ruben Achterberg", "VP Sales", "Leadership", "", "2022-02-01", 0),
    Person(US_MANAGER, "Sales Manager", "Americas", "Ruben Achterberg", "2023-05-15", 3_000_000),
    Person("Jörg Müller", "Sales Manager", "DACH", "Ruben Achterberg", "2022-09-01", 1_500_000),
    Person("Sophie de Vries", "Sales Manager", "North", "Ruben Achterberg", "2023-01-09", 2_100_000),
    Person("Tyler Brooks", "AE", "Americas", US_MANAGER, "2023-08-01", 750_000),
    Person("Maya Chen", "AE", "Americas", US_MANAGER, "2023-09-18", 750_000),
    Person("Luis Ortega", "AE", "Americas", US_MANAGER, "2024-01-15", 750_000),
    Person("Rachel Kim", "AE", "Americas", US_MANAGER, "2024-02-05", 750_000),
    Person("Anna Schäfer", "AE", "DACH", "Jörg Müller", "2023-03-01", 500_000),
    Person("Felix Brandt", "AE", "DACH", "Jörg Müller", "2024-04-02", 500_000),
    Person("Zoë Keller", "AE", "DACH", "Jörg Müller", "2023-11-06", 500_000),
    Person(INNOCENT, "AE", "North", "Sophie de Vries", "2024-03-04", 700_000),
    Person("Conor O'Brien", "AE", "North", "Sophie de Vries", "2023-06-12", 700_000),
    Person("Lars Nieminen", "AE", "North", "Sophie de Vries", "2023-10-02", 700_000),
    Person("Emma Jansen", "SDR", "Development", "Sophie de Vries", "2023-12-04", 0),
    Person("Noah Clarke", "SDR", "Development", "Sophie de Vries", "2024-05-13", 0),
    Person("Priya Nair", "SDR", "Development", US_MANAGER, "2024-01-08", 0),
    Person("Jonas Weber", "SDR", "Development", "Jörg Müller", "2024-06-03", 0),
    Person("Hanna Lindqvist", "CSM", "Customer Success", "Ruben Achterberg", "2023-02-13", 0),
    Person("Marco Bellini", "CSM", "Customer Success", "Ruben Achterberg", "2024-08-19", 0),
)


def minutes(day: dt.date) -> float:
    """Count the minutes from the simulation's start to the midnight that begins a day.

    Returns:
        One number; negative before the start.
    """
    return (day - START).days * DAY


def people_of(*, role: str, team: str = "") -> list[str]:
    """List the names of people with a role, in one team or in all.

    Returns:
        One name per person, in the order of PEOPLE.
    """
    return [person.name for person in PEOPLE if person.role == role and team in ("", person.team)]
