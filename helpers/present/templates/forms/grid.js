// An editable grid: a real table of real inputs.
//
// The view holds rows of its own. What is typed is painted by the browser at once; the model is told 40 ms later, as the
// whole list of rows. What Python sends is patched in cell by cell: the cell that somebody types in, cells that Python
// does not know yet, the focus and the caret stay as they are. Data reaches the page as text only, never as markup.

class Grid extends GridEdits {
  // ------------------------------------------------------------ rows

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
    this.takeBack = undo ? () => { this.say(""); undo(); } : null;
    if (!undo) return;
    const button = make("button", { type: "button", class: "grid-undo" }, "Undo");
    button.addEventListener("click", () => this.takeBack?.());
    this.note.append(" ", button);
  }

  // Ctrl+Z belongs to the text as soon as somebody has typed into it; until then it takes back what the grid has done.
  onUndo(event) {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "z") return;
    const cell = event.target.closest?.(".grid-cell")?.gridCell;
    if (!this.takeBack || cell?.isTyped) return;
    event.preventDefault();
    this.takeBack();
  }

  // ------------------------------------------------------------ keyboard

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

  // ------------------------------------------------------------ paste

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
}

export default {
  render({ model, el }) {
    const grid = new Grid(model, el);
    return () => grid.close();
  },
};
