// An editable grid: a real table of real inputs.
//
// The view holds rows of its own. What is typed is painted by the browser at once; the model is told 40 ms later, as the
// whole list of rows. What Python sends is patched in cell by cell: the cell that somebody types in, cells that Python
// does not know yet, the focus and the caret stay as they are. Data reaches the page as text only, never as markup.

const SEND_AFTER = 40;
const SEND_AGAIN_AFTER = 4000;
const LIGHTS = { available: "●", adoption_needed: "◐", unavailable: "○" };
const WIDTHS = { text: 144, long_text: 208, number: 84, choice: 120, yes_no: 112, light: 148 };
const SIGN = 7.4; // pixels of an ordinary sign in a cell
const MANY = 6; // columns from which on texts get by with less
const YES_NO = { yes: "Yes", no: "No", unknown: "?" };
const YES_NO_WORDS = { yes: "yes", y: "yes", true: "yes", "1": "yes", no: "no", n: "no", false: "no", "0": "no", "?": "unknown" };

// ---------------------------------------------------------------------------------------------- small pieces

let count = 0;
const nextId = () => `editable-grid-${(count += 1)}-${Math.random().toString(36).slice(2, 7)}`;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function toText(value) {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.map(toText).join(", ") : String(value);
}

const fold = (text) => toText(text).trim().toLowerCase();
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

// Where the focus is on a choice or a button JupyterLab takes letters for commands: "dd" would delete the notebook's cell.
function keepKeys(element) {
  if (!element.matches("input, textarea")) element.setAttribute("data-lm-suppress-shortcuts", "true");
}

// A block as spreadsheets put it on the clipboard: tabs between cells, quotes around cells that hold tabs or line ends.
function readBlock(text) {
  const rows = [[]];
  let cell = "", quoted = false, start = true;
  const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let i = 0; i < source.length; i += 1) {
    const sign = source[i];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (source[i + 1] === '"') { cell += '"'; i += 1; }
      else quoted = false;
    } else if (sign === '"' && start && closesCell(source, i)) {
      quoted = true;
      start = false;
    } else if (sign === "\t" || sign === "\n") {
      rows[rows.length - 1].push(cell);
      if (sign === "\n") rows.push([]);
      cell = "";
      start = true;
    } else {
      cell += sign;
      start = false;
    }
  }
  rows[rows.length - 1].push(cell);
  return rows;
}

// Whether the quote at a cell's start has a partner at a cell's end; else it is an ordinary sign, as in 19" rack.
function closesCell(source, start) {
  for (let i = start + 1; i < source.length; i += 1) {
    if (source[i] !== '"') continue;
    if (source[i + 1] === '"') i += 1;
    else return i + 1 === source.length || source[i + 1] === "\t" || source[i + 1] === "\n";
  }
  return false;
}

// ---------------------------------------------------------------------------------------------- controls of a cell
// Each control has: root (what stands in the cell), target (what has the focus and the label), show(text),
// read(), accept(text) (the text as the cell would keep it; null where it can't).

