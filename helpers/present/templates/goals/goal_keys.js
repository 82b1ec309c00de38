// Keys, mouse and clipboard as in a spreadsheet.

const OWN = "web application/x-goal-cells+json";
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

class Keys {
  constructor(page, grid) {
    this.page = page;
    this.grid = grid;
    this.edit = null; // { td, input, row, column, wasTyped }
    const { table } = grid;
    table.addEventListener("keydown", (event) => this.key(event));
    table.addEventListener("mousedown", (event) => this.press(event));
    table.addEventListener("mouseover", (event) => this.drag(event));
    table.addEventListener("dblclick", (event) => this.double(event));
    table.addEventListener("click", (event) => this.click(event));
    table.addEventListener("focus", () => this.page.look());
    this.release = () => { this.isDragging = false; };
    this.clip = (event) => this.clipboard(event);
    document.addEventListener("mouseup", this.release);
    for (const name of ["copy", "cut", "paste"]) document.addEventListener(name, this.clip);
  }

  close() {
    document.removeEventListener("mouseup", this.release);
    for (const name of ["copy", "cut", "paste"]) document.removeEventListener(name, this.clip);
  }

  // ---- mouse ------------------------------------------------------------------------------------------------------

  cellOf(event) {
    const td = event.target.closest?.("td.cell");
    return td ? { row: Number(td.dataset.row), column: Number(td.dataset.column) } : null;
  }

  press(event) {
    if (event.target.closest("input")) return;
    const to = this.cellOf(event);
    if (event.button !== 0 || !to) return;
    event.preventDefault();
    if (this.edit) this.commit();
    this.grid.table.focus({ preventScroll: true });
    this.isDragging = true;
    this.grid.go(to, { isRange: event.shiftKey });
  }

  drag(event) {
    const to = this.isDragging && event.buttons === 1 ? this.cellOf(event) : null;
    if (to) this.grid.go(to, { isRange: true, isQuiet: true });
  }

  double(event) {
    const to = this.cellOf(event);
    if (to && !this.edit) this.begin(null);
  }

  click(event) {
    const fold = event.target.closest("button.fold");
    const row = Number(fold?.closest("tr")?.querySelector("td.cell")?.dataset.row);
    if (fold) this.grid.fold(row);
  }

  // ---- keys -------------------------------------------------------------------------------------------------------

  key(event) {
    if (event.isComposing) return;
    if (this.edit) return this.keyInEdit(event);
    const { key } = event;
    const isCommand = event.ctrlKey || event.metaKey;
    const { grid } = this;
    if (!grid.active || event.altKey) return;
    const lower = key.toLowerCase();
    const act = (action) => { event.preventDefault(); event.stopPropagation(); action(); };
    if (key in ARROWS) act(() => this.walk(ARROWS[key], event.shiftKey, isCommand));
    else if (key === "Tab") this.tab(event);
    else if (key === "Escape") this.mayLeave = true;
    else if (key === "Enter") act(() => (event.shiftKey ? grid.go(grid.step(grid.active, -1, 0)) : this.begin(null)));
    else if (key === "F2") act(() => this.begin(null));
    else if (key === "Delete" || key === "Backspace") act(() => this.page.act("clear"));
    else if (key === " " && !isCommand) act(() => this.foldHere());
    else if (key === "Home") act(() => grid.go({ row: isCommand ? grid.lines[0] : grid.active.row, column: grid.shown[0] }, { isRange: event.shiftKey }));
    else if (key === "End") act(() => grid.go(grid.step(isCommand ? { ...grid.active, row: grid.lines.at(-1) } : grid.active, isCommand ? 1e6 : 0, 1e6), { isRange: event.shiftKey }));
    else if (key === "PageDown" || key === "PageUp") act(() => this.walk([(key === "PageDown" ? 1 : -1) * Math.max(Math.floor(grid.frame.clientHeight / ROW) - 2, 1), 0], event.shiftKey));
    else if (isCommand && lower === "z") act(() => this.page.ask({ do: event.shiftKey ? "redo" : "undo" }));
    else if (isCommand && lower === "y") act(() => this.page.ask({ do: "redo" }));
    else if (isCommand && lower === "l") act(() => this.page.toggleLock());
    else if (isCommand && lower === "a") act(() => this.selectAll());
    else if (!isCommand && key.length === 1) act(() => this.begin(key));
    if (key !== "Escape" && key !== "Tab" && key !== "Shift") this.mayLeave = false;
  }

  walk([down, right], isRange, isFar = false) {
    const far = isFar ? 1e6 : 1;
    this.grid.go(this.grid.step(this.grid.active, down * far, right * far), { isRange });
  }

  // Tab walks over the cells that can be set; at the end, and after Escape, it leaves the grid as everywhere else.
  tab(event) {
    const to = this.mayLeave ? null : this.grid.next(this.grid.active, event.shiftKey ? -1 : 1);
    if (!to) return;
    event.preventDefault();
    this.grid.go(to);
  }

  foldHere() {
    const { row } = this.grid.active;
    const { parent } = this.grid.sheet.rows[row];
    this.grid.fold(parent < 0 ? row : parent);
  }

  selectAll() {
    const { grid } = this;
    grid.anchor = { row: grid.lines[0], column: grid.shown[0] };
    grid.go(grid.step({ row: grid.lines.at(-1), column: grid.shown.at(-1) }, 0, 0), { isRange: true });
  }

  // ---- typing -----------------------------------------------------------------------------------------------------

