// The light matrix: a table of buttons that can be read aloud, walked with the arrow keys and set with 1, 2 and 3.
// It shows what it is handed and tells what was asked for; texts are only ever set as text.

const SVG = "http://www.w3.org/2000/svg";
const QUESTIONS = { who: "Who", what: "What", where: "Where", when: "When" };
const MARKS = { confirmed: "confirmed", changed: "changed by a person" };
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const KEYS = "Arrow keys move, Enter opens the evidence, 1, 2 and 3 set available, adoption needed and unavailable.";
const LANE = 22;

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function drawLight(light) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "disc");
  svg.setAttribute("aria-hidden", "true");
  const ring = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ cx: 8, cy: 8, r: 6, fill: "none", stroke: "currentColor" }))
    ring.setAttribute(name, value);
  ring.setAttribute("stroke-width", "2");
  svg.append(ring);
  if (light !== "unavailable") {
    const core = document.createElementNS(SVG, "path");
    const whole = "M8 2A6 6 0 0 0 8 14A6 6 0 0 0 8 2Z";
    core.setAttribute("d", light === "available" ? whole : "M8 2A6 6 0 0 0 8 14Z");
    core.setAttribute("fill", "currentColor");
    svg.append(core);
  }
  return svg;
}

class Matrix {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.open = new Set();
    this.place = null; // row and column of the one cell that Tab reaches
    this.spoken = make("p", "aloud");
    this.spoken.setAttribute("aria-live", "polite");
    el.classList.add("red", "light-matrix");
    this.frame = make("div", "scroll");
    el.replaceChildren(this.makeLegend(), this.frame, make("p", "keys", KEYS), this.spoken);
    this.keepKeys();
    this.frame.addEventListener("click", (event) => this.click(event));
    this.frame.addEventListener("keydown", (event) => this.key(event));
    this.frame.addEventListener("focusin", (event) => this.stay(event));
    this.build();
  }

  // JupyterLab would take 1, 2, 3 and letters for its own shortcuts, in the matrix and in the form around it.
  keepKeys(tries = 0) {
    this.el.setAttribute("data-lm-suppress-shortcuts", "true");
    const form = this.el.closest(".matrix-editor");
    if (form) {
      form.setAttribute("data-lm-suppress-shortcuts", "true");
      this.form = form;
      form.addEventListener("click", this.decide, true);
    } else if (tries < 100) requestAnimationFrame(() => this.keepKeys(tries + 1));
  }

  // ipywidgets may hold back the last keystrokes of a note while Python is busy, but never a click: so the click that
  // decides takes along what stands in the panel, and for which cell.
  decide = (event) => {
    const panel = event.target.closest("button.decides:enabled")?.closest(".evidence");
    const cell = panel?.querySelector("[data-cell]")?.dataset.cell;
    if (cell === undefined) return;
    event.stopPropagation();
    const chosen = [...panel.querySelectorAll(".lights button")].findIndex((one) => one.matches(".mod-active"));
    const light = this.get("legend")[chosen]?.id ?? "";
    this.model.send({ kind: "decide", cell, light, note: panel.querySelector("textarea")?.value ?? "" });
  };

  leave() {
    this.form?.removeEventListener("click", this.decide, true);
  }

  get(name) {
    return this.model.get(name) ?? [];
  }

  makeLegend() {
    const legend = make("p", "legend");
    for (const { id, word } of this.get("legend")) {
      const item = make("span", `light ${id}`);
      item.append(drawLight(id), make("span", "word", word));
      legend.append(item);
    }
    legend.append(make("span", "item", "% of records filled"));
    for (const [mark, word] of Object.entries(MARKS)) {
      const item = make("span", "item");
      item.append(make("i", `mark ${mark}`), make("span", "word", word));
      legend.append(item);
    }
    const copy = make("span", "item");
    copy.append(make("i", "copy"), make("span", "word", "copy between objects, with the records it would fill"));
    legend.append(copy);
    return legend;
  }

  // ---- building -------------------------------------------------------------------------------------------------

  build() {
    const rows = this.get("rows");
    const columns = this.get("columns");
    const focused = this.frame.contains(document.activeElement) ? document.activeElement.dataset : null;
    this.buttons = rows.map(() => columns.map(() => null));
    this.lines = [];
    const table = make("table");
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", this.model.get("label"));
    table.append(this.makeWidths(columns), this.makeHead(columns));
    let at = 0;
    while (at < rows.length) {
      const question = rows[at].question;
      let end = at;
      while (end < rows.length && rows[end].question === question) end += 1;
      table.append(this.makeGroup(rows, at, end, columns));
      at = end;
    }
    this.frame.replaceChildren(table);
    this.fill();
    this.choose(false);
    if (focused) this.refocus(focused);
  }

  // Building anew takes every button away; the focus goes to the one that stands for the same, else to the one cell.
  refocus({ copy, fold }) {
    const same = copy !== undefined ? `[data-copy="${CSS.escape(copy)}"]` : `[data-fold="${CSS.escape(fold ?? "")}"]`;
    const button = this.frame.querySelector(same) ?? (this.place && this.buttonAt(this.place));
    button?.focus({ preventScroll: true });
  }

  makeWidths(columns) {
    const group = make("colgroup");
    group.append(make("col", "name"));
    for (const _ of columns) group.append(make("col"));
    return group;
  }

  makeHead(columns) {
    const head = make("thead");
    const names = make("tr");
    const objects = make("tr", "objects");
    names.append(make("td"));
    objects.append(make("td"));
    let at = 0;
    columns.forEach((column) => {
      const name = make("th");
      name.scope = "col";
      name.title = column.label;
      name.append(make("span", "", column.label));
      names.append(name);
    });
    while (at < columns.length) {
      let end = at;
      while (end < columns.length && columns[end].object === columns[at].object) end += 1;
      const object = make("th");
      object.scope = "colgroup";
      object.colSpan = end - at;
      object.append(make("span", "", columns[at].object));
      objects.append(object);
      at = end;
    }
    head.append(names, objects);
    return head;
  }

  makeGroup(rows, start, end, columns) {
    const body = make("tbody");
    const question = rows[start].question;
    if (question) {
      const line = make("tr", "question");
      const name = make("th", "", QUESTIONS[question] ?? question);
      name.scope = "rowgroup";
      name.colSpan = columns.length + 1;
      line.append(name);
      body.append(line);
    }
    const folded = [];
    for (let i = start; i < end; i += 1) {
      const lines = [this.makeRow(rows[i], i, columns), ...this.makeLanes(rows[i], columns)];
      if (rows[i].is_folded) folded.push(...lines);
      lines.forEach((line) => (line.dataset.question = question));
      body.append(...lines);
    }
    if (folded.length) {
      const count = rows.slice(start, end).length;
      const more = make("tr", "more");
      const cell = make("td");
      cell.colSpan = columns.length + 1;
      const button = make("button", "fold");
      button.type = "button";
      button.dataset.fold = question;
      cell.append(button);
      more.append(cell);
      body.append(more);
      const fold = () => {
        const isOpen = this.open.has(question);
        folded.forEach((line) => (line.hidden = !isOpen));
        button.textContent = isOpen ? "▾ Show fewer" : `▸ Show all ${count} fields`;
        button.setAttribute("aria-expanded", String(isOpen));
      };
      button.refold = fold;
      fold();
    }
    return body;
  }

  makeRow(row, i, columns) {
    const line = make("tr", row.is_wanted ? "field" : "field extra");
    const name = make("th", "", row.label);
    name.scope = "row";
    name.title = row.is_wanted ? row.label : `${row.label}: not counted in the coverage score`;
    line.append(name);
    columns.forEach((column, j) => {
      const cell = make("td");
      cell.setAttribute("role", "gridcell");
      if (j && columns[j - 1].object !== column.object) cell.className = "first";
      line.append(cell);
    });
    this.lines[i] = line;
    return line;
  }

  makeLanes(row, columns) {
    const arrows = this.get("arrows").filter((arrow) => arrow.row === row.id);
    if (!arrows.length || !row.id) return [];
    const line = make("tr", "copies");
    const name = make("th", "", "");
    name.scope = "row";
    const origins = arrows.filter((arrow) => arrow.origin).map((arrow) => arrow.origin);
    name.append(make("span", "", origins.length ? `from the ${origins[0]}` : ""));
    const cell = make("td");
    cell.colSpan = columns.length;
    const track = make("div", "track");
    track.style.height = `${LANE * (1 + Math.max(...arrows.map((arrow) => arrow.lane)))}px`;
    track.append(...arrows.map((arrow) => this.makeArrow(arrow, columns.length)));
    cell.append(track);
    line.append(name, cell);
    return [line];
  }

  makeArrow(arrow, count) {
    const low = Math.min(arrow.start, arrow.end);
    const wide = Math.abs(arrow.end - arrow.start);
    const button = make("button", `arrow ${arrow.state} ${arrow.end < arrow.start ? "left" : "right"}`);
    button.type = "button";
    button.dataset.copy = arrow.id;
    button.style.left = `${(100 * low) / count}%`;
    button.style.width = `${(100 * wide) / count}%`;
    button.style.top = `${LANE * arrow.lane}px`;
    button.setAttribute("aria-label", arrow.words);
    button.title = arrow.words;
    button.append(make("i", "line"), make("span", "count", arrow.count));
    return button;
  }

  // ---- what changes ---------------------------------------------------------------------------------------------

  fill() {
    const cells = this.get("cells");
    this.buttons.forEach((line, i) =>
      line.forEach((button, j) => {
        const cell = cells[i]?.[j] ?? null;
        const home = this.lines[i].cells[j + 1];
        if (!cell) {
          home.replaceChildren();
          line[j] = null;
          return;
        }
        if (!button) {
          button = make("button");
          button.type = "button";
          button.dataset.row = String(i);
          button.dataset.column = String(j);
          button.tabIndex = -1;
          home.replaceChildren(button);
          line[j] = button;
        }
        this.fillButton(button, cell);
      }),
    );
    if (!this.place || !this.buttonAt(this.place)) this.place = this.firstPlace();
    if (this.place) this.buttonAt(this.place).tabIndex = 0;
  }

  fillButton(button, cell) {
    const isChange = button.getAttribute("aria-label") !== null && button.getAttribute("aria-label") !== cell.words;
    if (isChange && button.getAttribute("aria-current") === "true") this.spoken.textContent = cell.words;
    if (button.getAttribute("aria-label") === cell.words && button.dataset.mark === cell.mark) return;
    button.className = `cell ${cell.light}`;
    button.dataset.light = cell.light;
    button.dataset.mark = cell.mark;
    button.setAttribute("aria-label", cell.words);
    button.title = cell.words;
    const mark = make("i", `mark ${cell.mark}`);
    button.replaceChildren(drawLight(cell.light), make("span", "fill", cell.fill), mark);
  }

  choose(isMove = true) {
    const { row, column } = this.model.get("selected") ?? {};
    const i = this.get("rows").findIndex((one) => one.id === row);
    const j = this.get("columns").findIndex((one) => one.id === column);
    for (const button of this.frame.querySelectorAll('[aria-current="true"]')) {
      button.removeAttribute("aria-current");
      button.parentElement.removeAttribute("aria-selected");
    }
    const button = this.buttonAt([i, j]);
    if (!button) return;
    button.setAttribute("aria-current", "true");
    button.parentElement.setAttribute("aria-selected", "true");
    if (this.lines[i].hidden) this.unfold(this.lines[i].dataset.question);
    this.setPlace([i, j]);
    if (isMove) button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  unfold(question, isOpen = true) {
    if (isOpen) this.open.add(question);
    else this.open.delete(question);
    this.frame.querySelector(`[data-fold="${CSS.escape(question)}"]`)?.refold();
    if (this.place && this.lines[this.place[0]].hidden) this.setPlace(this.firstPlace());
  }

  // ---- walking --------------------------------------------------------------------------------------------------

  buttonAt([i, j]) {
    return this.buttons?.[i]?.[j] ?? null;
  }

  firstPlace() {
    for (let i = 0; i < this.buttons.length; i += 1) {
      const j = this.lines[i].hidden ? -1 : this.buttons[i].findIndex(Boolean);
      if (j >= 0) return [i, j];
    }
    return null;
  }

  setPlace(place) {
    if (this.place && this.buttonAt(this.place)) this.buttonAt(this.place).tabIndex = -1;
    this.place = place;
    if (place) this.buttonAt(place).tabIndex = 0;
  }

  stay(event) {
    const { row, column } = event.target.dataset ?? {};
    if (row !== undefined) this.setPlace([Number(row), Number(column)]);
  }

  step([i, j], [down, right]) {
    if (right) {
      for (let to = j + right; to >= 0 && to < this.buttons[i].length; to += right)
        if (this.buttons[i][to]) return [i, to];
      return null;
    }
    for (let to = i + down; to >= 0 && to < this.buttons.length; to += down) {
      const near = this.nearest(to, j);
      if (near !== null) return [to, near];
    }
    return null;
  }

  nearest(i, j) {
    if (this.lines[i].hidden) return null;
    const known = this.buttons[i].flatMap((button, at) => (button ? [at] : []));
    if (!known.length) return null;
    return known.reduce((best, at) => (Math.abs(at - j) < Math.abs(best - j) ? at : best));
  }

  edge([i, j], key, isWhole) {
    const lines = this.buttons.flatMap((line, at) => (!this.lines[at].hidden && line.some(Boolean) ? [at] : []));
    const row = isWhole ? (key === "Home" ? lines[0] : lines.at(-1)) : i;
    const known = this.buttons[row].flatMap((button, at) => (button ? [at] : []));
    return [row, key === "Home" ? known[0] : known.at(-1)];
  }

  // ---- what people do -------------------------------------------------------------------------------------------

  click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { fold, copy, row, column } = button.dataset;
    if (fold !== undefined) this.unfold(fold, !this.open.has(fold));
    else if (copy !== undefined) {
      this.tell("opened_copy", `${copy}#${this.count()}`);
      this.follow();
    }
    else this.select(Number(row), Number(column));
  }

  // The form opens the copies in place of the matrix: the focus goes along, to the tab of what is shown now.
  follow(tries = 0) {
    const isElsewhere = document.activeElement !== document.body && !this.el.contains(document.activeElement);
    const form = this.el.closest(".matrix-editor");
    if (!form || isElsewhere) return;
    if (!this.el.offsetParent) form.querySelector(".tab.is-current")?.focus();
    else if (tries < 300) requestAnimationFrame(() => this.follow(tries + 1));
  }

  key(event) {
    const { row, column } = event.target.dataset ?? {};
    if (row === undefined || event.altKey || event.metaKey) return;
    const place = [Number(row), Number(column)];
    let to = null;
    if (event.key in MOVES && !event.ctrlKey) to = this.step(place, MOVES[event.key]);
    else if (event.key === "Home" || event.key === "End") to = this.edge(place, event.key, event.ctrlKey);
    else if (["1", "2", "3"].includes(event.key) && !event.ctrlKey) return this.ask(place, event);
    else return;
    event.preventDefault();
    if (to) this.buttonAt(to).focus();
  }

  ask([i, j], event) {
    event.preventDefault();
    if (this.model.get("is_disabled")) return;
    const light = this.get("legend")[Number(event.key) - 1]?.id;
    const [row, column] = [this.get("rows")[i].id, this.get("columns")[j].id];
    this.model.set("selected", { row, column });
    this.tell("asked", { row, column, light, number: this.count() });
    this.choose();
  }

  select(i, j) {
    this.tell("selected", { row: this.get("rows")[i].id, column: this.get("columns")[j].id });
    this.choose();
  }

  count() {
    this.number = (this.number ?? Date.now()) + 1;
    return this.number;
  }

  tell(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }
}

function render({ model, el }) {
  const matrix = new Matrix(model, el);
  const rebuild = () => matrix.build();
  const refill = () => matrix.fill();
  const choose = () => matrix.choose();
  const watched = [
    ["change:rows change:columns change:arrows", rebuild],
    ["change:cells", refill],
    ["change:selected", choose],
  ];
  watched.forEach(([names, act]) => names.split(" ").forEach((name) => model.on(name, act)));
  return () => {
    matrix.leave();
    watched.forEach(([names, act]) => names.split(" ").forEach((name) => model.off(name, act)));
  };
}

export default { render };