function makeText(column, onEdit, { lists }) {
  const isLong = column.kind === "long_text";
  const example = column.example ? `e.g. ${column.example}` : null;
  const shared = { class: "cell-input", dir: "auto", placeholder: example, autocomplete: "off" };
  if (column.kind === "number" || lists[column.id]) {
    const isNumber = column.kind === "number";
    const input = make("input", {
      ...shared, type: "text", inputmode: isNumber ? "decimal" : null, list: lists[column.id] || null, spellcheck: "false",
      dir: isNumber ? "ltr" : "auto",
    });
    input.addEventListener("input", () => onEdit(input.value));
    return {
      root: input, target: input, read: () => input.value, show: (text) => { input.value = text; },
      accept: (text) => text.replace(/\s*\n\s*/g, " ").trim(),
    };
  }
  // The sizer behind the text area holds the same text, so that the cell grows with it without being measured.
  const area = make("textarea", { ...shared, rows: "1" });
  const sizer = make("span", { class: "cell-sizer", "aria-hidden": "true", dir: "auto" });
  sizer.dataset.example = example || "";
  const resize = () => { sizer.textContent = area.value === "" ? "" : `${area.value}\u200b`; };
  area.addEventListener("input", () => {
    if (!isLong && area.value.includes("\n")) {
      const caret = area.selectionStart;
      area.value = area.value.replace(/\n/g, " ");
      area.setSelectionRange(caret, caret);
    }
    resize();
    onEdit(area.value);
  });
  resize();
  return {
    root: make("div", { class: "cell-text" }, area, sizer), target: area, read: () => area.value,
    show: (text) => { area.value = text; resize(); },
    accept: (text) => (isLong ? text : text.replace(/\s*\n\s*/g, " ").trim()),
  };
}

// A real select, laid unseen over its own text, so that long choices wrap instead of being cut.
function makeChoice(column, onEdit) {
  const isLight = column.kind === "light";
  const choices = column.choices || [];
  const shape = make("span", { class: "cell-shape" });
  const word = make("span", { class: "cell-word", dir: "auto" });
  const select = make("select", { class: "cell-select" }, make("option", { value: "" }, "–"));
  for (const [id, label] of choices) {
    select.append(make("option", { value: id }, isLight && LIGHTS[id] ? `${LIGHTS[id]} ${label}` : label));
  }
  const root = make("div", { class: `cell-choice${isLight ? " is-light" : ""}` }, make("span", { class: "cell-shown", "aria-hidden": "true" }, shape, word), select);
  const paint = () => {
    const chosen = select.value;
    shape.textContent = isLight ? LIGHTS[chosen] || "" : "";
    word.textContent = chosen === "" ? "Choose" : (choices.find(([id]) => id === chosen) || [chosen, chosen])[1];
    root.dataset.value = chosen;
  };
  select.addEventListener("change", () => { paint(); onEdit(select.value); });
  const find = (text) => {
    const wanted = fold(text);
    const found = choices.find(([id, label]) => fold(id) === wanted || fold(label) === wanted);
    return found ? found[0] : null;
  };
  paint();
  return {
    root, target: select, read: () => select.value,
    show: (text) => {
      const id = text === "" ? "" : find(text) ?? text;
      select.querySelector("option[data-stray]")?.remove();
      if (id !== "" && find(id) === null) {
        select.append(make("option", { value: id, "data-stray": true }, `${id} (not in the list)`));
      }
      select.value = id;
      paint();
    },
    accept: (text) => (text.trim() === "" ? "" : find(text)),
  };
}

function makeYesNo(column, onEdit) {
  const choices = column.choices?.length ? column.choices : [["yes", "Yes"], ["no", "No"], ["unknown", "Don't know"]];
  let chosen = "";
  const buttons = choices.map(([id, label]) => make("button", {
    type: "button", role: "radio", class: "cell-toggle", value: id, "aria-label": label, title: label,
  }, YES_NO[id] || label));
  const group = make("div", { class: "cell-toggles", role: "radiogroup" }, ...buttons);
  const paint = () => buttons.forEach((button, place) => {
    const isChosen = button.value === chosen;
    button.setAttribute("aria-checked", String(isChosen));
    button.tabIndex = isChosen || (place === 0 && !choices.some(([id]) => id === chosen)) ? 0 : -1;
  });
  const choose = (id) => { chosen = id; paint(); onEdit(chosen); };
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(button.value === chosen ? "" : button.value);
  });
  group.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const place = buttons.indexOf(document.activeElement);
    const typed = choices.find(([id, label]) => event.key.length === 1 && fold(YES_NO[id] || label)[0] === event.key.toLowerCase());
    if (step) {
      const next = buttons[(place + step + buttons.length) % buttons.length];
      choose(next.value);
      next.focus();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      choose("");
      buttons[0].focus();
    } else if (typed) {
      choose(typed[0]);
      buttons[choices.indexOf(typed)].focus();
    } else return;
    event.preventDefault();
  });
  const find = (text) => {
    const wanted = fold(text);
    const found = choices.find(([id, label]) => fold(id) === wanted || fold(label) === wanted);
    return found ? found[0] : YES_NO_WORDS[wanted] ?? null;
  };
  paint();
  return {
    root: group, target: group, read: () => chosen,
    show: (text) => { chosen = text === "" ? "" : find(text) ?? text; paint(); },
    focus: () => (buttons.find((button) => button.tabIndex === 0) || buttons[0]).focus(),
    accept: (text) => (text.trim() === "" ? "" : find(text)),
  };
}

