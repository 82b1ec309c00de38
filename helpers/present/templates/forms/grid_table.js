// The grid on the page: its head, its rows, what they are called, and how wide columns are.

const WIDTHS = { text: 144, long_text: 208, number: 84, choice: 120, yes_no: 112, light: 148 };
const SIGN = 7.4; // pixels of an ordinary sign in a cell
const MANY = 6; // columns from which on texts get by with less
const FEW = 4; // columns up to which each one's help stands in the head
const SHAPING = ["columns", "is_disabled", "can_add", "can_remove", "can_reorder", "is_ranked", "maximum_rows", "add_label", "empty_label", "label"];

class GridTable {
  constructor(model, el) {
    this.model = model;
    this.writer = nextId();
    this.number = 0; // of the last edit
    this.structure = 0; // the edit that last added, removed or moved a row
    this.revision = model.get("revision");
    this.rows = [];
    this.listening = [];
    this.root = make("div", { class: "red editable-grid" });
    this.root.addEventListener("focusin", (event) => keepKeys(event.target));
    this.root.addEventListener("keydown", (event) => this.onSave(event));
    this.root.addEventListener("keydown", (event) => this.onUndo(event));
    el.append(this.root);
    this.build();
    for (const name of SHAPING) this.listen(`change:${name}`, () => this.build());
    this.listen("change:rows", () => this.receiveRows());
    this.listen("change:faults", () => this.receiveFaults());
    this.listen("change:acknowledged", () => this.receiveFaults());
    this.onScroll = () => this.placeHead();
    this.onHide = () => this.flush();
    document.addEventListener("scroll", this.onScroll, { capture: true, passive: true });
    document.addEventListener("visibilitychange", this.onHide);
    window.addEventListener("pagehide", this.onHide);
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.root);
  }

  listen(event, handler) {
    this.model.on(event, handler);
    this.listening.push([event, handler]);
  }

  close() {
    this.flush();
    clearTimeout(this.again);
    for (const [event, handler] of this.listening) this.model.off(event, handler);
    document.removeEventListener("scroll", this.onScroll, { capture: true });
    document.removeEventListener("visibilitychange", this.onHide);
    window.removeEventListener("pagehide", this.onHide);
    this.observer.disconnect();
    this.root.remove();
  }

  get(name) { return this.model.get(name); }
  get columns() { return this.model.get("columns"); }
  get key() { return this.columns[0]?.id; }
  get span() { return this.columns.length + Number(this.get("is_ranked")) + Number(this.hasTools); }
  get isDisabled() { return this.model.get("is_disabled"); }

  // ------------------------------------------------------------ building

  build() {
    this.flush();
    const held = this.rows.map((row) => row.data);
    this.rows = [];
    const { columns } = this;
    this.canEdit = !this.isDisabled;
    this.hasTools = this.canEdit && (this.get("can_remove") || this.get("can_reorder"));
    this.lists = {};
    const lists = columns.filter((column) => column.suggestions?.length && column.kind === "text").map((column) => {
      const list = make("datalist", { id: nextId() }, ...column.suggestions.map((text) => make("option", { value: text })));
      this.lists[column.id] = list.id;
      return list;
    });
    this.body = make("tbody");
    this.head = make("thead", {}, this.makeHead());
    this.table = make("table", { class: "grid-table" }, make("caption", { class: "grid-hidden" }, this.get("label")), this.makeWidths(), this.head, this.body);
    this.frame = make("div", { class: "grid-frame" }, this.table);
    this.frame.addEventListener("scroll", () => this.markSides(), { passive: true });
    this.empty = make("p", { class: "grid-empty" }, this.get("empty_label"));
    this.note = make("p", { class: "grid-note", role: "status", "aria-live": "polite" });
    this.foot = make("div", { class: "grid-foot" });
    if (this.canEdit && this.get("can_add")) {
      this.addButton = make("button", { type: "button", class: "grid-add" }, this.get("add_label"));
      this.addButton.addEventListener("click", () => this.addRow());
      this.limit = make("span", { class: "grid-limit" });
      this.foot.append(this.addButton, this.limit);
    } else this.addButton = null;
    this.foot.append(this.note);
    this.root.replaceChildren(...lists, this.frame, this.empty, this.foot);
    this.root.classList.toggle("is-disabled", this.isDisabled);
    this.root.classList.toggle("is-ranked", this.get("is_ranked"));
    this.root.setAttribute("lang", document.documentElement.lang || "en");
    this.table.addEventListener("keydown", (event) => this.onKey(event));
    this.table.addEventListener("paste", (event) => this.onPaste(event));
    this.table.addEventListener("focusout", (event) => this.onBlur(event));
    const rows = held.length ? held : this.get("rows");
    rows.forEach((data) => this.rows.push(this.makeRow(data)));
    this.arrange();
    this.showFaults();
  }

  makeWidths() {
    const { columns } = this;
    const texts = columns.filter((column) => !column.width && /text/.test(column.kind || "text"));
    const group = make("colgroup");
    this.least = 0;
    const add = (width, isFree) => {
      this.least += width;
      const col = make("col", isFree ? {} : { style: `width:${width}px` });
      group.append(col);
      return isFree ? null : { col, width };
    };
    if (this.get("is_ranked")) add(28, false);
    columns.forEach((column, place) => {
      // Texts share what is left; the name of the row only where it is the only text.
      const isFree = texts.includes(column) && (place > 0 || texts.length === 1 || texts.length === columns.length);
      const col = add(column.width || this.widthOf(column, place), isFree);
      if (place === 0) this.keyCol = col;
    });
    if (this.hasTools) add(this.toolsWidth(), false);
    return group;
  }

  widthOf(column, place) {
    const width = this.widthOfKind(column, place);
    if (/text/.test(column.kind || "text") || this.columns.length > FEW) return width;
    // Wide enough for the label on one line and the help on three.
    return Math.min(192, Math.max(width, Math.round(16 + SIGN * Math.max(column.label.length, (column.help || "").length / 3))));
  }

  widthOfKind(column, place) {
    const kind = column.kind || "text";
    if (kind === "choice") {
      // Wide enough for the longest word, and for the longest choice on three lines.
      const labels = [column.label, ...(column.choices || []).map(([, label]) => toText(label))];
      const word = Math.max(...labels.flatMap((label) => label.split(/\s+/)).map((part) => part.length));
      const whole = Math.max(...labels.slice(1).map((label) => label.length), 0) / 2.5;
      return Math.round(Math.max(place === 0 ? 144 : 84, Math.min(34 + SIGN * Math.max(word, whole), 136)));
    }
    if (kind === "number") return Math.round(Math.max(84, Math.min(22 + SIGN * (toText(column.example).length + 5), 112)));
    if (kind === "text" && this.columns.length > MANY) return place === 0 ? 144 : 108;
    return WIDTHS[kind] || WIDTHS.text;
  }

  toolsWidth() { return 4 + 24 * (Number(this.get("can_remove")) + Number(this.get("can_reorder"))); }

  makeHead() {
    const row = make("tr");
    const isOpen = this.columns.length <= FEW;
    if (this.get("is_ranked")) row.append(make("td", { class: "grid-number" }));
    this.columns.forEach((column, place) => {
      const head = make("th", { scope: "col", class: `is-${column.kind || "text"}${place === 0 ? " is-key" : ""}` });
      const label = make("span", { class: "head-label" });
      label.append(...(column.help && !isOpen ? this.makeHelp(column) : [column.label]));
      if (column.unit) label.append(make("span", { class: "head-unit" }, ` ${column.unit}`));
      head.append(label);
      if (column.help && isOpen) head.append(make("span", { class: "head-help" }, column.help));
      if (column.is_required && !column.is_fixed && place > 0) head.append(make("span", { class: "head-help" }, "required"));
      row.append(head);
    });
    if (this.hasTools) row.append(make("td", { class: "grid-tools" }));
    row.classList.toggle("is-open", isOpen && this.columns.some((column) => column.help));
    return row;
  }

  // Where there are many columns their help is behind the label, for the mouse as for the keyboard.
  makeHelp(column) {
    const id = nextId();
    const bubble = make("span", { class: "head-bubble", role: "tooltip", id, popover: "manual" }, column.help);
    const button = make("button", { type: "button", class: "head-more", "aria-describedby": id }, column.label);
    const open = () => {
      bubble.showPopover?.();
      const place = button.getBoundingClientRect();
      const { bottom } = button.closest("th").getBoundingClientRect();
      bubble.style.left = `${Math.max(8, Math.min(place.left - 12, window.innerWidth - bubble.offsetWidth - 8))}px`;
      bubble.style.top = `${bottom + 2}px`;
    };
    const close = () => bubble.hidePopover?.();
    button.addEventListener("mouseenter", open);
    button.addEventListener("mouseleave", () => { if (document.activeElement !== button) close(); });
    button.addEventListener("focus", open);
    button.addEventListener("blur", close);
    button.addEventListener("click", open);
    button.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    return [button, bubble];
  }

  makeRow(data) {
    const row = { data: { ...data }, cells: new Map(), pending: new Map(), tr: make("tr", { class: "grid-row" }) };
    if (this.get("is_ranked")) {
      row.numeral = make("td", { class: "grid-number" });
      row.tr.append(row.numeral);
    }
    this.columns.forEach((column, place) => row.tr.append(this.makeCell(row, column, place)));
    if (this.hasTools) row.tr.append(this.makeTools(row));
    row.tr.gridRow = row;
    this.nameRow(row);
    return row;
  }

  makeCell(row, column, place) {
    const kind = column.kind || "text";
    const isStatic = !this.canEdit || column.is_fixed || (place === 0 && row.data._fixed);
    const holder = place === 0 ? make("th", { scope: "row" }) : make("td");
    holder.className = `grid-cell is-${kind}${place === 0 ? " is-key" : ""}${isStatic ? " is-static" : ""}`;
    const cell = { row, column, place, holder, fault: null };
    const control = isStatic ? makeStatic(column) : (CONTROLS[kind] || makeText)(column, (value) => this.edit(cell, value), this);
    cell.control = control;
    cell.focus = control.focus || (() => control.target?.focus());
    control.show(toText(row.data[column.id]));
    if (control.target && column.is_required) control.target.setAttribute("aria-required", "true");
    holder.append(control.root);
    holder.gridCell = cell;
    row.cells.set(column.id, cell);
    return holder;
  }

  makeTools(row) {
    const bar = make("div", { class: "row-tools", role: "toolbar" });
    const tools = [];
    if (this.get("can_reorder") && !row.data._fixed) {
      row.handle = make("button", { type: "button", class: "row-handle" });
      row.handle.addEventListener("pointerdown", (event) => this.drag(row, event));
      row.handle.addEventListener("keydown", (event) => {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        this.moveRow(row, step);
      });
      tools.push(row.handle);
    }
    if (this.get("can_remove") && !row.data._fixed) {
      row.remover = make("button", { type: "button", class: "row-remove" });
      row.remover.addEventListener("click", () => this.removeRow(row));
      tools.push(row.remover);
    }
    // One stop for the tab key per row; arrows left and right go from tool to tool.
    tools.forEach((tool, place) => {
      tool.tabIndex = place === tools.length - 1 ? 0 : -1;
      tool.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step) tools[(place + step + tools.length) % tools.length].focus();
      });
      tool.addEventListener("focus", () => tools.forEach((other) => { other.tabIndex = other === tool ? 0 : -1; }));
    });
    bar.append(...tools);
    row.bar = bar;
    return make("td", { class: "grid-tools" }, bar);
  }

  // ------------------------------------------------------------ what rows are called

  nameOf(row) {
    const column = this.columns[0];
    const text = toText(row.data[column?.id]).trim();
    const chosen = (column?.choices || []).find(([id]) => id === text);
    return chosen ? chosen[1] : text;
  }

  nameRow(row) {
    const name = this.nameOf(row) || `row ${Math.max(this.rows.indexOf(row), 0) + 1}`;
    if (row.name === name) return;
    row.name = name;
    for (const cell of row.cells.values()) cell.control.target?.setAttribute("aria-label", `${cell.column.label}, ${name}`);
    row.bar?.setAttribute("aria-label", `Row ${name}`);
    row.handle?.setAttribute("aria-label", `Move ${name}`);
    row.handle?.setAttribute("title", "Drag to move, or Alt and ↑ ↓");
    row.remover?.setAttribute("aria-label", `Remove ${name}`);
    row.remover?.setAttribute("title", `Remove ${name}`);
  }

  isBlank(row) {
    return !row.data._fixed && this.columns.every((column) => toText(row.data[column.id]).trim() === "");
  }

  // Put rows, headings and numbers on the page in order. The row that has the focus isn't touched: others move around it.
  arrange() {
    const wanted = [];
    let group = "";
    const headings = new Map([...this.body.querySelectorAll(".grid-group")].map((tr) => [tr.dataset.group, tr]));
    for (const row of this.rows) {
      const own = toText(row.data._group);
      if (own !== group) {
        const title = own || "Added by you";
        const heading = headings.get(title) || this.makeHeading(title);
        headings.delete(title);
        wanted.push(heading);
        group = own;
      }
      wanted.push(row.tr, ...(row.notes ? [row.notes] : []));
    }
    const keep = new Set(wanted);
    for (const tr of [...this.body.children]) if (!keep.has(tr)) tr.remove();
    const still = wanted.indexOf(document.activeElement?.closest?.(".grid-row"));
    if (still >= 0) {
      for (let i = still - 1; i >= 0; i -= 1) if (wanted[i + 1].previousSibling !== wanted[i]) this.body.insertBefore(wanted[i], wanted[i + 1]);
    }
    for (let i = still + 1; i < wanted.length; i += 1) {
      const before = i === 0 ? null : wanted[i - 1];
      const place = before ? before.nextSibling : this.body.firstChild;
      if (place !== wanted[i]) this.body.insertBefore(wanted[i], place);
    }
    this.rows.forEach((row, place) => {
      if (row.numeral) row.numeral.textContent = `${place + 1}`;
      this.nameRow(row);
    });
    this.showState();
  }

  makeHeading(title) {
    const heading = make("tr", { class: "grid-group" }, make("th", { scope: "rowgroup", colspan: String(this.span) }, make("span", { dir: "auto" }, title)));
    heading.dataset.group = title;
    return heading;
  }

  showState() {
    const isEmpty = this.rows.length === 0;
    const isFull = this.rows.length >= this.get("maximum_rows");
    this.root.classList.toggle("is-empty", isEmpty);
    this.frame.hidden = isEmpty;
    this.empty.hidden = !isEmpty;
    if (this.addButton) {
      this.addButton.disabled = isFull;
      this.limit.textContent = isFull ? `${plural(this.get("maximum_rows"), "row", "rows")} at most` : "";
    }
    const firstBlank = this.rows.find((row) => this.isBlank(row));
    this.rows.forEach((row, place) => row.tr.classList.toggle("is-new", row === firstBlank || (place === 0 && !!row.data._fixed)));
    this.measure();
  }

  // ------------------------------------------------------------ width and head

  measure() {
    const spare = Math.max(0, this.root.clientWidth - this.least);
    this.table.style.minWidth = `${this.least}px`;
    if (this.keyCol) this.keyCol.col.style.width = `${Math.round(this.keyCol.width + Math.min(96, 0.2 * spare))}px`;
    this.root.classList.toggle("is-wide", this.root.clientWidth > 0 && this.least > this.root.clientWidth);
    this.scroller = undefined;
    this.placeHead();
    this.placeFaults();
    this.markSides();
  }

  markSides() {
    const { frame } = this;
    this.root.classList.toggle("has-left", frame.scrollLeft > 0);
    this.root.classList.toggle("has-right", frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1);
  }

  // The head stays in view. CSS does that by itself unless something between the table and what really scrolls clips.
  placeHead() {
    if (!this.root.isConnected || this.rows.length < 8) return this.shiftHead(0);
    if (this.scroller === undefined) this.findScroller();
    if (!this.mustShift) return this.shiftHead(0);
    const top = this.scroller ? this.scroller.getBoundingClientRect().top : 0;
    const box = this.table.getBoundingClientRect();
    const most = box.height - this.head.offsetHeight - 60;
    return this.shiftHead(Math.round(Math.max(0, Math.min(top - box.top, most))));
  }

  shiftHead(pixels) {
    if (this.shifted === pixels) return;
    this.shifted = pixels;
    this.head.style.setProperty("--shift", `${pixels}px`);
    this.head.classList.toggle("is-shifted", pixels > 0);
  }

  findScroller() {
    this.scroller = null;
    this.mustShift = false;
    for (let box = this.table.parentElement; box && box !== document.body && box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box);
      const clips = /auto|scroll|hidden/.test(`${style.overflowX} ${style.overflowY}`);
      if (clips && /auto|scroll/.test(style.overflowY) && box.scrollHeight > box.clientHeight + 1 && box !== this.frame) {
        this.scroller = box;
        return;
      }
      if (clips) this.mustShift = true;
    }
  }
}
