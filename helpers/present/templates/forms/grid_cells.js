// The grid's cells: one control per kind of column, and small pieces that all of the grid's script uses.
// The four files grid_cells, grid_table, grid_edits and grid are one script, put together in this order.

const LIGHTS = { available: "●", adoption_needed: "◐", unavailable: "○" };
const YES_NO = { yes: "Yes", no: "No", unknown: "?" };
const YES_NO_WORDS = { yes: "yes", y: "yes", true: "yes", "1": "yes", no: "no", n: "no", false: "no", "0": "no", "?": "unknown" };

// ------------------------------------------------------------ small pieces

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

// ------------------------------------------------------------ controls of a cell
// Each control has: root (what stands in the cell), target (what has the focus and the label), show(text),
// read(), accept(text) (the text as the cell would keep it; null where it can't).

function makeText(column, onEdit, { lists }) {
  const isLong = column.kind === "long_text";
  const example = column.example ? `e.g. ${column.example}` : null;
  const shared = { class: "cell-input", dir: "auto", placeholder: example, autocomplete: "off" };
  const clean = (text) => text.replace(/\s*\n\s*/g, " ").trim();
  if (column.kind === "number") {
    const input = make("input", { ...shared, type: "text", inputmode: "decimal", spellcheck: "false", dir: "ltr" });
    input.addEventListener("input", () => onEdit(input.value));
    return { root: input, target: input, read: () => input.value, show: (text) => { input.value = text; }, accept: clean };
  }
  // The sizer behind the input holds the same text, so that the cell grows with it without being measured. Browsers
  // offer suggestions to inputs of one line only: there the sizer is what is seen until somebody types.
  const list = lists[column.id];
  const area = list ? make("input", { ...shared, type: "text", list }) : make("textarea", { ...shared, rows: "1" });
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
    root: make("div", { class: list ? "cell-text has-list" : "cell-text" }, area, sizer), target: area, read: () => area.value,
    show: (text) => { area.value = text; resize(); },
    accept: (text) => (isLong ? text : clean(text)),
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