// What nobody may type in: plain text, with the words of a choice instead of its id.
function makeStatic(column) {
  const root = make("div", { class: "cell-static", dir: "auto" });
  let shown = "";
  return {
    root, target: null, read: () => shown, accept: () => null,
    show: (text) => {
      shown = text;
      const found = (column.choices || []).find(([id]) => id === text);
      const light = column.kind === "light" && LIGHTS[text] ? `${LIGHTS[text]} ` : "";
      root.textContent = found ? `${light}${found[1]}` : text;
      if (column.kind === "light") root.dataset.value = text;
    },
  };
}

const CONTROLS = { choice: makeChoice, light: makeChoice, yes_no: makeYesNo };

// ---------------------------------------------------------------------------------------------- the grid

class Grid {
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
    el.append(this.root);
    this.build();
    for (const name of ["columns", "is_disabled", "can_add", "can_remove", "can_reorder", "is_ranked", "maximum_rows", "add_label", "empty_label", "label"]) {
      this.listen(`change:${name}`, () => this.build());
    }
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

  // ------------------------------------------------------------------------------------------ building

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
    const isOpen = this.columns.length <= 4;
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
      bubble.style.left = `${Math.max(8, Math.min(place.left - 12, window.innerWidth - bubble.offsetWidth - 8))}px`;
      bubble.style.top = `${place.bottom + 6}px`;
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

  // ------------------------------------------------------------------------------------------ what rows are called

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

  // ------------------------------------------------------------------------------------------ edits go out

  edit(cell, value) {
    const { row, column } = cell;
    row.data[column.id] = value;
    row.pending.set(column.id, Infinity);
    cell.isTyped = true;
    if (column.id === this.key) this.nameRow(row);
    this.showBlank(row);
    this.sendSoon();
  }

  showBlank(row) {
    if (row.tr.classList.contains("is-new") && !row.data._fixed) row.tr.classList.toggle("is-new", this.isBlank(row));
  }

  sendSoon() { this.timer ??= setTimeout(() => this.flush(), SEND_AFTER); }

  restructure() {
    this.structure = Infinity;
    this.arrange();
    this.sendSoon();
  }

  flush() {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.number += 1;
    if (this.structure === Infinity) this.structure = this.number;
    for (const row of this.rows) {
      for (const [id, number] of row.pending) if (number === Infinity) row.pending.set(id, this.number);
    }
    this.isSending = true;
    this.model.set("rows", this.rows.map((row) => ({ ...row.data })));
    this.model.set("edit", { writer: this.writer, number: this.number, revision: this.revision });
    this.isSending = false;
    this.model.save_changes();
    this.sendAgainLater();
  }

  // A message that was on its way while the line broke is lost, and the model, waiting for its echo, sends nothing more.
  // So what Python hasn't acknowledged goes once more by another way until it has.
  sendAgainLater() {
    clearTimeout(this.again);
    this.again = setTimeout(() => {
      if (this.acknowledged >= this.number) return;
      try { this.model.send({ rows: this.get("rows"), edit: this.get("edit") }); } catch { /* no line: later */ }
      this.sendAgainLater();
    }, SEND_AGAIN_AFTER);
  }

