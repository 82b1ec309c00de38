"""The shipped sample is what its README says: counts, planted causes and faults, told by plain pandas alone."""

import math
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
BRIGHTWATER = SAMPLES / "brightwater"
SHIPPED = BRIGHTWATER / "crm" / "2026-10-01"
REGION = {
    "United States": "US",
    "Germany": "DACH",
    "Austria": "DACH",
    "Switzerland": "DACH",
    "United Kingdom": "UK&I",
    "Ireland": "UK&I",
    "Sweden": "Nordics",
    "Norway": "Nordics",
    "Denmark": "Nordics",
    "Finland": "Nordics",
    "Netherlands": "Benelux",
    "Belgium": "Benelux",
    "Luxembourg": "Benelux",
}
INBOUND = ["Organic Search", "Paid Search", "Demo Request"]
EARLIER = [f"{year}Q{quarter}" for year in (2025, 2026) for quarter in (1, 2, 3, 4)][:6]
LAST = "2026Q3"


def generate(out: Path, exported_on: str) -> Path:
    script = SAMPLES / "generate_brightwater.py"
    command = [sys.executable, str(script), "--out", str(out), "--exported-on", exported_on]
    subprocess.run(command, check=True, capture_output=True)
    return out / exported_on


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def quarter(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text, format="mixed").dt.to_period("Q").astype(str)


@pytest.fixture(scope="module")
def earlier_export(tmp_path_factory) -> Path:
    return generate(tmp_path_factory.mktemp("earlier"), "2026-07-01")


@pytest.fixture(scope="module")
def contacts() -> pd.DataFrame:
    frame = read(SHIPPED, "hubspot-contacts").drop_duplicates()
    frame["region"], frame["q"] = frame["Country/Region"].map(REGION), quarter(frame["Create Date"])
    return frame


@pytest.fixture(scope="module")
def deals(contacts) -> pd.DataFrame:
    """One row per deal with the source of its first contact and the company's segment and region."""
    frame = read(SHIPPED, "hubspot-deals")
    companies = read(SHIPPED, "hubspot-companies").set_index("Record ID")
    first = frame["Associated Contact IDs"].str.split(";").str[0]
    frame["source"] = first.map(contacts.set_index("Record ID")["Original Traffic Source"])
    frame["segment"] = frame["Associated Company IDs"].map(companies["Segment"])
    frame["region"] = frame["Associated Company IDs"].map(companies["Country/Region"]).map(REGION)
    frame["amount"] = pd.to_numeric(frame["Amount"])
    frame["is_won"] = frame["Deal Stage"] == "Closed Won"
    frame["is_closed"] = frame["Deal Stage"].isin(["Closed Won", "Closed Lost"])
    frame["opened"], frame["closed"] = quarter(frame["Create Date"]), quarter(frame["Close Date"])
    frame["is_new"] = frame["Deal Type"] == "New Business"
    return frame


@pytest.fixture(scope="module")
def goals() -> pd.DataFrame:
    return pd.DataFrame(tomllib.loads((BRIGHTWATER / "answers" / "goals.toml").read_text(encoding="utf-8"))["goal"])


def test_generating_again_gives_the_same_bytes(tmp_path):
    again = generate(tmp_path, "2026-10-01")
    shipped = {path.name: path.read_bytes() for path in SHIPPED.iterdir()}
    assert {path.name: path.read_bytes() for path in again.iterdir()} == shipped


def test_the_whole_folder_stays_small():
    size = sum(path.stat().st_size for path in BRIGHTWATER.rglob("*") if path.is_file() and ".cache" not in path.parts)
    assert size < 6_000_000


def test_counts_are_those_of_the_readme(contacts, deals):
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    told = {name: int(n.replace(",", "")) for name, n in re.findall(r"^\| `([\w.-]+\.csv)` \| ([\d,]+) \|", text, re.M)}
    assert told == {path.name: len(read(SHIPPED, path.stem)) for path in SHIPPED.iterdir()}
    assert len(contacts) == pytest.approx(12_000, rel=0.05) and len(deals) == pytest.approx(1_700, rel=0.1)


