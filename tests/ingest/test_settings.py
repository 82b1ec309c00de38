"""company.toml: read, checked, and every mistake told with its line."""

import pytest

from helpers.errors import DefinitionError
from helpers.ingest.settings import order_stages, read_settings


def read(tmp_path, text):
    (tmp_path / "company.toml").write_text(text, encoding="utf-8")
    return read_settings(tmp_path)


def test_everything_has_a_default(tmp_path):
    settings = read_settings(tmp_path)
    assert (settings.name, settings.currency, settings.fiscal_year_start) == (tmp_path.name, "USD", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('nmae = "x"', r"line 1, nmae\] this key is unknown.*Did you mean 'name'"),
        ('name = "x"\nfiscal_year_start = 13', r"line 2, fiscal_year_start\]"),
        ('[objects.deals]\nfile = "a.csv"', "Did you mean 'deal'"),
        ('[objects.deal]\nflie = "a.csv"', "Did you mean 'file'"),
        ("[objects.deal]\n[objects.deal.fields]\nid = 'a'", "exactly one of file, table and query"),
        ('[[deal_stages]]\nlabel = "A"\nstage = "oportunity"', "Did you mean 'opportunity'"),
        ('[[deal_stages]]\nlabel = "A"\nstage = "won"\nprobability = 20', "probability"),
        ('[files."a.csv"]\ndate_order = "dmy"', "day-first"),
        ('[[lookups]]\nfile = "a.csv"\ncolumn = "x"\nmatches = "owner"', "not object.field"),
        ('time_zone = "Mars/Base"', "time zone"),
        ("name = ", "no TOML"),
    ],
)
def test_a_mistake_names_its_place_and_what_is_allowed(tmp_path, text, said):
    with pytest.raises(DefinitionError, match=said):
        read(tmp_path, text)


def test_a_new_stage_comes_after_the_deal_s_stage_before_it():
    order = order_stages(["opportunity", "discovery", "pilot", "won", "lost"])
    start = order.index("opportunity")
    assert order[start : start + 4] == ("opportunity", "discovery", "pilot", "won")


def test_a_new_stage_of_deals_never_comes_before_the_opportunity_that_every_deal_starts_as():
    order = order_stages(["demo", "opportunity", "won", "lost"])
    assert order[order.index("opportunity") + 1] == "demo"
    assert order_stages(["opportunity", "won", "lost"]) == ()
