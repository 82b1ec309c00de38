"""Who takes part in the workshops of the tests, and what each of them types: every type of field, and differently."""

import os
import re
from dataclasses import dataclass

import pytest

from tests.browser.survey_driver import SurveyDriver

RESPONDENTS_VARIABLE = "REVENUE_ENGINE_RESPONDENTS"
"""How many people answer, from two to four; two unless it says otherwise."""


@dataclass(frozen=True)
class Person:
    """A respondent and what tells their answers from the others'."""

    name: str
    team: str
    customers: int
    motion: str
    priorities: tuple[str, ...]

    def driver(self, page, folder):
        """Return what fills in the survey as this person."""
        return SurveyDriver(page, folder / "answers" / "survey" / f"{self.name.lower().replace(' ', '-')}.toml")


EVERYBODY = (
    Person("Ana Okafor", "Marketing", 300, "Marketing-led: demand comes in", ("Win mid-market", "Halve churn")),
    Person("Ben Ito", "Sales", 210, "Sales-led: we reach out", ("More outbound", "A new product")),
    Person("Cleo Dubois", "Customer success", 190, "Sales-led: we reach out", ("Halve churn", "Faster onboarding")),
    Person("Dag Holm", "Finance", 240, "Marketing-led: demand comes in", ("Break even", "Win mid-market")),
)


def choose_people():
    """Return the respondents of this run."""
    number = int(os.environ.get(RESPONDENTS_VARIABLE) or 2)
    if not 2 <= number <= len(EVERYBODY):
        pytest.fail(f"{RESPONDENTS_VARIABLE} is {number}. Give a number from 2 to {len(EVERYBODY)}.")
    return EVERYBODY[:number]


def fill_in(driver, person):
    """Fill in one field of every type, on the screens where they stand."""
    driver.go("Overview")
    driver.type("company_name", "Brightwater Software")
    driver.choose("crm", "HubSpot")
    driver.type("active_customers", str(person.customers))
    driver.choose("primary_motion", person.motion)
    driver.field("motions_used").get_by_label("Partner-led: others bring it").check()
    driver.go_on()
    driver.type("revenue_goal", "12,000,000")
    driver.type("net_new_share", "60 %")
    driver.choose("on_track", "No")
    for row, text in enumerate(person.priorities, start=1):
        driver.field("top_priorities").get_by_label(f"Top three priorities, row {row}").fill(text)
    driver.go_on()
    area = driver.field("focus_areas").get_by_role("row", name=re.compile("Lead hand-off"))
    area.get_by_role("radio", name="Yes").first.click()
    fill_in_products(driver)
    driver.go("Context")
    driver.type("context_market", "About 2,400 fleets.\nWe serve 1 in 20 <b>of them</b> 🚚")


def fill_in_products(driver):
    """Add three rows to a grid, take one out again, and change the order of the others."""
    driver.go("Product")
    products = driver.field("products")
    add = products.get_by_role("button", name="Add product")
    add.click()
    driver.page.keyboard.type("Route Planner")
    products.get_by_label(re.compile("^Recurring or one-time")).select_option("recurring")
    products.get_by_label(re.compile("^Average deal")).fill("25,000")
    for name in ("Fleet Watch", "Old Times"):
        add.click()
        driver.page.keyboard.type(name)
    products.get_by_role("button", name="Remove Old Times").click()
    products.get_by_label("Product, Fleet Watch", exact=True).press("Alt+ArrowUp")


def is_filled_in(saved):
    """Tell whether everything that ``fill_in`` types lies on disk."""
    overview = saved["overview"]
    return (
        overview["revenue_goal"] == 12_000_000
        and overview["net_new_share"] == 0.6
        and overview["on_track"] == "no"
        and overview["crm"] == "hubspot"
        and overview["motions_used"] == ["partner_led"]
        and len(overview["top_priorities"]) == 2
        and any(row["area"] == "Lead hand-off" and row.get("is_issue") == "yes" for row in overview["focus_areas"])
        and saved["product"]["products"]
        == [{"name": "Fleet Watch"}, {"name": "Route Planner", "recurrence": "recurring", "average_deal": 25_000}]
        and saved["context"]["context_market"].endswith("<b>of them</b> 🚚")
    )


def answer_in_both(windows, field, *, folded=60):
    """Let two windows of one person answer a question in the same moment until they contradict each other.

    Returns:
        The window that asks, what it holds, and what the other one does.
    """
    for value in range(folded, folded + 30, 3):
        for window, typed in zip(windows, (value, value + 1), strict=True):
            window.field(field).locator("input").evaluate(
                "(input, text) => { input.value = text; input.dispatchEvent(new Event('input', { bubbles: true })) }",
                str(typed),
            )
        for _ in range(60):
            for place, window in enumerate(windows):
                if window.field(field).get_by_role("button", name="Keep mine").is_visible():
                    return window, value + place, value + 1 - place
            windows[0].page.wait_for_timeout(50)
    raise AssertionError("the two windows never contradicted each other")
