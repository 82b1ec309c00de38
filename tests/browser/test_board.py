"""Two people fill in the board in two browsers at once; the real form answers, only kernels are left out."""

import re
import tomllib

import pytest
from playwright.sync_api import expect

from tests.browser.board_driver import Window

WAIT = "Leads of the Nordics have no owner since July"
SHOW = "Nobody owns no-shows after the first missed meeting"


def held(folder, stem):
    return tomllib.loads((folder / "answers" / "board" / f"{stem}.toml").read_text(encoding="utf-8"))


def wait_for(page, is_so):
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(25)
    raise AssertionError("it did not come true")


@pytest.fixture
def ana(page, tmp_path):
    return Window(page, tmp_path, "Ana Okafor")


@pytest.fixture
def ben(chromium, watch, tmp_path):
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")
    context.set_default_timeout(15_000)
    watch.follow(context)
    yield Window(context.new_page(), tmp_path, "Ben Ito")
    context.close()


def test_two_people_at_once_lose_nothing_of_each_other(ana, ben, tmp_path):
    ana.add("Machinery", WAIT)
    ben.add("Method", SHOW)
    expect(ben.card(WAIT)).to_have_count(1)
    ben.page.get_by_role("button", name=f"Put a dot: {WAIT}").click()
    expect(ben.page.locator(".my-dots")).to_contain_text("2 dots left")
    ben.page.get_by_role("button", name=f"Put a dot: {WAIT}").press("Enter")
    sheet = ben.open_sheet(WAIT)
    sheet.get_by_label("Your comment").fill("Seen in <b>May</b> too")
    sheet.get_by_role("button", name="Say it").click()
    expect(sheet.get_by_role("list", name="Comments")).to_contain_text("Seen in <b>May</b> too")
    expect(sheet.get_by_label("The cause", exact=True)).to_have_count(0)

    box = ana.page.get_by_label("Add a cause to People")
    box.fill("Half a sent")
    ana.look()
    expect(ana.card(SHOW)).to_have_count(1)
    expect(ana.card(WAIT).get_by_role("img")).to_have_attribute("aria-label", "2 dots, 0 of them yours")
    expect(box).to_have_value("Half a sent")
    expect(box).to_be_focused()
    ana.open_sheet(SHOW).get_by_text("Keep", exact=True).click()
    wait_for(ana.page, lambda: "decision" in held(tmp_path, "ana-okafor"))

    ana.open()
    ben.open()
    for window in (ana, ben):
        expect(window.card(SHOW)).to_contain_text("kept")
        expect(window.card(WAIT)).to_contain_text("1 said")
    expect(ana.page.get_by_label("Add a cause to People")).to_have_value("Half a sent")
    first, second = held(tmp_path, "ana-okafor"), held(tmp_path, "ben-ito")
    assert [row["text"] for row in first["cause"]] == [WAIT] and [row["text"] for row in second["cause"]] == [SHOW]
    assert second["vote"] == [{"cause": first["cause"][0]["id"], "dots": 2}]
    assert second["comment"][0]["text"] == "Seen in <b>May</b> too"
    assert first["decision"][0]["cause"] == second["cause"][0]["id"]


def test_a_finding_of_the_data_becomes_a_cause_with_its_evidence_and_money(ana, tmp_path):
    ana.page.get_by_role("button", name="Make a cause of: New contacts of the Nordics").click()
    sheet = ana.sheet
    expect(sheet.get_by_label("Explains of the gap")).to_have_value("40,000")
    sheet.get_by_label("The cause", exact=True).fill(WAIT)
    sheet.get_by_label("Prediction").fill("Nordic leads alone wait")
    sheet.get_by_label("Why 1").fill("The rule has nobody for that region")
    sheet.get_by_label("Why 2").fill("Rules list people, not roles")
    sheet.get_by_text("Keep", exact=True).click()
    sheet.get_by_text("Confirmed", exact=True).click()
    sheet.get_by_role("button", name="Add a containment").click()
    expect(sheet.get_by_label("What is done")).to_have_value("Assign the unassigned by hand")
    sheet.get_by_label("Owner", exact=True).fill("Cleo Day")
    sheet.get_by_label("Due", exact=True).fill("1 Dec 2026")
    kpi = sheet.get_by_label("KPI that will show it")
    expect(kpi.locator("optgroup[label='Conversions'] option")).to_have_text("Lead → MQL conversion")
    kpi.select_option(label="Lead → MQL conversion")
    sheet.get_by_label("From", exact=True).fill("19 %")
    sheet.get_by_label("To", exact=True).fill("40 %")
    sheet.get_by_label("To", exact=True).press("Tab")
    wait_for(ana.page, lambda: "expected_to" in (held(tmp_path, "ana-okafor").get("action") or [{}])[0])
    (cause,), (action,) = held(tmp_path, "ana-okafor")["cause"], held(tmp_path, "ana-okafor")["action"]
    assert (cause["text"], cause["m"], cause["contribution"], cause["period"]) == (WAIT, "machinery", 40_000, "Q3 2026")
    assert cause["evidence"][0]["id"] == "five_m:assignment_break"
    assert (cause["state"], cause["verdict"]) == ("kept", "confirmed")
    assert cause["whys"] == ["The rule has nobody for that region", "Rules list people, not roles"]
    assert (action["owner"], str(action["due"]), action["kpi"]) == ("Cleo Day", "2026-12-01", "lead_to_mql")
    assert (action["expected_from"], action["expected_to"]) == (0.19, 0.4)
    sheet.press("Escape")
    expect(ana.page.get_by_role("heading", level=2)).to_contain_text("so far it explains €40.0 k of the gap of €250 k")
    expect(ana.page.locator(".rules")).to_contain_text("The cause is kept and has no prevention.")