  get acknowledged() { return this.model.get("acknowledged")?.[this.writer] ?? 0; }

  // ------------------------------------------------------------------------------------------ changes come in

  receiveRows() {
    if (this.isSending) return;
    const known = this.acknowledged;
    // Rows that don't know of the last row added, removed or moved are of yesterday: Python will merge and send again.
    if (this.structure > known) return;
    this.revision = this.model.get("revision");
    const incoming = this.get("rows");
    const matched = this.match(incoming);
    const focused = document.activeElement?.closest?.(".grid-row")?.gridRow;
    const kept = this.rows.filter((row) => row === focused && !matched.includes(row) && this.isBlank(row));
    this.rows = incoming.map((data, place) => {
      const old = matched[place];
      if (!old || Boolean(old.data._fixed) !== Boolean(data._fixed)) return this.makeRow(data);
      this.patchRow(old, data, known);
      return old;
    });
    this.rows.push(...kept);
    this.arrange();
    this.showFaults();
  }

  match(incoming) {
    const { key } = this;
    const free = new Set(this.rows);
    const found = incoming.map((data, place) => {
      const row = this.rows[place];
      if (row && fold(row.data[key]) === fold(data[key])) { free.delete(row); return row; }
      return null;
    });
    incoming.forEach((data, place) => {
      if (found[place] || fold(data[key]) === "") return;
      for (const row of free) {
        if (fold(row.data[key]) === fold(data[key])) { found[place] = row; free.delete(row); return; }
      }
    });
    incoming.forEach((data, place) => {
      const row = this.rows[place];
      if (!found[place] && row && free.has(row)) { found[place] = row; free.delete(row); }
    });
    return found;
  }

  patchRow(row, data, known) {
    const next = { ...data };
    for (const [id, cell] of row.cells) {
      const number = row.pending.get(id);
      if (number !== undefined && number > known) {
        if (id in row.data) next[id] = row.data[id];
        else delete next[id];
        continue;
      }
      row.pending.delete(id);
      const text = toText(next[id]);
      if (text === cell.control.read()) continue;
      const hasFocus = cell.holder.contains(document.activeElement);
      if (hasFocus && cell.isTyped) cell.isHeld = true; // shown once the caret has left
      else this.showKeepingCaret(cell, text, hasFocus);
    }
    row.data = next;
  }

  showKeepingCaret(cell, text, hasFocus) {
    const { target } = cell.control;
    const range = hasFocus && "selectionStart" in target ? [target.selectionStart, target.selectionEnd] : null;
    cell.control.show(text);
    if (range) target.setSelectionRange(...range);
  }

  onBlur(event) {
    const cell = event.target.closest(".grid-cell")?.gridCell;
    if (!cell || cell.holder.contains(event.relatedTarget)) return;
    cell.isTyped = false;
    cell.isOpen = false;
    this.flush();
    if (cell.isHeld) {
      cell.isHeld = false;
      if (!cell.row.pending.has(cell.column.id) || cell.row.pending.get(cell.column.id) <= this.acknowledged) cell.control.show(toText(cell.row.data[cell.column.id]));
    }
  }

  receiveFaults() {
    if (this.structure <= this.acknowledged) this.showFaults();
  }

  showFaults() {
    const messages = new Map();
    for (const { row, column, message } of this.get("faults")) {
      const cell = this.rows[row]?.cells.get(column);
      if (cell) messages.set(cell, messages.has(cell) ? `${messages.get(cell)} ${message}` : toText(message));
    }
    for (const row of this.rows) {
      for (const cell of row.cells.values()) this.showFault(cell, messages.get(cell));
      if (row.notes && !row.notes.firstChild.firstChild) {
        row.notes.remove();
        row.notes = null;
        row.tr.classList.remove("has-faults");
      }
    }
    this.placeFaults();
  }

