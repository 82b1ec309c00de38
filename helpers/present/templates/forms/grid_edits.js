// What is typed goes out, what Python changes comes in, and neither undoes the other.

const SEND_AFTER = 40;
const SEND_AGAIN_AFTER = 4000;

class GridEdits extends GridTable {
  // ------------------------------------------------------------ edits go out

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

  // ------------------------------------------------------------ changes come in

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
}