def test_the_day_on_which_an_action_was_done_makes_it_done_and_others_read_it(ana, ben, tmp_path):
    ana.add("Machinery", WAIT)
    sheet = ana.open_sheet(WAIT)
    sheet.get_by_text("Keep", exact=True).click()
    sheet.get_by_role("button", name="Add a containment").click()
    sheet.get_by_label("Due", exact=True).fill("1 Nov 2026")
    sheet.get_by_label("Done on").fill("12 Nov 2026")
    sheet.get_by_label("Done on").press("Tab")
    expect(sheet.get_by_label("State")).to_have_value("done")
    (action,) = held(tmp_path, "ana-okafor")["action"]
    assert (str(action["due"]), str(action["done_on"]), action["state"]) == ("2026-11-01", "2026-11-12", "done")
    ben.look()
    expect(ben.open_sheet(WAIT).locator(".action-card")).to_contain_text("due 1 Nov 2026 · done on 12 Nov 2026 · done")
    sheet.get_by_label("State").select_option(label="under way")
    expect(sheet.get_by_label("Done on")).to_have_value("")
    wait_for(ana.page, lambda: "done_on" not in held(tmp_path, "ana-okafor")["action"][0])


def test_evidence_is_linked_to_a_cause_and_to_a_why_and_taken_off_again(ana, tmp_path):
    ana.add("People", "Owners carry too much")
    sheet = ana.open_sheet("Owners carry too much")
    expect(sheet.get_by_role("list", name="Evidence")).to_contain_text("counts as an opinion")
    link = sheet.get_by_label("What the data shows")
    expect(link.locator("optgroup[label='People'] option")).to_have_text(re.compile("^41 open deals per owner"))
    link.select_option(index=1)
    sheet.get_by_role("button", name="Link", exact=True).click()
    expect(sheet.get_by_role("list", name="Evidence")).to_contain_text("41 open deals per owner")
    sheet.get_by_label("Why 1").fill("Nobody closes dead deals")
    expect(sheet.get_by_label("For what")).to_be_visible()
    sheet.get_by_label("For what").select_option(label="for why 1")
    sheet.get_by_label("Evidence from elsewhere").fill("Pipeline call of 5 October")
    sheet.get_by_role("button", name="Link", exact=True).click()
    expect(sheet.locator(".whys")).to_contain_text("Pipeline call of 5 October")
    (cause,) = held(tmp_path, "ana-okafor")["cause"]
    assert [one["id"] for one in cause["evidence"]] == ["five_m:load"]
    assert cause["whys"] == [{"text": "Nobody closes dead deals", "evidence": ["Pipeline call of 5 October"]}]
    sheet.get_by_role("button", name="Unlink: 41 open deals").click()
    expect(sheet.get_by_role("list", name="Evidence")).to_contain_text("Only under the whys")


def test_by_the_keyboard_a_card_is_opened_moved_and_taken_back(ana, tmp_path):
    ana.add("People", WAIT)
    card = ana.card(WAIT).get_by_role("button", name=WAIT, exact=True)
    card.press("Alt+ArrowRight")
    expect(ana.bone("Machinery").locator(".cause-card")).to_have_count(1)
    expect(card).to_be_focused()
    assert held(tmp_path, "ana-okafor")["cause"][0]["m"] == "machinery"
    card.press("Enter")
    expect(ana.sheet).to_be_visible()
    expect(ana.sheet.get_by_label("The cause", exact=True)).to_be_focused()
    ana.page.keyboard.press("Escape")
    expect(card).to_be_focused()
    ana.page.get_by_role("button", name="Undo").press("Enter")
    expect(ana.bone("People").locator(".cause-card")).to_have_count(1)
    ana.page.get_by_role("button", name="Undo").press("Enter")
    expect(ana.page.locator(".cause-card")).to_have_count(0)
    assert "cause" not in held(tmp_path, "ana-okafor")