def test_events_run_from_the_first_to_the_last_day_of_eight_quarters(contacts, deals):
    assert contacts["Create Date"].min()[:10] == "2024-10-01"
    history = read(SHIPPED, "hubspot-deal-history")
    assert max(contacts["Create Date"].max(), history["Timestamp"].max())[:10] == "2026-09-30"
    closed = deals.loc[deals["is_closed"], "Close Date"]
    assert closed.max() < "2026-10-01"


# ---- two exports of one world --------------------------------------------------------------------------


def test_the_earlier_export_holds_exactly_the_records_created_before_it(earlier_export):
    for name in ("hubspot-contacts", "hubspot-companies", "hubspot-deals"):
        late, early = read(SHIPPED, name).drop_duplicates(), read(earlier_export, name).drop_duplicates()
        before = late.loc[late["Create Date"] < "2026-07-01", "Record ID"]
        assert list(early["Record ID"]) == list(before)


def test_the_earlier_history_is_what_the_later_one_says_of_that_time(earlier_export):
    late, early = (read(folder, "hubspot-deal-history") for folder in (SHIPPED, earlier_export))
    pd.testing.assert_frame_equal(early, late[late["Timestamp"] < "2026-07-01"].reset_index(drop=True))


@pytest.mark.parametrize("exported_on", ["2026-07-01", "2026-10-01"])
@pytest.mark.parametrize("column", ["Deal Stage", "Close Date", "Amount"])
def test_each_export_shows_the_last_value_of_the_later_history_before_it(earlier_export, exported_on, column):
    shown = read(SHIPPED if exported_on == "2026-10-01" else earlier_export, "hubspot-deals")
    history = read(SHIPPED, "hubspot-deal-history")
    name = column.replace("Deal ", "deal").replace(" ", "").lower()
    past = history[(history["Timestamp"] < exported_on) & (history["Property"] == name)]
    last = past.groupby("Record ID")["Value"].last()
    assert list(shown[column]) == list(shown["Record ID"].map(last).fillna(""))


def test_dates_that_had_come_by_the_earlier_export_did_not_change(earlier_export):
    late = read(SHIPPED, "hubspot-contacts").drop_duplicates().set_index("Record ID")
    early = read(earlier_export, "hubspot-contacts").drop_duplicates().set_index("Record ID")
    for column in [name for name in early.columns if "Date" in name]:
        then = late.loc[early.index, column]
        assert (early[column] == then.where(then < "2026-07-01", "")).all(), column


def test_no_moment_of_an_export_lies_on_or_after_its_day(earlier_export):
    for folder in (SHIPPED, earlier_export):
        for path in folder.glob("*.csv"):
            frame = read(folder, path.stem)
            dated = [name for name in frame if "date" in name.lower() and name not in ("Close Date", "Renewal Date")]
            for column in [*dated, *(["Timestamp"] if "Timestamp" in frame else [])]:
                assert frame[column].max() < folder.name, (path.name, column)


# ---- planted causes ------------------------------------------------------------------------------------


def test_bookings_follow_the_plan_until_the_last_quarter_misses_it_by_a_fifth_to_a_quarter(deals, goals):
    won = deals[deals["is_won"]].groupby("closed")["amount"].sum()
    plan = goals[(goals["kpi"] == "revenue_won") & (goals["dimension"] == "all")]
    plan = plan.set_index(quarter(plan["period_start"].astype(str)))["goal"]
    attainment = (won / plan).loc[[*EARLIER, LAST]]
    assert attainment.loc[EARLIER].between(0.90, 1.10).all()
    assert 0.75 <= attainment[LAST] <= 0.80


def test_webinars_grow_and_demo_requests_shrink_while_leads_stay_level(contacts):
    share = pd.crosstab(contacts["q"], contacts["Original Traffic Source"], normalize="index")
    assert share.loc[LAST, "Webinar"] > 1.4 * share.loc["2026Q1", "Webinar"]
    assert share.loc[LAST, "Demo Request"] < 0.6 * share.loc["2026Q1", "Demo Request"]
    leads = contacts.groupby("q").size()
    assert leads[LAST] == pytest.approx(leads["2026Q2"], rel=0.04)


def test_fewer_opportunities_are_opened_in_the_last_quarter(deals):
    opened = deals[deals["is_new"]].groupby("opened").size()
    assert opened[LAST] < 0.9 * opened["2026Q2"]


