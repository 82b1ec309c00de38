"""The note that says whether everything is saved, and the banner when nobody answers: with a clock that tests turn."""

import pytest
from playwright.sync_api import expect

from helpers.present import theme
from helpers.present.forms.save_status import SaveStatus

AT = "2026-09-30T14:02:05+02:00"
BANNER = "#revenue-engine-connection"


@pytest.fixture
def status(page, mount):
    """Mounts the note with time person_progress still; keywords change its traits."""

    def put(**traits):
        page.clock.install(time=0)
        page.clock.pause_at(1000)
        return mount(SaveStatus(**traits), theme=theme.css())

    return put


def pings(mounted):
    return [message["ping"] for message in mounted.sent]


def answer(mounted):
    """Let Python answer the last ping."""
    mounted.message({"pong": pings(mounted)[-1]})


# ------------------------------------------------------------ the note


@pytest.fixture
def context(chromium, watch):
    """A page in a place where it is two hours later than in Greenwich, whatever the machine's own zone."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, timezone_id="Africa/Johannesburg")
    watch.follow(context)
    yield context
    context.close()


@pytest.mark.parametrize(
    ("state", "text", "words"),
    [
        ("idle", "", ""),
        ("saving", "", "Saving…"),
        ("saved", "", "Saved 14:02"),
        ("failed", "The disk is full. Free some space.", "Not saved: The disk is full. Free some space."),
        ("conflict", "", "Two windows differ"),
        ("conflict", "Choose below which one to keep.", "Two windows differ: Choose below which one to keep."),
        ("offline", "", "No connection"),
    ],
)
def test_each_state_has_its_words(page, status, state, text, words):
    status(state=state, text=text, at=AT)
    assert page.locator(".status-words").text_content() == words


def test_bad_news_interrupts_and_good_news_does_not(page, status):
    mounted = status(state="saved", at=AT)
    assert page.get_by_role("status").text_content() == "Saved 14:02"
    mounted.receive(state="failed", text="The folder is read-only.")
    assert page.get_by_role("alert").text_content() == "Not saved: The folder is read-only."
    assert page.get_by_role("status").text_content() == ""
    mounted.receive(state="saved", text="")
    assert page.get_by_role("alert").text_content() == ""


def test_saving_that_is_quick_does_not_flicker(page, status):
    mounted = status(state="saved", at=AT)
    mounted.receive(state="saving")
    page.clock.run_for(300)
    assert page.locator(".status-words").text_content() == "Saved 14:02"
    page.clock.run_for(200)
    assert page.locator(".status-words").text_content() == "Saving…"
    assert page.get_by_role("status").text_content() == "Saved 14:02"
    mounted.receive(state="saved", at="2026-09-30T14:03:00+02:00")
    assert page.locator(".status-words").text_content() == "Saved 14:03"


def test_the_reason_is_only_text(page, status):
    status(state="failed", text="<img src=x onerror='document.title=1'>")
    expect(page.locator(".status-words")).to_have_text("Not saved: <img src=x onerror='document.title=1'>")
    assert page.locator("img").count() == 0


def test_a_time_that_is_no_iso_time_is_shown_as_it_is(page, status):
    status(state="saved", at="two o'clock")
    assert page.locator(".status-words").text_content() == "Saved two o'clock"


# ------------------------------------------------------------ the heartbeat


def test_python_is_asked_every_two_seconds(page, status):
    mounted = status()
    assert pings(mounted) == [1]
    for _ in range(3):
        answer(mounted)
        page.clock.run_for(2000)
    assert pings(mounted) == [1, 2, 3, 4]
    expect(page.locator(BANNER)).to_have_count(0)


def test_four_seconds_without_an_answer_raise_the_banner(page, status):
    mounted = status(state="saved", at=AT)
    answer(mounted)
    page.clock.run_for(2000)
    page.clock.run_for(3900)
    expect(page.locator(BANNER)).to_have_count(0)
    page.clock.run_for(200)
    banner = page.get_by_role("alert").filter(has_text="Connection lost.")
    expect(banner).to_contain_text("Everything up to 14:02:05 is saved. Reload the page and go on from there.")
    expect(banner.get_by_role("button", name="Reload")).to_be_visible()
    assert page.locator(BANNER).bounding_box()["y"] == 0


def test_the_banner_leaves_by_itself_when_answers_come_again(page, status):
    mounted = status()
    page.clock.run_for(9000)
    expect(page.locator(BANNER)).to_have_count(1)
    expect(page.locator(BANNER)).to_contain_text("Nothing has been saved from this page yet.")
    answer(mounted)
    expect(page.locator(BANNER)).to_have_count(0)
    page.clock.run_for(1900)
    answer(mounted)
    page.clock.run_for(6500)
    expect(page.locator(BANNER)).to_have_count(1)


def test_an_answer_to_an_older_question_counts(page, status):
    mounted = status()
    page.clock.run_for(3000)
    mounted.message({"pong": 1})
    page.clock.run_for(2500)
    expect(page.locator(BANNER)).to_have_count(0)


def test_other_messages_are_no_answer(page, status):
    mounted = status()
    mounted.message({"something": 1})
    mounted.message(None)
    page.clock.run_for(4100)
    expect(page.locator(BANNER)).to_have_count(1)


def test_a_page_that_slept_raises_no_false_alarm(page, status):
    """Timers of a hidden page stand still: what counts is how long a question waits, not when the last answer came."""
    mounted = status()
    answer(mounted)
    page.clock.fast_forward(3_600_000)
    expect(page.locator(BANNER)).to_have_count(0)


def test_a_kernel_that_is_gone_raises_the_banner_at_once(page, status):
    mounted = status(at=AT)
    mounted.trigger("comm:close")
    expect(page.locator(BANNER)).to_have_count(1)


def test_a_line_that_cannot_be_written_to_raises_the_banner(page, status):
    mounted = status()
    page.evaluate("() => { window.models[0].send = () => { throw new Error('closed'); }; }")
    page.clock.run_for(2000)
    expect(page.locator(BANNER)).to_have_count(1)
    page.evaluate("delete window.models[0].send")
    page.clock.run_for(2000)
    answer(mounted)
    expect(page.locator(BANNER)).to_have_count(0)


def test_two_notes_on_a_page_raise_one_banner(page, status, mount):
    first = status()
    second = mount(SaveStatus(), theme=theme.css())
    page.clock.run_for(5000)
    expect(page.locator(BANNER)).to_have_count(1)
    answer(second)
    answer(first)
    expect(page.locator(BANNER)).to_have_count(0)


def test_the_banner_lies_over_an_open_sheet_and_stays_when_that_is_closed(page, status):
    mounted = status()
    open_sheet = "const d = document.createElement('dialog'); d.textContent = 'A sheet'; document.body.append(d)"
    page.evaluate(f"() => {{ {open_sheet}; d.showModal() }}")
    mounted.trigger("comm:close")
    reload = page.get_by_role("button", name="Reload")
    reload.click(trial=True)  # nothing lies over it, and nothing keeps clicks from it
    page.keyboard.press("Escape")
    expect(page.get_by_text("A sheet")).to_be_hidden()
    reload.click(trial=True)
    page.evaluate("() => document.querySelector('dialog').showModal()")
    page.clock.run_for(2000)
    reload.click(trial=True)


def test_the_banner_outlives_the_note_that_raised_it_while_another_hears_nothing(page, status, mount):
    first = status()
    mount(SaveStatus(), theme=theme.css())
    page.clock.run_for(5000)
    first.unmount()
    page.clock.run_for(2000)
    expect(page.locator(BANNER)).to_have_count(1)


def test_a_note_that_is_closed_asks_no_more_and_takes_its_banner_along(page, status):
    mounted = status()
    page.clock.run_for(5000)
    expect(page.locator(BANNER)).to_have_count(1)
    asked = len(pings(mounted))
    mounted.unmount()
    page.clock.run_for(10_000)
    assert len(pings(mounted)) == asked
    expect(page.locator(BANNER)).to_have_count(0)
    assert page.evaluate("window.models[0].handlers.length") == 0


def test_words_and_patience_can_be_set(page, status):
    status(patience=10.0, cure="Run the cell again.")
    page.clock.run_for(9000)
    expect(page.locator(BANNER)).to_have_count(0)
    page.clock.run_for(1100)
    expect(page.locator(BANNER)).to_contain_text("Run the cell again.")


def test_a_notebook_gets_no_keys_that_are_meant_for_a_form(page, status):
    """JupyterLab looks for this mark on what has the focus; without it "dd" deletes the cell that holds the form."""
    mounted = status()
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', `<div class=jp-OutputArea>"
        "<div class=jupyter-widgets><select></select>"
        "<button></button><input type=checkbox><input class=typed></div></div><button id=outside></button>`)"
    )
    marked = {}
    for what in ("select", ".jupyter-widgets button", "[type=checkbox]", ".typed", "#outside"):
        page.locator(what).focus()
        marked[what] = page.locator(what).get_attribute("data-lm-suppress-shortcuts") == "true"
    assert list(marked.values()) == [True, True, True, False, False]
    mounted.unmount()


# ------------------------------------------------------------ leaving the page


def asks_before_leaving(page):
    return page.evaluate(
        "() => { const event = new Event('beforeunload', { cancelable: true });"
        " window.dispatchEvent(event); return event.defaultPrevented; }"
    )


@pytest.mark.parametrize(
    ("state", "asks"), [("idle", False), ("saving", True), ("saved", False), ("failed", True), ("conflict", False)]
)
def test_the_browser_asks_before_something_unsaved_is_left(page, status, state, asks):
    mounted = status(state=state)
    assert asks_before_leaving(page) is asks
    mounted.unmount()
    assert asks_before_leaving(page) is False


def test_reload_reloads_without_asking(page, status):
    mounted = status(state="saving")
    page.clock.run_for(5000)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    with page.expect_navigation():
        page.get_by_role("button", name="Reload").click()
    assert asked == []
    assert mounted.page.locator(BANNER).count() == 0


# ------------------------------------------------------------ busy, not lost

KERNEL = """({ session, state }) => {
  window.models[0].widget_manager = { kernel: {
    clientId: "browser",
    connectionStatus: state,
    sendControlMessage(message) {
      const future = { done: new Promise(() => {}) };
      if (session) Promise.resolve().then(() => future.onReply({ header: { session }, parent: message }));
      return future;
    },
  } };
}"""


@pytest.mark.parametrize(
    ("session", "state", "words"),
    [
        ("python", "connected", "Still computing. Go on typing: it is kept, and saved as soon as that is done."),
        ("another", "connected", "Connection lost."),
        ("", "connected", "Connection lost."),
        ("python", "connecting", "Connection lost."),
    ],
    ids=["busy", "another process", "no answer", "no line"],
)
def test_a_process_that_answers_for_itself_is_busy_and_any_other_is_lost(page, status, session, state, words):
    mounted = status(state="saved", at=AT, process="python", is_kept=True)
    page.evaluate(KERNEL, {"session": session, "state": state})
    page.clock.run_for(4500)
    expect(page.locator(BANNER)).to_contain_text(words)
    is_busy = words.startswith("Still")
    expect(page.locator(BANNER)).to_have_attribute("role", "status" if is_busy else "alert")
    expect(page.locator(BANNER).get_by_role("button")).to_have_count(0 if is_busy else 1)
    answer(mounted)
    expect(page.locator(BANNER)).to_have_count(0)


def test_a_busy_process_that_dies_is_told_as_lost(page, status):
    status(state="saved", at=AT, process="python", is_kept=True)
    page.evaluate(KERNEL, {"session": "python", "state": "connected"})
    page.clock.run_for(4500)
    expect(page.locator(BANNER)).to_contain_text("Still computing.")
    page.evaluate(KERNEL, {"session": "", "state": "connected"})
    page.clock.run_for(4500)
    expect(page.locator(BANNER)).to_contain_text("What you have typed since is kept in this browser")