  begin(first) {
    const { grid } = this;
    const { row, column } = grid.active;
    if (!grid.canEdit(row, column)) {
      this.page.speak(grid.sheet.columns[column].kind === "ended" ? "This period is over, its goals can't be changed" : "Nothing can be set here");
      return;
    }
    grid.reveal(grid.active);
    const td = grid.find(row, column);
    const input = make("input");
    input.type = "text";
    input.setAttribute("aria-label", `${td.getAttribute("aria-label")}. Type a goal`);
    input.autocomplete = "off";
    input.value = first ?? this.writeFull(row, column);
    this.edit = { td, input, row, column, wasTyped: first !== null, before: first === null ? input.value : null };
    grid.editing = this.edit;
    td.append(input);
    td.classList.add("editing");
    input.focus({ preventScroll: true });
    if (first === null) input.select();
    else input.setSelectionRange(input.value.length, input.value.length);
    input.addEventListener("blur", () => { if (this.edit?.input === input) this.commit(); });
  }

  // The whole number behind a cell, to be changed: shares with their sign, never with separators.
  writeFull(row, column) {
    const place = this.grid.place(row, column);
    const fault = this.grid.cells.faults?.[place];
    return fault ? fault.text : writeNumber(this.grid.cells.number[place], this.grid.sheet.rows[row].unit);
  }

  keyInEdit(event) {
    const { key } = event;
    event.stopPropagation();
    const move = (down, right) => {
      event.preventDefault();
      const from = { row: this.edit.row, column: this.edit.column };
      this.commit();
      if (right && !down) this.grid.go(this.grid.next(from, right) ?? from);
      else this.grid.go(this.grid.step(from, down, right));
    };
    if (key === "Enter") move(event.shiftKey ? -1 : 1, 0);
    else if (key === "Tab") move(0, event.shiftKey ? -1 : 1);
    else if (key === "Escape") { event.preventDefault(); this.end(); }
    else if (key === "F2") this.edit.wasTyped = !this.edit.wasTyped;
    else if (key in ARROWS && this.edit.wasTyped && !event.shiftKey && !event.ctrlKey) {
      event.preventDefault();
      const [down, right] = ARROWS[key];
      const from = { row: this.edit.row, column: this.edit.column };
      this.commit();
      this.grid.go(this.grid.step(from, down, right));
    }
  }

  commit() {
    const { input, row, column, before } = this.edit;
    const text = input.value;
    this.end();
    if (text !== before) this.page.set([{ row, column, text }]);
  }

  end() {
    const { td, input } = this.edit;
    this.edit = null;
    this.grid.editing = null;
    td.classList.remove("editing");
    const hadFocus = document.activeElement === input;
    input.remove();
    td.shown = "";
    if (hadFocus) this.grid.table.focus({ preventScroll: true });
    this.grid.draw();
  }

  // ---- clipboard --------------------------------------------------------------------------------------------------

  clipboard(event) {
    if (this.edit || document.activeElement !== this.grid.table || !this.grid.active) return;
    event.preventDefault();
    if (event.type === "paste") return this.paste(event.clipboardData);
    this.copy(event.clipboardData);
    if (event.type === "cut") this.page.act("clear");
  }

  copy(data) {
    const { rows, columns } = this.grid.range();
    const texts = rows.map((row) => columns.map((column) => {
      const number = this.grid.cells.number[this.grid.place(row, column)];
      return writeNumber(number, this.grid.sheet.rows[row].unit, { isShort: true });
    }));
    data.setData("text/plain", texts.map((line) => line.join("\t")).join("\n"));
    const exact = rows.map((row) => columns.map((column) => this.writeFull(row, column)));
    data.setData(OWN.slice(4), JSON.stringify(exact));
    this.page.speak(rows.length * columns.length > 1 ? `${rows.length * columns.length} cells copied` : "Copied");
  }

  paste(data) {
    const own = data.getData(OWN.slice(4));
    const plain = data.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
    const block = own ? JSON.parse(own) : plain.split("\n").map((line) => line.split("\t"));
    const { rows, columns } = this.grid.range();
    const lines = this.grid.lines.filter((row) => this.grid.sheet.rows[row].kind !== "heading");
    const isOne = block.length === 1 && block[0].length === 1;
    const cells = [];
    let left = 0;
    if (isOne) {
      for (const { row, column } of this.grid.selected()) cells.push({ row, column, text: block[0][0] });
      left = cells.length ? 0 : 1;
    } else {
      const top = lines.indexOf(rows[0]), start = this.grid.shown.indexOf(columns[0]);
      block.forEach((line, i) => line.forEach((text, j) => {
        const row = lines[top + i], column = this.grid.shown[start + j];
        if (row !== undefined && column !== undefined && this.grid.canEdit(row, column)) cells.push({ row, column, text });
        else if (text.trim()) left += 1;
      }));
      const end = this.grid.step({ row: rows[0], column: columns[0] }, block.length - 1, Math.max(...block.map((line) => line.length)) - 1);
      this.grid.anchor = { row: rows[0], column: columns[0] };
      this.grid.go(end, { isRange: true });
    }
    if (cells.length || left) this.page.set(cells, { what: "pasting", left });
  }
}

// A number as it can be typed again. The short one never has three digits after its sign, which could be read as thousands.
function writeNumber(number, unit, { isShort = false } = {}) {
  if (number === null || number === undefined) return "";
  const value = unit === "share" ? number * 100 : number;
  const digits = isShort ? 2 : value >= 1000 ? 2 : 6;
  const text = String(Number(value.toFixed(digits)));
  return unit === "share" ? `${text} %` : text;
}
