"""A company made for tests has the shapes that everything above ingest relies on."""

from datetime import date

from tests.companies import make_company


def test_a_made_company_fills_in_what_follows_from_stage_and_type():
    """
    id  stage  type     closed_at    ->  outcome  stage_id     new business
    1   Won    New      2026-02-03       won      won          yes
    2   Open   Renewal  2026-09-01       open     opportunity  no
    """
    company = make_company(
        {
            "deal": {
                "id": [1, 2],
                "created_at": ["2026-01-01", "2026-01-05"],
                "closed_at": ["2026-02-03", "2026-09-01"],
                "stage": ["Won", "Open"],
                "type": ["New", "Renewal"],
                "region": ["EMEA", None],
                "amount": [10, 20],
            }
        },
        partitions={"region": "outcome"},
    )
    deal = company.tables["deal"]
    assert deal["outcome"].tolist() == ["won", "open"]
    assert deal["stage_id"].tolist() == ["won", "opportunity"]
    assert deal["is_new_business"].tolist() == [True, False]
    assert deal["id"].tolist() == ["1", "2"]
    assert company.latest_event == date(2026, 2, 3)
    assert company.partitions["region"].known == "outcome"
    assert set(company.partitions) == {"stage", "type", "region"}