def test_one_slice_wins_less_than_half_as_often_from_july(deals):
    inside = (deals["region"] == "US") & (deals["segment"] == "Mid-market") & deals["source"].isin(INBOUND)
    closed = deals[deals["is_new"] & deals["is_closed"]]
    inside = inside[closed.index]
    before, after = (closed[inside & closed["closed"].isin(quarters)]["is_won"] for quarters in (EARLIER, [LAST]))
    assert (inside & closed["closed"].isin(["2026Q2", LAST])).sum() >= 60
    assert after.mean() < 0.55 * before.mean()
    chance_of_luck = sum(
        math.comb(len(after), k) * before.mean() ** k * (1 - before.mean()) ** (len(after) - k)
        for k in range(after.sum() + 1)
    )
    assert chance_of_luck < 0.01
    rest_before, rest_after = (closed[~inside & closed["closed"].isin(q)]["is_won"] for q in (EARLIER, [LAST]))
    assert rest_after.mean() > 0.75 * rest_before.mean()


def test_the_sick_slice_belongs_to_one_managers_team(deals):
    inside = (deals["region"] == "US") & (deals["segment"] == "Mid-market") & deals["source"].isin(INBOUND)
    owners = read(SHIPPED, "owners").set_index("Name")
    assert set(deals[inside & deals["is_new"]]["Deal owner"].map(owners["Manager"])) == {"Dana Whitfield"}


def test_contacts_of_one_region_are_left_without_owner_from_one_day_on(contacts):
    day = contacts["Create Date"].str[:10]
    nordic = contacts["region"] == "Nordics"
    wait = pd.to_datetime(contacts["Owner Assigned Date"]) - pd.to_datetime(contacts["Create Date"])
    is_left = (contacts["Contact owner"] == "") | (wait > pd.Timedelta(days=5))
    old_enough = day < "2026-09-20"
    assert is_left[nordic & (day >= "2026-07-13")].mean() > 0.8
    assert is_left[nordic & (day < "2026-07-13")].mean() < 0.01
    assert is_left[~nordic & old_enough].mean() < 0.01
    is_mql = contacts["Became a Marketing Qualified Lead Date"] != ""
    before, after = (is_mql[nordic & old_enough & rows].mean() for rows in (day < "2026-07-13", day >= "2026-07-13"))
    assert after < 0.6 * before


def test_three_big_deals_were_pushed_from_the_last_quarter_into_the_next_and_are_open(deals):
    history = read(SHIPPED, "hubspot-deal-history")
    dates = history[history["Property"] == "closedate"]
    at_start = dates[dates["Timestamp"] < "2026-07-01"].groupby("Record ID")["Value"].last()
    due = deals["Record ID"].map(at_start).fillna("").str[:7].between("2026-07", "2026-09")
    last_push = deals["Record ID"].map(dates.groupby("Record ID")["Timestamp"].last())
    late = ~deals["is_closed"] & (deals["Close Date"] > "2026-10") & due & (deals["amount"] > 35_000)
    late &= deals["Deal Stage"].isin(["Decision Maker Bought-In", "Contract Sent"]) & (last_push > "2026-08")
    assert len(deals[late]) >= 3


def test_the_innocent_rep_wins_half_as_often_yet_as_expected_for_her_mix(deals):
    closed = deals[deals["is_new"] & deals["is_closed"]]
    hers = closed["Deal owner"] == "Marit Solberg"
    late = closed["closed"].isin(["2026Q2", LAST])
    before, after = closed[hers & ~late]["is_won"], closed[hers & late]["is_won"]
    assert after.mean() < 0.6 * before.mean()
    norm = closed[~hers].groupby(["source", "segment"])["is_won"].mean()
    given = closed[hers & late].set_index(["source", "segment"]).index
    chances = norm.reindex(given).fillna(closed["is_won"].mean())
    spread = math.sqrt((chances * (1 - chances)).sum())
    assert abs(after.sum() - chances.sum()) < spread
    poor = closed[hers & late & (closed["opened"] >= "2026Q2")]
    assert (poor["source"] == "Webinar").mean() > 0.5 and (poor["segment"] == "SMB").mean() > 0.5


# ---- faults ----------------------------------------------------------------------------------------------


