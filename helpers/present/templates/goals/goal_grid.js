// The grid: only the rows in sight are drawn, one cell is active, a range may be selected, a cell is typed into in place.

const ROW = 40;
const SPARE = 6; // rows drawn beyond what is in sight
const SHOWN_ENDED = 2;

class Grid {
  constructor(page) {
    this.page = page;
    this.id = `goals-${Math.random().toString(36).slice(2, 8)}`;
    this.open = new Set(); // KPIs whose slices are shown
    this.isEarlier = false;
    this.active = null; // { row, column }: places in the sheet
    this.anchor = null;
    this.pending = new Map(); // place → text typed that Python hasn't answered, and the step's number
    this.frame = make("div", "frame");
    this.table = make("table");
    this.table.tabIndex = 0;
    this.table.setAttribute("role", "grid");
    this.table.setAttribute("aria-multiselectable", "true");
    this.head = make("thead");
    this.body = make("tbody");
    this.table.append(this.head, this.body);
    this.frame.append(this.table);
    this.above = make("tr", "space");
    this.below = make("tr", "space");
    for (const space of [this.above, this.below]) space.setAttribute("aria-hidden", "true");
    this.drawn = new Map(); // row → its line
    this.frame.addEventListener("scroll", () => this.draw(), { passive: true });
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.frame);
  }

  close() { this.watcher.disconnect(); }

  // Rows and columns, with what is said of a row aloud.
  readSheet() {
    const told = this.page.model.get("sheet");
    const parents = new Set(told.rows.map((row) => row.parent));
    const rows = told.rows.map((row, at) => {
      const spoken = row.kind === "slice" ? `${told.rows[row.parent].label}, ${row.within} ${row.label}` : row.label;
      return { ...row, spoken, hasSlices: parents.has(at) };
    });
    this.sheet = { ...told, rows };
  }

  get cells() { return this.page.model.get("cells"); }

  // ---- laying out -------------------------------------------------------------------------------------------------

  lay() {
    this.readSheet();
    const { rows, columns, label } = this.sheet;
    this.table.setAttribute("aria-label", label);
    const ended = columns.flatMap((column, at) => (column.kind === "ended" ? [at] : []));
    this.folded = new Set(this.isEarlier ? [] : ended.slice(0, Math.max(ended.length - SHOWN_ENDED, 0)));
    this.shown = columns.flatMap((_, at) => (this.folded.has(at) ? [] : [at]));
    this.lines = rows.flatMap((row, at) => (row.parent < 0 || this.open.has(row.parent) ? [at] : []));
    this.drawn.clear();
    this.body.replaceChildren();
    this.layHead(columns);
    this.table.setAttribute("aria-rowcount", String(this.lines.length + 1));
    this.table.setAttribute("aria-colcount", String(this.shown.length + 1));
    if (!this.active || !this.lines.includes(this.active.row) || !this.shown.includes(this.active.column)) {
      this.active = this.firstOpen();
      this.anchor = this.active;
    }
    this.draw();
  }

  layHead(columns) {
    const line = make("tr");
    line.setAttribute("aria-rowindex", "1");
    const corner = make("th", "corner");
    corner.scope = "col";
    corner.append(make("span", "name", "KPI"), make("span", "hint", "last 8 periods"));
    line.append(corner);
    let before = "";
    for (const at of this.shown) {
      const { label, kind } = columns[at];
      const th = make("th", `${kind}${before && before !== kind ? " first" : ""}`);
      th.scope = "col";
      th.append(make("span", "name", label), make("span", "hint", { ended: "actual", ahead: "goal", year: "whole year" }[kind]));
      line.append(th);
      before = kind;
    }
    this.head.replaceChildren(line);
  }

  draw() {
    if (!this.lines) return;
    const { rows, columns } = this.sheet;
    const height = this.frame.clientHeight || 600;
    const first = Math.max(Math.floor(this.frame.scrollTop / ROW) - SPARE, 0);
    const last = Math.min(Math.ceil((this.frame.scrollTop + height) / ROW) + SPARE, this.lines.length);
    const wanted = this.lines.slice(first, last);
    const keep = new Set(wanted);
    for (const [row, line] of this.drawn) if (!keep.has(row)) { line.remove(); this.drawn.delete(row); }
    this.space(this.above, first);
    this.space(this.below, this.lines.length - last);
    let after = this.above;
    if (this.above.parentNode !== this.body) this.body.prepend(this.above);
    wanted.forEach((row, i) => {
      const line = this.drawn.get(row) ?? this.makeLine(row, rows[row]);
      if (after.nextSibling !== line) after.after(line);
      this.drawn.set(row, line);
      line.setAttribute("aria-rowindex", String(first + i + 2));
      after = line;
    });
    if (this.below.parentNode !== this.body || this.below.previousSibling !== after) after.after(this.below);
    for (const row of wanted) this.paintRow(row, rows[row], columns);
    this.mark();
  }

  space(line, count) {
    line.style.height = `${count * ROW}px`;
    line.hidden = !count;
  }

  makeLine(row, about) {
    const line = make("tr", about.kind);
    const head = make("th");
    head.scope = "row";
    line.append(head);
    if (about.kind === "heading") {
      const rest = make("td", "rest");
      rest.colSpan = this.shown.length;
      line.append(rest);
      return line;
    }
    for (const column of this.shown) {
      const td = make("td");
      td.id = `${this.id}-${row}-${column}`;
      td.setAttribute("role", "gridcell");
      td.dataset.row = String(row);
      td.dataset.column = String(column);
      line.append(td);
    }
    return line;
  }

  paintRow(row, about, columns) {
    const line = this.drawn.get(row);
    fillHead(line.firstChild, about, this.open.has(row));
    if (about.kind === "heading") return;
    let before = "";
    this.shown.forEach((column, i) => {
      const td = line.children[i + 1];
      if (this.editing?.td === td) return;
      fillCell(td, this.read(row, column), about, columns[column]);
      td.classList.toggle("first", Boolean(before) && before !== columns[column].kind);
      before = columns[column].kind;
    });
  }

  place(row, column) { return row * this.sheet.columns.length + column; }

  read(row, column) {
    const place = this.place(row, column);
    return readCell(this.cells, place, this.pending.get(place)?.text, this.sheet.words ?? {});
  }

  find(row, column) { return this.drawn.get(row)?.children[this.shown.indexOf(column) + 1] ?? null; }

  keyOf(row, column) {
    const { kpi, dimension, slice } = this.sheet.rows[row];
    const { grain, start } = this.sheet.columns[column];
    return [kpi, grain, start, dimension, slice];
  }

  placeOf([kpi, grain, start, dimension, slice]) {
    const row = this.sheet.rows.findIndex((one) => one.kind !== "heading" && one.kpi === kpi && one.dimension === dimension && one.slice === slice);
    const column = this.sheet.columns.findIndex((one) => one.grain === grain && one.start === start);
    return row < 0 || column < 0 ? null : { row, column };
  }

  canEdit(row, column) {
    return this.sheet.columns[column].kind !== "ended" && this.cells.state[this.place(row, column)] !== "none"
      && this.sheet.rows[row].kind !== "heading";
  }

  // ---- folding ----------------------------------------------------------------------------------------------------

  fold(row, isOpen = !this.open.has(row)) {
    if (!this.sheet.rows[row].hasSlices) return;
    if (isOpen) this.open.add(row);
    else this.open.delete(row);
    if (!isOpen && this.active && this.sheet.rows[this.active.row].parent === row) this.active = { ...this.active, row };
    if (!isOpen) this.anchor = this.active;
    this.lay();
    if (isOpen) this.revealSlices(row);
    this.page.labelTools();
    this.page.speak(`${isOpen ? "Slices shown" : "Slices hidden"}: ${this.sheet.rows[row].label}`);
  }

  // Scrolls so far that some of the slices just opened are in sight.
  revealSlices(row) {
    const top = this.lines.indexOf(row) * ROW;
    const wanted = top + ROW * 6 + this.head.offsetHeight - this.frame.clientHeight;
    if (this.frame.scrollTop < wanted) this.frame.scrollTop = Math.min(wanted, top);
    this.draw();
  }

  foldAll(isOpen) {
    this.open = new Set(isOpen ? this.sheet.rows.flatMap((row, at) => (row.hasSlices ? [at] : [])) : []);
    this.lay();
  }

  // ---- the active cell and the range ------------------------------------------------------------------------------

  firstOpen() {
    for (const row of this.lines) {
      if (this.sheet.rows[row].kind === "heading") continue;
      const column = this.shown.find((at) => this.canEdit(row, at));
      if (column !== undefined) return { row, column };
    }
    return null;
  }

  go(to, { isRange = false, isQuiet = false } = {}) {
    if (!to) return;
    this.active = to;
    if (!isRange) this.anchor = to;
    this.reveal(to);
    this.draw();
    if (!isQuiet) this.page.look();
  }

  reveal({ row, column }) {
    const top = this.lines.indexOf(row) * ROW;
    const head = this.head.offsetHeight;
    if (top < this.frame.scrollTop) this.frame.scrollTop = top;
    else if (top + ROW + head > this.frame.scrollTop + this.frame.clientHeight) this.frame.scrollTop = top + ROW + head - this.frame.clientHeight;
    this.draw();
    const td = this.find(row, column);
    if (!td) return;
    const left = this.table.querySelector("th.corner").offsetWidth;
    const seen = td.offsetLeft - this.frame.scrollLeft;
    if (seen < left) this.frame.scrollLeft -= left - seen;
    else if (seen + td.offsetWidth > this.frame.clientWidth) this.frame.scrollLeft += seen + td.offsetWidth - this.frame.clientWidth;
  }

  range() {
    if (!this.active) return { rows: [], columns: [] };
    const span = (list, one, other) => {
      const [from, to] = [list.indexOf(one), list.indexOf(other)].sort((a, b) => a - b);
      return list.slice(Math.max(from, 0), to + 1);
    };
    const rows = span(this.lines, this.anchor.row, this.active.row).filter((row) => this.sheet.rows[row].kind !== "heading");
    return { rows, columns: span(this.shown, this.anchor.column, this.active.column) };
  }

  selected({ isOpen = true } = {}) {
    const { rows, columns } = this.range();
    const all = rows.flatMap((row) => columns.map((column) => ({ row, column })));
    return isOpen ? all.filter(({ row, column }) => this.canEdit(row, column)) : all;
  }

  mark() {
    const { rows, columns } = this.range();
    const inRows = new Set(rows), inColumns = new Set(columns);
    const isRange = rows.length * columns.length > 1;
    for (const [row, line] of this.drawn) {
      for (const td of line.querySelectorAll("td.cell")) {
        const column = Number(td.dataset.column);
        const isActive = this.active?.row === row && this.active?.column === column;
        const isIn = inRows.has(row) && inColumns.has(column);
        td.classList.toggle("active", isActive);
        td.classList.toggle("in-range", isRange && isIn);
        td.setAttribute("aria-selected", String(isIn));
      }
    }
    if (this.active) this.table.setAttribute("aria-activedescendant", `${this.id}-${this.active.row}-${this.active.column}`);
  }

  step({ row, column }, down, right) {
    const lines = this.lines.filter((one) => this.sheet.rows[one].kind !== "heading");
    const at = Math.min(Math.max(lines.indexOf(row) + down, 0), lines.length - 1);
    const to = Math.min(Math.max(this.shown.indexOf(column) + right, 0), this.shown.length - 1);
    return { row: lines[at], column: this.shown[to] };
  }

  // The next cell that can be typed into, in reading order; null at the end of the grid.
  next({ row, column }, by) {
    const lines = this.lines.filter((one) => this.sheet.rows[one].kind !== "heading");
    const width = this.shown.length;
    let at = lines.indexOf(row) * width + this.shown.indexOf(column) + by;
    for (; at >= 0 && at < lines.length * width; at += by) {
      const to = { row: lines[Math.floor(at / width)], column: this.shown[at % width] };
      if (this.canEdit(to.row, to.column)) return to;
    }
    return null;
  }
}
