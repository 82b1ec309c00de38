// The problem in words: is / is not, everybody's beside one's own, and what on the board is still to mend.

class ProblemPart {
  constructor(board) {
    this.board = board;
    const place = (key) => ({ kind: "problem", t: "", key });
    this.kpi = new Field(board, place("kpi"), { label: "The KPI that missed", control: make("select") });
    this.period = new Field(board, place("period"), { label: "Period", control: make("input", { type: "text", autocomplete: "off" }) });
    this.stated = make("p", { class: "note" });
    this.cells = new Map();
    this.table = make("table", { class: "is-is-not" });
    this.node = make("section", { class: "board-part" }, make("h3", {}, "Is and is not"),
      make("p", { class: "help" }, "Where the miss shows, where it could show and doesn't, and what sets the two apart. The difference is where causes hide."),
      make("div", { class: "stating" }, this.kpi.node, this.period.node, this.stated), this.table);
  }

  build(problem) {
    const heads = ["", "Is", "Is not", "What sets them apart"];
    const head = make("thead", {}, make("tr", {}, ...heads.map((text) => (text ? make("th", { scope: "col" }, text) : make("td")))));
    const rows = problem.rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.label), ...row.cells.map((cell, at) => {
      const control = textBox(2);
      const field = new Field(this.board, { kind: "problem", t: "", key: cell.key }, { label: `${row.label}: ${heads[at + 1].toLowerCase()}`, control });
      field.label.classList.add("aloud");
      const others = make("ul", { class: "others" });
      field.node.append(others);
      this.cells.set(cell.key, { field, others });
      return make("td", { "data-column": heads[at + 1] }, field.node);
    })));
    this.table.replaceChildren(head, make("tbody", {}, ...rows));
  }

  paint(problem) {
    if (!this.cells.size) this.build(problem);
    fillOptions(this.kpi.control, [["", "Choose a KPI"], ...this.board.state.words.kpis]);
    this.kpi.paint(problem.kpi);
    this.period.control.placeholder = problem.default_period || "such as Q3 2026";
    this.period.paint(problem.period);
    write(this.stated, problem.stated.join(" · "));
    for (const row of problem.rows) {
      for (const cell of row.cells) {
        const { field, others } = this.cells.get(cell.key);
        field.paint(cell.mine);
        others.replaceChildren(...cell.others.map((text) => make("li", {}, text)));
      }
    }
  }
}

class RulesPart {
  constructor(board) {
    this.board = board;
    this.title = make("h3");
    this.list = make("ul", { class: "rules" });
    this.node = make("section", { class: "board-part" }, this.title, this.list);
  }

  paint(rules, hasCauses) {
    this.node.hidden = !hasCauses;
    write(this.title, rules.length ? `${rules.length} to mend before the board is done` : "Nothing left to mend");
    this.list.replaceChildren(...rules.map((rule) => {
      const what = make("b", {}, rule.what);
      const where = rule.about ? make("button", { type: "button", class: "quiet", onclick: () => this.board.open(rule.about) }, rule.where) : make("span", {}, rule.where);
      return make("li", {}, what, " ", where, make("span", { class: "cure" }, rule.cure));
    }));
    if (!rules.length) this.list.append(make("li", { class: "empty" }, "Every kept cause has a containment and a prevention, nothing is called proven without evidence, and nobody is blamed."));
  }
}