def test_planted_faults_have_the_counts_of_the_readme(contacts, deals):
    raw, history = read(SHIPPED, "hubspot-contacts"), read(SHIPPED, "hubspot-deal-history")
    open_deals = deals[~deals["is_closed"]]
    entered = {
        label: next(c for c in deals if c.startswith("Date entered") and label in c)
        for label in ("Presentation Scheduled", "Contract Sent")
    }
    stages = history[history["Property"] == "dealstage"]
    one_day = contacts[contacts["Became a Customer Date"].str[:10] == contacts["Create Date"].str[:10]]
    names = read(SHIPPED, "hubspot-companies")["Company name"]
    is_opportunity = contacts["Became an Opportunity Date"] != ""
    is_mql = contacts["Became a Marketing Qualified Lead Date"] != ""
    found = {
        "contact rows repeated": int(raw.duplicated().sum()),
        "contacts without source": int((contacts["Original Traffic Source"] == "").sum()),
        "contacts that are opportunities without MQL date": int((is_opportunity & ~is_mql).sum()),
        "contacts from lead to won on one day": len(one_day),
        "deals closed before they were created": int(
            (deals["is_closed"] & (deals["Close Date"].str[:10] < deals["Create Date"].str[:10])).sum()
        ),
        "deals without amount": int((deals["Amount"] == "").sum()),
        "deals with a close date at the end of time": int((deals["Close Date"].str[:4] == "2099").sum()),
        "open deals with a close date that has passed": int((open_deals["Close Date"] < "2026-10-01").sum()),
        "deals that skip a stage": int(
            ((deals[entered["Contract Sent"]] != "") & (deals[entered["Presentation Scheduled"]] == "")).sum()
        ),
        "deals that enter a stage twice": int(stages[stages.duplicated(["Record ID", "Value"])]["Record ID"].nunique()),
        "company names that are a formula": int(names.str.startswith("=").sum()),
        "company names with markup": int(names.str.contains("<script", regex=False).sum()),
    }
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    told = {name: int(count) for name, count in re.findall(r"^\| fault: ([^|]+?) \| (\d+) \|", text, re.M)}
    assert found == told


def test_headers_of_stage_dates_come_in_both_quote_styles(deals):
    headers = [name for name in deals if name.startswith("Date entered")]
    assert any('"' in name for name in headers) and any("'" in name for name in headers)


def test_goals_of_a_partition_add_up_to_the_whole(goals):
    for (_, _), group in goals.groupby(["kpi", "period_start"]):
        whole = group.loc[group["dimension"] == "all", "goal"].sum()
        for _, parts in group[group["dimension"] != "all"].groupby("dimension"):
            assert parts["goal"].sum() == pytest.approx(whole)


def test_facts_of_the_readme_are_those_of_the_export(deals):
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| fact: ([^|]+?) \| ([^|]+?) \|", text, re.M))
    customers = read(SHIPPED, "customers")
    companies = read(SHIPPED, "hubspot-companies").set_index("Record ID")
    won = deals[deals["is_new"] & deals["is_won"]].copy()
    opened, closed = (pd.to_datetime(won[name]).dt.normalize() for name in ("Create Date", "Close Date"))
    cycle = (closed - opened).dt.days
    employees = won.sort_values("Close Date").tail(20)["Associated Company IDs"].map(companies["Number of Employees"])
    year = deals[deals["is_won"] & deals["closed"].str.startswith("2026")]
    sizes = won.groupby("Product")["amount"].mean()
    found = {
        "live customers on 2026-09-30": str(((customers["Live Date"] != "") & (customers["End Date"] == "")).sum()),
        "average deal size, new business": f"€{won['amount'].mean():,.0f}",
        "sales cycle of won new business, mean": f"{cycle.mean():.0f} days",
        "sales cycle of won new business, median": f"{cycle.median():.0f} days",
        "last 20 wins with 100 employees or more": str((employees.astype(int) >= 100).sum()),
        "last 20 wins, median employees": f"{employees.astype(int).median():.0f}",
        "closed revenue 2026 to date": f"€{year['amount'].sum():,.0f}",
        "of it existing business": f"{year.loc[~year['is_new'], 'amount'].sum() / year['amount'].sum():.0%}",
    } | {f"average deal size, {name}": f"€{size:,.0f}" for name, size in sizes.items()}
    assert told == found