  showFault(cell, message) {
    const { row, control: { target } } = cell;
    if (!message) {
      if (!cell.fault) return;
      cell.fault.remove();
      cell.fault = null;
      cell.holder.classList.remove("is-wrong");
      target?.removeAttribute("aria-invalid");
      target?.removeAttribute("aria-describedby");
      return;
    }
    if (!cell.fault) {
      cell.fault = make("div", { class: "cell-fault", id: nextId(), dir: "auto" });
      if (!row.notes) {
        row.notes = make("tr", { class: "grid-faults" }, make("td", { colspan: String(this.span) }));
        row.tr.after(row.notes);
        row.tr.classList.add("has-faults");
      }
      row.notes.firstChild.append(cell.fault);
      cell.holder.classList.add("is-wrong");
      target?.setAttribute("aria-invalid", "true");
      target?.setAttribute("aria-describedby", cell.fault.id);
    }
    if (cell.fault.textContent !== message) cell.fault.textContent = message;
  }

  // What is wrong stands under its cell, on a line of its own, so that narrow columns don't break it into pieces.
  placeFaults() {
    const cells = this.rows.flatMap((row) => [...row.cells.values()].filter((cell) => cell.fault));
    if (!cells.length) return;
    const width = this.table.clientWidth;
    const boxes = cells.map(({ holder }) => [holder.offsetLeft, width - holder.offsetLeft - holder.offsetWidth]);
    cells.forEach(({ fault }, place) => {
      const [left, right] = boxes[place];
      const toRight = width - left < 320;
      fault.classList.toggle("is-right", toRight);
      fault.style.marginLeft = toRight ? "0" : `${left}px`;
      fault.style.marginRight = toRight ? `${right}px` : "0";
    });
  }

  // ------------------------------------------------------------------------------------------ rows

  addRow() {
    if (this.rows.length >= this.get("maximum_rows")) return null;
    const row = this.makeRow({});
    this.rows.push(row);
    this.say("");
    this.restructure();
    this.focusFirst(row);
    return row;
  }

  focusFirst(row, id) {
    const wanted = row?.cells.get(id);
    const cell = wanted?.control.target ? wanted : [...(row?.cells.values() ?? [])].find((one) => one.control.target);
    cell?.focus();
    if (cell?.control.target?.select) cell.control.target.select();
  }

  removeRow(row, columnId) {
    if (row.data._fixed || !this.canEdit || !this.get("can_remove")) return;
    const place = this.rows.indexOf(row);
    const wasBlank = this.isBlank(row);
    const name = this.nameOf(row) || `row ${place + 1}`;
    const data = { ...row.data };
    const next = this.rows[place + 1] || this.rows[place - 1];
    this.rows.splice(place, 1);
    if (next) this.focusFirst(next, columnId);
    this.restructure();
    if (!next) this.addButton?.focus();
    if (wasBlank) this.say("");
    else {
      this.say(`Removed “${name}”.`, () => {
        const again = this.makeRow(data);
        this.rows.splice(Math.min(place, this.rows.length), 0, again);
        this.restructure();
        this.focusFirst(again, columnId);
      });
    }
  }

  canPass(row, other) {
    return other && !row.data._fixed && !other.data._fixed && toText(row.data._group) === toText(other.data._group);
  }

  moveRow(row, step) {
    const place = this.rows.indexOf(row);
    const other = this.rows[place + step];
    if (!this.canEdit || !this.get("can_reorder") || !this.canPass(row, other)) return;
    this.rows[place] = other;
    this.rows[place + step] = row;
    this.restructure();
    this.say(`“${this.nameOf(row) || "The row"}” is now number ${place + step + 1} of ${this.rows.length}.`);
  }

