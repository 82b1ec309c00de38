"""Which columns are partitions and when they are known: said, by data, or by name; roll-ups, bands, inheritance."""

import pytest

from helpers.company import open_company
from tests.ingest.exports import start_and_open


def many_deals(extra_header, extra):
    """Return 60 deals: 20 won, 20 lost, 20 open; ``extra`` gives further cells by outcome and number."""
    lines = [f"deal_id,created,close_date,deal_stage,amount,{extra_header}"]
    for number in range(60):
        outcome = ("Won", "Lost", "Proposal")[number % 3]
        close = "2026-06-30" if outcome == "Proposal" else f"2026-03-{1 + number % 20:02d}"
        lines.append(f"D{number},2026-01-05,{close},{outcome},{10 + number},{extra(outcome, number)}")
    return "\n".join(lines)


def test_a_field_filled_for_winners_only_is_known_with_the_outcome_whatever_its_name(tmp_path):
    text = many_deals("segment,fit", lambda outcome, n: f"{'SMB' if outcome == 'Won' else ''},{'AB'[n % 2]}")
    company = start_and_open(tmp_path, {"deals.csv": text})
    assert company.partitions["segment"].known == "outcome"
    assert company.partitions["segment"].known_because == "by data: filled for 100% of won and 0% of others"
    assert company.partitions["fit"].known == "entry"
    known = company.mapping.set_index(["object", "field"]).loc[("deal", "segment")]
    assert (known["known"], known["known_because"]) == ("outcome", company.partitions["segment"].known_because)


@pytest.mark.parametrize(
    ("name", "cell", "known"),
    [
        ("competitor", lambda outcome, n: "Rival" if outcome == "Lost" else "", "outcome"),
        ("close_quarter", lambda outcome, n: "" if outcome == "Proposal" else "Q1", "outcome"),
        ("churn_reason", lambda outcome, n: "AB"[n % 2], "outcome"),
        ("approval_status", lambda outcome, n: "AB"[n % 2], "during"),
        ("campaign", lambda outcome, n: "AB"[n // 3 % 2], "entry"),
    ],
)
def test_when_a_partition_is_known_is_told_by_the_records_that_carry_it(tmp_path, name, cell, known):
    company = start_and_open(tmp_path, {"deals.csv": many_deals(name, cell)})
    assert company.partitions[name].known == known


def test_company_toml_goes_before_the_data(tmp_path):
    text = many_deals("segment", lambda outcome, n: "SMB" if outcome == "Won" else "")
    start_and_open(tmp_path, {"deals.csv": text})
    path = tmp_path / "company" / "company.toml"
    path.write_text(path.read_text(encoding="utf-8") + '\n[dimensions.segment]\nknown = "entry"\n', encoding="utf-8")
    segment = open_company(tmp_path / "company").partitions["segment"]
    assert (segment.known, segment.known_because) == ("entry", "declared in company.toml")


def test_ids_contact_details_free_text_and_links_are_none_but_a_page_id_is(tmp_path):
    def cells(outcome, n):
        prose = f"We spoke about the long list of requirements number {n} and agreed to meet again soon"
        return f"P{n % 7},k{n * 7919},a{n}@x.example,https://x.example/{n},{prose},{n % 5},{n + 0.5}"

    text = many_deals("landing_page_id,external_key,contact_email,page_url,remarks,floor,score", cells)
    company = start_and_open(tmp_path, {"deals.csv": text})
    found = set(company.partitions) - {"stage"}
    assert found == {"landing_page_id", "floor"}
    assert set(company.tables["deal"]["floor"]) == {"0", "1", "2", "3", "4"}, "as written"
    assert company.tables["deal"]["score"].dtype == "float64"


def test_a_company_can_let_a_column_in_or_take_one_out(tmp_path):
    text = many_deals("external_key,floor", lambda outcome, n: f"k{n * 7919},{n % 5}")
    start_and_open(tmp_path, {"deals.csv": text})
    path = tmp_path / "company" / "company.toml"
    more = "\n[dimensions.external_key]\nis_partition = true\n[dimensions.floor]\nis_partition = false\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    partitions = open_company(tmp_path / "company").partitions
    assert "external_key" in partitions and "floor" not in partitions


def test_roll_ups_build_on_each_other_and_tell_what_they_do_not_place(tmp_path):
    text = many_deals("source", lambda outcome, n: ("Ads", "Fair", "Odd")[n // 3 % 3])
    start_and_open(tmp_path, {"deals.csv": text})
    path = tmp_path / "company" / "company.toml"
    more = """
    [rollups.gtm_motion]
    of = "channel"
    values = { Inbound = "Marketing-led" }
    [rollups.channel]
    of = "source"
    values = { Ads = "Inbound", Fair = "Inbound" }
    """
    path.write_text(
        path.read_text(encoding="utf-8") + "\n".join(x.strip() for x in more.splitlines()), encoding="utf-8"
    )
    company = open_company(tmp_path / "company")
    assert company.tables["deal"]["gtm_motion"].value_counts(dropna=False).to_dict()["Marketing-led"] == 42
    lost = company.issues[company.issues["code"].eq("rollup_without_value")]
    assert set(lost["value"]) == {"Odd"}


def test_bands_cut_a_number_into_a_partition(tmp_path):
    text = many_deals("headcount", lambda outcome, n: str(n * 10 + 0.5))
    start_and_open(tmp_path, {"deals.csv": text})
    path = tmp_path / "company" / "company.toml"
    more = '\n[dimensions.headcount]\nbands = [{ label = "small", below = 100 }, { label = "large", at_least = 100 }]\n'
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    company = open_company(tmp_path / "company")
    column = company.partitions["headcount"].objects["deal"]
    assert company.tables["deal"][column].value_counts().to_dict() == {"large": 50, "small": 10}


def test_a_deal_without_a_contact_takes_from_its_company_what_others_take_from_theirs(tmp_path):
    accounts = "account_id,account_name,industry,country\nA1,Acme,Software,NL\nA2,Bolt,Retail,DE"
    contacts = "contact_id,create_date,account_id,industry\nC1,2026-01-01,A1,Media\nC2,2026-01-02,A2,"
    deals = (
        "deal_id,create_date,close_date,deal_stage,amount,account_id,contact_id\n"
        "D1,2026-01-05,2026-02-01,Won,10,A1,C1\n"
        "D2,2026-01-06,2026-02-02,Lost,20,A2,C2\n"
        "D3,2026-01-07,2026-02-03,Won,30,A2,"
    )
    company = start_and_open(tmp_path, {"accounts.csv": accounts, "contacts.csv": contacts, "deals.csv": deals})
    table = company.tables["deal"].set_index("id")
    assert table["industry"].to_dict() == {"D1": "Media", "D2": "Retail", "D3": "Retail"}
    assert table["country"].to_dict() == {"D1": "NL", "D2": "DE", "D3": "DE"}
    assert company.partitions["industry"].inherited_from["deal"] == "contact"