def test_nobody_puts_a_fourth_dot_and_nobody_is_blamed(ana):
    ana.add("People", "Cleo Day was away")
    put = ana.page.get_by_role("button", name="Put a dot: Cleo Day was away")
    for left in ("2 dots left", "1 dot left", "0 dots left"):
        put.click()
        expect(ana.page.locator(".my-dots")).to_contain_text(left)
    expect(put).to_have_attribute("aria-disabled", "true")
    put.click(force=True)
    expect(ana.card("Cleo Day").get_by_role("img")).to_have_attribute("aria-label", "3 dots, 3 of them yours")
    expect(ana.page.locator(".rules")).to_contain_text("The cause names Cleo Day.")


def test_what_cannot_be_kept_is_told_at_its_field_and_the_rest_is_saved(ana, tmp_path):
    ana.add("People", WAIT)
    sheet = ana.open_sheet(WAIT)
    sheet.get_by_label("Confidence").fill("rather sure")
    sheet.get_by_label("Prediction").fill("They alone wait")
    sheet.get_by_label("Prediction").press("Tab")
    expect(sheet.get_by_text(re.compile("'rather sure' is no number"))).to_be_visible()
    expect(sheet.get_by_label("Confidence")).to_have_value("rather sure")
    expect(sheet.get_by_label("Confidence")).to_have_attribute("aria-invalid", "true")
    wait_for(ana.page, lambda: held(tmp_path, "ana-okafor")["cause"][0].get("prediction") == "They alone wait")
    assert ana.form.status.state == "failed" and "1 field can't be kept" in ana.form.status.text
    expect(sheet.get_by_text("1 field not kept as typed")).to_be_visible()
    expect(ana.card(WAIT)).to_contain_text("1 not kept")
    ana.open()
    sheet = ana.open_sheet(WAIT)
    expect(sheet.get_by_label("Confidence")).to_have_value("rather sure")
    expect(sheet.get_by_text(re.compile("'rather sure' is no number"))).to_be_visible()
    sheet.get_by_label("Confidence").fill("70 %")
    sheet.get_by_label("Confidence").press("Tab")
    wait_for(ana.page, lambda: held(tmp_path, "ana-okafor")["cause"][0].get("confidence") == 0.7)
    expect(sheet.get_by_text(re.compile("is no number"))).to_have_count(0)


def test_what_two_windows_of_one_person_typed_is_chosen_between(ana, tmp_path, chromium, watch):
    ana.add("People", WAIT)
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    watch.follow(context)
    other = Window(context.new_page(), tmp_path, "Ana Okafor")
    ana.form.autosave.touch = lambda: None  # the first window's save comes later than the other's
    ana.open_sheet(WAIT).get_by_label("The cause", exact=True).fill("They wait a week")
    other.open_sheet(WAIT).get_by_label("The cause", exact=True).fill("They wait two days")
    other.page.keyboard.press("Tab")
    wait_for(other.page, lambda: held(tmp_path, "ana-okafor")["cause"][0]["text"] == "They wait two days")
    wait_for(ana.page, lambda: ana.form.editor.is_dirty)
    ana.page.keyboard.press("Escape")
    ana.form.autosave.save()
    ana.mounted.receive(state=ana.form.board.state)
    expect(ana.page.locator(".board-conflict")).to_contain_text("They wait two days")
    ana.page.get_by_role("button", name="Keep mine").click()
    expect(ana.page.locator(".board-conflict")).to_have_count(0)
    assert held(tmp_path, "ana-okafor")["cause"][0]["text"] == "They wait a week"
    context.close()


def test_what_is_typed_while_nobody_answers_is_there_after_a_reload(ana, tmp_path):
    ana.add("People", WAIT)
    sheet = ana.open_sheet(WAIT)
    ana.page.evaluate("window.isCutOff = true")
    sheet.get_by_label("Prediction").fill("Typed into the void")
    sheet.get_by_label("Your comment").fill("Never sent")
    ana.page.wait_for_function("() => window.models[0].sent.some((one) => one.value === 'Typed into the void')")
    assert "prediction" not in held(tmp_path, "ana-okafor")["cause"][0]
    ana.open()
    wait_for(ana.page, lambda: held(tmp_path, "ana-okafor")["cause"][0].get("prediction") == "Typed into the void")
    sheet = ana.open_sheet(WAIT)
    expect(sheet.get_by_label("Prediction")).to_have_value("Typed into the void")
    expect(sheet.get_by_label("Your comment")).to_have_value("Never sent")