  drag(row, event) {
    if (event.button !== 0) return;
    event.preventDefault();
    row.handle.focus();
    row.handle.setPointerCapture(event.pointerId);
    row.tr.classList.add("is-dragged");
    const start = this.rows.indexOf(row);
    let target = start;
    const mark = () => this.rows.forEach((other, place) => {
      other.tr.classList.toggle("is-above", target < start && place === target);
      other.tr.classList.toggle("is-below", target > start && place === target);
    });
    const move = ({ clientY }) => {
      target = start;
      const step = clientY < row.tr.getBoundingClientRect().top ? -1 : 1;
      for (let place = start + step; this.canPass(row, this.rows[place]); place += step) {
        const box = this.rows[place].tr.getBoundingClientRect();
        const middle = (box.top + box.bottom) / 2;
        if (step < 0 ? clientY > middle : clientY < middle) break;
        target = place;
      }
      mark();
    };
    const end = (isDropped) => {
      row.handle.removeEventListener("pointermove", move);
      document.removeEventListener("keydown", cancel, true);
      row.tr.classList.remove("is-dragged");
      const wanted = target;
      target = start;
      mark();
      if (!isDropped || wanted === start) return;
      this.rows.splice(start, 1);
      this.rows.splice(wanted, 0, row);
      this.restructure();
      this.say(`“${this.nameOf(row) || "The row"}” is now number ${wanted + 1} of ${this.rows.length}.`);
    };
    const cancel = (key) => { if (key.key === "Escape") end(false); };
    row.handle.addEventListener("pointermove", move);
    row.handle.addEventListener("pointerup", () => end(true), { once: true });
    row.handle.addEventListener("pointercancel", () => end(false), { once: true });
    document.addEventListener("keydown", cancel, true);
  }

  say(text, undo) {
    this.note.replaceChildren(text);
    this.note.hidden = text === "";
    if (!undo) return;
    const button = make("button", { type: "button", class: "grid-undo" }, "Undo");
    button.addEventListener("click", () => { this.say(""); undo(); });
    this.note.append(" ", button);
  }

  // ------------------------------------------------------------------------------------------ keyboard

  onKey(event) {
    const cell = event.target.closest(".grid-cell")?.gridCell;
    if (!cell || event.isComposing) return;
    const { target } = event;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const isCommand = event.ctrlKey || event.metaKey;
    if (target.tagName === "SELECT" && this.isOpen(cell, event)) return;
    if (step && event.altKey && !isCommand) {
      if (!this.get("can_reorder")) return;
      event.preventDefault();
      this.moveRow(cell.row, step);
    } else if (step && isCommand) {
      event.preventDefault();
      this.go(cell, step);
    } else if (step && !event.shiftKey) {
      if (target.hasAttribute("list")) return; // arrows belong to the suggestions
      if (target.tagName === "TEXTAREA" && target.value && target.clientHeight > 40) this.goUnlessCaretMoves(cell, target, step);
      else {
        event.preventDefault();
        this.go(cell, step);
      }
    } else if (event.key === "Delete" && isCommand) {
      event.preventDefault();
      this.removeRow(cell.row, cell.column.id);
    } else if (event.key === "Enter" && !event.altKey && (cell.column.kind !== "long_text" || isCommand)) {
      if (event.shiftKey) { event.preventDefault(); this.go(cell, -1); return; }
      event.preventDefault();
      if (!this.go(cell, 1) && this.addButton && !this.isBlank(cell.row)) this.addRow();
    }
  }

  // Everything is saved by itself; the browser's own answer would be to save the page.
  onSave(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    this.flush();
  }

  // A list that is unfolded has the keys to itself.
  isOpen(cell, event) {
    let isOpen = Boolean(cell.isOpen);
    try { isOpen = event.target.matches(":open"); } catch { /* older browsers: as remembered */ }
    if (event.key === " " || event.key === "F4") cell.isOpen = true;
    else if (event.key === "Enter" || event.key === "Escape" || event.key === "Tab") cell.isOpen = false;
    return isOpen;
  }

