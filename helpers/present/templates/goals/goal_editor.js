// The goal matrix as a page: one goal for the year on top, the grid, and beside it what is to be known and decided.

class Page {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    el.classList.add("red", "goal-editor");
    el.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab takes letters for its own commands
    this.spoken = make("p", "aloud");
    this.spoken.setAttribute("aria-live", "polite");
    this.grid = new Grid(this);
    this.keys = new Keys(this, this.grid);
    this.steps = new UnsavedSteps(model.get("owner"), (step) => this.tell(step));
    this.headline = make("div", "headline");
    this.revenue = make("div", "revenue");
    this.tools = make("div", "tools");
    this.panel = make("aside", "panel");
    this.panel.setAttribute("aria-label", "What follows and what is to be decided");
    this.problems = make("div", "problems");
    this.problems.setAttribute("role", "status");
    this.absorbed = make("div", "absorbed");
    this.absorbed.setAttribute("role", "status");
    this.detail = make("div", "detail");
    this.panel.append(this.problems, this.absorbed, this.detail);
    const main = make("div", "main-column");
    main.append(this.grid.frame, this.makeLegend());
    const split = make("div", "split");
    split.append(main, this.panel);
    el.replaceChildren(this.headline, this.revenue, this.tools, split, this.spoken);
    this.buttons = {};
    this.makeTools();
    this.grid.lay();
    this.showTold();
    this.showDetail();
  }

  close() {
    this.keys.close();
    this.grid.close();
    this.steps.close();
  }

  // A kernel that is gone takes nothing; what was typed is kept by the steps, the rest is asked for anew.
  tell(content) { attempt(() => this.model.send(content)); }

  ask(content) { this.tell(content); }

  speak(text) { this.spoken.textContent = text; }

  // ---- what people do ---------------------------------------------------------------------------------------------

  // Cells set by hand: shown at once as typed, kept in the browser until Python says that they are saved.
  set(cells, { what = "typing", left = 0 } = {}) {
    const base = cells.map(({ row, column }) => this.baseOf(row, column));
    const named = cells.map(({ row, column, text }) => [...this.grid.keyOf(row, column), text]);
    const number = this.steps.add({ do: "set", cells: named, base, what, left });
    for (const { row, column, text } of cells) this.grid.pending.set(this.grid.place(row, column), { text, number });
    this.grid.draw();
  }

  act(what, cells = this.grid.selected()) {
    if (!cells.length) return this.speak("Nothing here can be changed");
    const base = cells.map(({ row, column }) => this.baseOf(row, column));
    this.steps.add({ do: what, cells: cells.map(({ row, column }) => this.grid.keyOf(row, column)), base });
  }

  // What a cell was set to as this page knows it, so that somebody else's newer value is never overwritten unseen.
  baseOf(row, column) {
    const place = this.grid.place(row, column);
    const { state, number } = this.grid.cells;
    const isSet = ["goal", "locked", "waiting"].includes(state[place]);
    return [isSet ? number[place] : null, state[place] === "locked"];
  }

  toggleLock() {
    const cells = this.grid.selected();
    const isLocked = ({ row, column }) => this.grid.cells.state[this.grid.place(row, column)] === "locked";
    this.act(cells.length && cells.every(isLocked) ? "unlock" : "lock", cells);
  }

  look() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => {
      const { active } = this.grid;
      if (active) this.tell({ do: "look", cell: this.grid.keyOf(active.row, active.column) });
    }, 80);
  }

  show(cell) {
    const place = this.grid.placeOf(cell);
    if (!place) return;
    const { parent } = this.grid.sheet.rows[place.row];
    if (parent >= 0 && !this.grid.open.has(parent)) { this.grid.open.add(parent); this.grid.lay(); }
    if (!this.grid.shown.includes(place.column)) this.showEarlier(true);
    this.grid.table.focus({ preventScroll: true });
    this.grid.go(place);
  }

  showEarlier(isEarlier) {
    this.grid.isEarlier = isEarlier;
    this.grid.lay();
    this.labelTools();
  }

  // ---- the parts --------------------------------------------------------------------------------------------------

  makeTools() {
    const button = (id, label, act, hint) => {
      const one = make("button", "tool", label);
      one.type = "button";
      one.title = hint ?? "";
      one.dataset.tool = id;
      one.addEventListener("click", () => act());
      this.buttons[id] = one;
      return one;
    };
    const group = (...parts) => {
      const one = make("span", "group");
      one.append(...parts);
      return one;
    };
    this.tools.setAttribute("role", "toolbar");
    this.tools.setAttribute("aria-label", "Changing the matrix");
    this.files = make("span", "group files");
    this.tools.append(
      group(
        button("undo", "Undo", () => this.ask({ do: "undo" }), "Ctrl+Z"),
        button("redo", "Redo", () => this.ask({ do: "redo" }), "Ctrl+Y"),
      ),
      group(
        button("lock", "Lock", () => this.toggleLock(), "Ctrl+L: locks what is selected, or unlocks it"),
        button("free", "Set free", () => this.act("clear"), "Delete: the cell follows from the others again"),
      ),
      group(
        button("slices", "Show slices", () => this.foldAll(), "Space opens the KPI of the active cell"),
        button("earlier", "Earlier periods", () => this.showEarlier(!this.grid.isEarlier)),
      ),
      this.files,
    );
  }

  foldAll() {
    this.grid.foldAll(this.grid.open.size === 0);
    this.labelTools();
  }

  labelTools() {
    const told = this.model.get("told");
    this.buttons.undo.disabled = !told.undo;
    this.buttons.redo.disabled = !told.redo;
    this.buttons.undo.title = told.undo ? `Take back: ${told.undo} (Ctrl+Z)` : "Nothing to take back";
    this.buttons.redo.title = told.redo ? `Do again: ${told.redo} (Ctrl+Y)` : "Nothing to do again";
    this.buttons.slices.textContent = this.grid.open.size ? "Hide slices" : "Show slices";
    this.buttons.slices.hidden = !this.grid.sheet.rows.some((row) => row.hasSlices);
    const ended = this.grid.sheet.columns.filter((column) => column.kind === "ended").length;
    this.buttons.earlier.hidden = ended <= SHOWN_ENDED;
    this.buttons.earlier.textContent = this.grid.isEarlier ? "Hide earlier periods" : "Earlier periods";
    this.buttons.earlier.setAttribute("aria-pressed", String(this.grid.isEarlier));
  }

  makeLegend() {
    const legend = make("p", "legend");
    const items = [["goal", "◆", "goal, set by people"], ["locked", "", "locked"], ["solved", "", "follows from the others"],
      ["waiting", "✕", "can't hold"], ["late", "◷", "too late"], ["over", "● ≈ ○", "reached, close, missed"]];
    for (const [state, sign, word] of items) {
      const item = make("span", `item ${state}`);
      const swatch = make("i", "swatch", sign);
      if (state === "locked") swatch.append(drawLock());
      item.append(swatch, word);
      legend.append(item);
    }
    const bar = make("span", "item");
    bar.append(make("i", "bar"), "chance of reaching it");
    legend.append(bar, make("span", "keys", "Type to set a goal, Delete frees it, Ctrl+L locks it, Space opens slices, Esc then Tab leaves the grid."));
    return legend;
  }

  makeButton({ label, hint, send, cell, kind }) {
    const one = make("button", `choice ${kind ?? ""}`, label);
    one.type = "button";
    if (hint) one.title = hint;
    one.addEventListener("click", () => {
      if (send) this.ask(send);
      else if (cell) this.show(cell);
    });
    return one;
  }

  showTold() {
    const told = this.model.get("told");
    this.headline.replaceChildren(make("h3", "title", told.title ?? ""), make("p", "subtitle", told.subtitle ?? ""));
    this.showRevenue(told.revenue ?? []);
    const problems = JSON.stringify(told.problems ?? []);
    if (problems !== this.shownProblems) this.showProblems(told.problems ?? []);
    this.shownProblems = problems;
    this.absorbed.replaceChildren(...(told.absorbed ?? []).map((line) => make("p", "", line)));
    this.showFiles(told.files ?? []);
    this.labelTools();
  }

  // What is being typed into a card stays while others come and go.
  showProblems(problems) {
    const typed = [...this.problems.querySelectorAll(".ask input")].map((input) => ({
      label: input.getAttribute("aria-label"), value: input.value, isActive: document.activeElement === input,
    }));
    this.problems.replaceChildren(...problems.map((one) => this.makeProblem(one)));
    for (const { label, value, isActive } of typed) {
      const input = this.problems.querySelector(`.ask input[aria-label="${CSS.escape(label)}"]`);
      if (input && (isActive || value)) input.value = value;
      if (input && isActive) input.focus({ preventScroll: true });
    }
  }

  makeProblem({ kind, title, lines = [], buttons = [], form = null }) {
    const box = make("section", `problem ${kind}`);
    box.append(make("h4", "", title), ...lines.map((line) => make("p", "", line)));
    if (form) box.append(this.makeForm(form));
    if (buttons.length) {
      const row = make("div", "choices");
      row.append(...buttons.map((button) => this.makeButton(button)));
      box.append(row);
    }
    return box;
  }

  // A field and a button: what is typed goes along with what is asked for.
  makeForm({ label, button, send, value }) {
    const part = make("form", "ask");
    const field = make("label", "field", label);
    const input = make("input");
    input.type = "text";
    input.autocomplete = "off";
    input.value = value ?? "";
    input.setAttribute("aria-label", label);
    field.append(input);
    part.append(field, make("button", "choice first", button));
    part.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask({ ...send, text: input.value });
    });
    input.addEventListener("keydown", (event) => event.stopPropagation());
    return part;
  }

  // The buttons about scenarios, workbooks and versions; Python says which there are.
  showFiles(offers) {
    const wanted = JSON.stringify(offers);
    if (this.files.dataset.shown === wanted) return;
    this.files.dataset.shown = wanted;
    this.files.replaceChildren(...offers.map(([id, label]) => {
      const one = make("button", "tool", label);
      one.type = "button";
      one.addEventListener("click", () => (id === "import" ? this.chooser.click() : this.ask({ do: id })));
      return one;
    }));
    this.chooser = make("input");
    Object.assign(this.chooser, { type: "file", accept: ".xlsx", hidden: true });
    this.chooser.setAttribute("aria-label", "Choose a filled workbook");
    this.chooser.addEventListener("change", () => this.bring());
    this.files.append(this.chooser);
  }

  async bring() {
    const [file] = this.chooser.files;
    if (!file) return;
    const buffer = await file.arrayBuffer();
    this.chooser.value = "";
    this.model.send({ do: "import", name: file.name }, undefined, [buffer]);
  }

  // One field per fiscal year: a number typed here sets the year's revenue, everything else follows.
  showRevenue(years) {
    const known = [...this.revenue.children].map((one) => one.dataset.key).join();
    const wanted = years.map(({ cell }) => JSON.stringify(cell)).join();
    if (known !== wanted) this.revenue.replaceChildren(...years.map((year) => this.makeRevenue(year)));
    years.forEach((year, i) => {
      const part = this.revenue.children[i];
      const input = part.querySelector("input");
      if (document.activeElement !== input) input.value = year.text;
      input.setAttribute("aria-invalid", String(Boolean(year.fault)));
      part.querySelector(".said").textContent = year.fault || year.said;
      part.querySelector(".said").classList.toggle("bad", Boolean(year.fault));
    });
  }

  makeRevenue({ cell, label, currency, help }) {
    const part = make("form", "year-goal");
    part.dataset.key = JSON.stringify(cell);
    const field = make("label", "field");
    const input = make("input");
    input.type = "text";
    input.inputMode = "decimal";
    input.autocomplete = "off";
    input.setAttribute("aria-describedby", `${this.grid.id}-${label}`);
    field.append(make("span", "name", label), input, make("span", "currency", currency));
    const set = make("button", "primary", "Set the goal");
    const said = make("span", "said");
    said.id = `${this.grid.id}-${label}`;
    part.title = help;
    part.append(field, set, said);
    part.addEventListener("submit", (event) => {
      event.preventDefault();
      this.steps.add({ do: "revenue", cells: [[...cell, input.value]], base: [] });
      input.select();
    });
    input.addEventListener("keydown", (event) => event.stopPropagation());
    return part;
  }

  showDetail() {
    const { title, facts = [], note } = this.model.get("detail") ?? {};
    if (!title) return this.detail.replaceChildren();
    const list = make("dl");
    for (const [name, value] of facts) list.append(make("dt", "", name), make("dd", "", value));
    this.detail.replaceChildren(make("h4", "", title), list, ...(note ? [make("p", "note", note)] : []));
  }

  // ---- what Python says -------------------------------------------------------------------------------------------

  showCells() {
    const { answered } = this.grid.cells;
    for (const [place, { number }] of this.grid.pending) if (number <= answered) this.grid.pending.delete(place);
    this.grid.draw();
    const { active } = this.grid;
    const td = active && this.grid.find(active.row, active.column);
    if (td && document.activeElement === this.grid.table) this.speak(td.getAttribute("aria-label") ?? "");
  }

  hear(content, buffers) {
    if (content?.saved) this.steps.confirm(content.saved);
    if (content?.file) saveFile(content.file, buffers?.[0]);
  }
}

// Hands a file to the reader.
function saveFile({ name, type }, buffer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([buffer], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function render({ model, el }) {
  const page = new Page(model, el);
  const watched = [
    ["change:sheet", () => page.grid.lay()],
    ["change:cells", () => page.showCells()],
    ["change:told", () => page.showTold()],
    ["change:detail", () => page.showDetail()],
    ["msg:custom", (content, buffers) => page.hear(content, buffers)],
  ];
  watched.forEach(([name, act]) => model.on(name, act));
  return () => {
    watched.forEach(([name, act]) => model.off(name, act));
    page.close();
  };
}

export default { render };
