"""Windows on one board: the real form answers each message of the page, only a kernel is left out."""

import json

from helpers.analyses.board_evidence import BoardEvidence
from helpers.answers.board_editing import BoardEditor
from helpers.present.forms.board_form import BoardForm
from helpers.present.forms.board_state import Scene
from helpers.present.forms.board_typing import BoardWords
from helpers.present.forms.style import form_css
from tests.browser.conftest import mount_on

OFFERS = (
    BoardEvidence(
        "root_cause:sqls:rate:region=US", "method", "MQLs → SQLs in US: 38 instead of 79 (19 % instead of 40 %)",
        -120_000.0, 204, "region=US",
    ),
    BoardEvidence(
        "five_m:assignment_break", "machinery", "New contacts of the Nordics get no owner since 12 Jul 2026",
        -40_000.0, 61, "region=Nordics", "Assign the unassigned by hand", "Alert on leads without an owner for an hour",
    ),
    BoardEvidence("five_m:load", "people", "41 open deals per owner instead of 28", None, 310),
)  # fmt: skip
KPIS = {"lead_to_mql": ("Lead → MQL conversion", "share"), "deals_won": ("Deals won", "count")}
FAMILIES = {"lead_to_mql": "Conversions", "deals_won": "Volumes"}
BRIDGE = """(number) => {
    const model = window.models[number];
    const early = model.sent;
    model.sent = [];
    model.send = (content) => {
        model.sent.push(content);
        if (window.isCutOff) return;
        window.toPython(number, JSON.stringify(content)).then((answer) => {
            const { state, answered } = JSON.parse(answer);
            model.receive({ state });
            model.trigger("msg:custom", [answered, []]);
        });
    };
    early.forEach((content) => model.send(content));
}"""


def open_form(folder, author, *, effects=None, **options):
    """Open the form as a kernel does, with evidence that can be counted by eye."""
    scene = Scene(
        author,
        "Q3 2026",
        None,
        OFFERS,
        ("Ana Okafor", "Cleo Day"),
        effects or {},
        BoardWords("EUR", "currency", KPIS, FAMILIES),
    )
    form = BoardForm(
        BoardEditor(folder, author=author), scene, gap=-250_000.0,
        subtitle="Closed revenue, Q3 2026 · as of 30 Sep 2026", **options,
    )  # fmt: skip
    form.autosave.stop()
    form.autosave.touch = form.autosave.save  # Playwright's own loop runs only while it waits
    return form


class Window:
    """One person's window, in a page of their own."""

    def __init__(self, page, folder, author, **options):
        self.page, self.folder, self.author, self.options = page, folder, author, options
        page.expose_function("toPython", self._answer)
        self.open()

    def open(self):
        """Open the form afresh, as a reload does."""
        self.form = open_form(self.folder, self.author, **self.options)
        self.page.goto("about:blank")
        self.mounted = mount_on(self.page, self.form.board, theme=form_css())
        self.page.evaluate(BRIDGE, self.mounted.number)

    def look(self):
        """Look at what others saved, as the form does by itself every two seconds."""
        self.form.autosave.look()
        self.mounted.receive(state=self.form.board.state)

    def bone(self, label):
        """Find a column by its heading."""
        return self.page.locator(".bone").filter(has=self.page.get_by_role("heading", name=label, exact=True))

    def add(self, bone, text):
        """Add a cause by the keyboard, and wait until it is a card."""
        box = self.page.get_by_label(f"Add a cause to {bone}", exact=True)
        box.fill(text)
        box.press("Enter")
        self.card(text).wait_for()

    def card(self, text):
        """Find a card by its cause."""
        return self.page.locator(".cause-card").filter(has_text=text)

    @property
    def sheet(self):
        """The sheet that is open."""
        return self.page.get_by_role("dialog")

    def open_sheet(self, text):
        """Open a cause's sheet."""
        self.card(text).get_by_role("button", name=text, exact=True).click()
        return self.sheet

    def _answer(self, number, message):
        answered = self.form.board.answer(json.loads(message))
        return json.dumps({"state": self.form.board.state, "answered": answered})