  goUnlessCaretMoves(cell, area, step) {
    const before = area.selectionStart;
    setTimeout(() => {
      if (document.activeElement === area && area.selectionStart === before) this.go(cell, step);
    });
  }

  go(cell, step) {
    let place = this.rows.indexOf(cell.row) + step;
    while (this.rows[place] && !this.rows[place].cells.get(cell.column.id)?.control.target) place += step;
    const next = this.rows[place];
    if (!next) return false;
    this.focusFirst(next, cell.column.id);
    return true;
  }

  // ------------------------------------------------------------------------------------------ paste

  onPaste(event) {
    const cell = event.target.closest(".grid-cell")?.gridCell;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!cell || !/[\t\n\r]/.test(text)) return;
    const block = readBlock(text);
    if (block.length === 1 && block[0].length === 1 && cell.control.target !== event.target) return;
    if (cell.column.kind === "long_text" && !text.includes("\t")) return; // lines of one text
    event.preventDefault();
    if (block.length === 1 && block[0].length === 1 && "setRangeText" in event.target) {
      document.execCommand("insertText", false, cell.control.accept(block[0][0]) ?? "");
      return;
    }
    this.fill(cell, block);
  }

  fill(cell, block) {
    const columns = this.columns.slice(cell.place);
    const names = columns.map((column) => fold(column.label));
    const isHead = block.length > 1 && block[0].every((text, place) => names[place] !== undefined && fold(text) === names[place]);
    const lines = isHead ? block.slice(1) : block;
    const before = this.rows.map((row) => ({ ...row.data }));
    const first = this.rows.indexOf(cell.row);
    const limit = this.addButton ? this.get("maximum_rows") : this.rows.length;
    const misfits = [];
    let filled = 0, missing = 0, tooWide = 0, wasAdded = false;
    lines.forEach((line, down) => {
      if (first + down >= limit) { missing += 1; return; }
      let row = this.rows[first + down];
      if (!row) {
        row = this.makeRow({});
        this.rows.push(row);
        wasAdded = true;
      }
      line.forEach((text, right) => {
        const target = columns[right] && row.cells.get(columns[right].id);
        if (!target) { tooWide += text.trim() === "" ? 0 : 1; return; }
        if (!target.control.target) return;
        const value = target.control.accept(text);
        if (value === null) { misfits.push(text.trim()); return; }
        target.control.show(value);
        row.data[target.column.id] = value;
        row.pending.set(target.column.id, Infinity);
        filled += 1;
      });
    });
    if (wasAdded) this.restructure();
    else {
      this.rows.forEach((row) => this.nameRow(row));
      this.showState();
      this.sendSoon();
    }
    const parts = [`Filled ${plural(filled, "cell", "cells")}.`];
    if (missing) parts.push(`${plural(missing, "row was", "rows were")} left out: ${limit === this.get("maximum_rows") ? `${limit} at most` : "rows can't be added here"}.`);
    if (misfits.length) parts.push(`${plural(misfits.length, "cell was", "cells were")} left as before: “${misfits[0].slice(0, 40)}” isn't among the choices.`);
    if (tooWide) parts.push(`${plural(tooWide, "cell", "cells")} beyond the last column left out.`);
    this.say(parts.join(" "), () => this.restore(before));
  }

  restore(before) {
    this.rows = before.map((data, place) => this.rows[place] || this.makeRow(data));
    this.rows.forEach((row, place) => {
      row.data = { ...before[place] };
      for (const [id, cell] of row.cells) {
        const text = toText(row.data[id]);
        if (text === cell.control.read()) continue;
        cell.control.show(text);
        row.pending.set(id, Infinity);
      }
    });
    this.restructure();
  }

  // ------------------------------------------------------------------------------------------ width and head

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

export default {
  render({ model, el }) {
    const grid = new Grid(model, el);
    return () => grid.close();
  },
};