def test_is_and_is_not_stands_beside_what_others_wrote(ana, ben, tmp_path):
    ben.page.get_by_label("Where: is", exact=True).fill("US inbound")
    ben.page.get_by_label("The KPI that missed").select_option(label="Deals won")
    wait_for(ben.page, lambda: held(tmp_path, "ben-ito").get("problem", {}).get("kpi") == "deals_won")
    ana.page.get_by_label("Where: is not", exact=True).fill("EMEA inbound")
    ana.page.get_by_label("Where: is not", exact=True).press("Tab")
    wait_for(ana.page, lambda: "problem" in held(tmp_path, "ana-okafor"))
    ana.look()
    expect(ana.page.locator(".is-is-not")).to_contain_text("Ben Ito: US inbound")
    expect(ana.page.get_by_text("Ben Ito: Deals won, no period")).to_be_visible()
    assert held(tmp_path, "ana-okafor")["problem"] == {"where": {"is_not": "EMEA inbound"}}


def test_a_damaged_file_is_told_and_nothing_can_be_typed_over_it(ana, tmp_path):
    ana.add("People", WAIT)
    path = tmp_path / "answers" / "board" / "ana-okafor.toml"
    path.write_text("[[cause]\n", encoding="utf-8")
    ana.look()
    expect(ana.page.get_by_label("Add a cause to People")).to_be_disabled()
    assert "row 1" in ana.form.notice.value and path.read_text(encoding="utf-8") == "[[cause]\n"


def test_under_pseudonyms_no_colleague_is_named_anywhere_on_the_page(ana, ben, page):
    ben.add("Method", SHOW)
    ben.open_sheet(SHOW)
    ben.sheet.get_by_label("Your comment").fill("Ask Ben Ito")
    ben.sheet.get_by_role("button", name="Say it").click()
    expect(ben.sheet.get_by_role("list", name="Comments")).to_contain_text("Ask Ben Ito")
    ana.options["find_hiding"] = lambda: lambda name: "Respondent 1" if name == "Ben Ito" else "Person 2"
    ana.open()
    expect(ana.card(SHOW)).to_contain_text("Respondent 1")
    assert "ben" not in page.content().lower().replace("benchmark", "")
    assert "ben-ito" not in str(ana.form.board.state)


def test_where_names_are_hidden_none_is_offered_and_it_says_so(ana, tmp_path):
    ana.add("Machinery", WAIT)
    sheet = ana.open_sheet(WAIT)
    sheet.get_by_text("Keep", exact=True).click()
    sheet.get_by_role("button", name="Add a containment").click()
    owner, hint = sheet.get_by_label("Owner", exact=True), sheet.get_by_text("Names are hidden here")
    expect(owner).to_be_visible()
    expect(hint).to_be_hidden()
    expect(sheet.locator("datalist option[value='Cleo Day']")).to_have_count(1)
    ana.form._find_hiding = lambda: lambda name: "Person 2"
    ana.form.show()
    ana.mounted.receive(state=ana.form.board.state)
    expect(hint).to_be_visible()
    expect(owner).to_have_accessible_description(re.compile("type the owner's name yourself"))
    expect(sheet.locator("datalist option[value='Cleo Day']")).to_have_count(0)
    owner.fill("Cleo Day")
    owner.press("Tab")
    wait_for(ana.page, lambda: held(tmp_path, "ana-okafor")["action"][0].get("owner") == "Cleo Day")


NAMELESS = """() => [...document.querySelectorAll("button, input, textarea, select, dialog")].filter((one) => {
    const label = one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent;
    const by = document.getElementById(one.getAttribute("aria-labelledby") ?? "")?.textContent;
    return !(label || by || "").trim();
}).map((one) => one.outerHTML)"""
HOSTILE = '</script><img src=x onerror="window.broken = true"> {{7*7}} \u202egnp.exe \U0001f69a'


def test_every_control_has_a_name_and_what_people_type_is_text(ana, ben, page):
    ben.add("Method", HOSTILE)
    ben.open_sheet(HOSTILE).get_by_label("Your comment").fill(HOSTILE)
    ben.sheet.get_by_label("Why 1").fill(HOSTILE)
    ben.sheet.get_by_text("Keep", exact=True).click()
    ben.sheet.get_by_role("button", name="Add a prevention").click()
    ben.sheet.get_by_label("What is done").fill(HOSTILE)
    ben.sheet.get_by_role("button", name="Say it").click()
    expect(ben.sheet.get_by_role("list", name="Comments")).to_contain_text("{{7*7}}")
    ana.look()
    ana.open_sheet(HOSTILE)
    for window in (ana, ben):
        expect(window.sheet.get_by_role("list", name="Comments")).to_contain_text("onerror")
        assert window.page.evaluate(NAMELESS) == []
        assert window.page.evaluate("window.broken") is None and window.page.locator("img").count() == 0
