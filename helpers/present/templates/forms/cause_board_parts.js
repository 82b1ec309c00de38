// The pieces of the board: nodes, fields that keep what is typed, groups of choices. Data reaches the page as text only.

const PAUSE = 350;
let count = 0;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function mark(node, name, isOn) {
  node.classList.toggle(name, Boolean(isOn));
}

// Put nodes in order below a parent; the one in which the focus is never leaves its place, the others move around it.
function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  const held = nodes.findIndex((node) => node.parentNode === parent && node.contains(document.activeElement));
  nodes.forEach((node, at) => {
    if (at === held) return;
    if (held >= 0 && at < held) parent.insertBefore(node, nodes[held]);
  });
  let next = null;
  for (let at = nodes.length - 1; at > held; at -= 1) {
    if (nodes[at].nextSibling !== next || nodes[at].parentNode !== parent) parent.insertBefore(nodes[at], next);
    next = nodes[at];
  }
}

// Keep a node per key, so that what is shown anew stays the same node.
class Kept {
  constructor(makeOne) {
    this.makeOne = makeOne;
    this.nodes = new Map();
  }

  get(key, ...rest) {
    if (!this.nodes.has(key)) this.nodes.set(key, this.makeOne(key, ...rest));
    return this.nodes.get(key);
  }

  keep(keys) {
    const wanted = new Set(keys);
    for (const key of [...this.nodes.keys()]) if (!wanted.has(key)) this.nodes.delete(key);
  }
}

function sayTime(text) {
  const moment = new Date(text);
  if (!text || Number.isNaN(moment.getTime())) return "";
  const day = moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return `${day}, ${moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

// What a list offers: value and word, or a heading and what stands below it.
function makeOption([first, second]) {
  return Array.isArray(second) ? make("optgroup", { label: first }, ...second.map(makeOption)) : make("option", { value: first }, second);
}

function fillOptions(select, options) {
  const key = JSON.stringify(options);
  if (select.dataset.options === key) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(makeOption));
  select.dataset.options = key;
  select.value = chosen;
}

// One field of the file. What somebody types stands; what the file holds is painted where nobody types.
class Field {
  constructor(board, place, { label, help = "", control, isWide = false, unit = "" }) {
    this.board = board;
    this.place = place;
    this.control = control;
    count += 1;
    const id = `board-field-${count}`;
    control.id = id;
    this.fault = make("p", { class: "board-fault", id: `${id}-fault`, role: "alert" });
    this.label = make("label", { for: id }, label);
    if (unit) this.label.append(make("span", { class: "unit" }, ` ${unit}`));
    control.setAttribute("aria-describedby", `${id}-fault`);
    this.node = make("div", { class: `board-field${isWide ? " is-wide" : ""}` }, this.label, control, help ? make("p", { class: "help" }, help) : "", this.fault);
    control.addEventListener("input", () => board.type(this.place, this.read(), this.base));
    control.addEventListener("change", () => board.flush());
    control.addEventListener("blur", () => board.flush());
  }

  read() { return this.control.value; }

  paint(value) {
    const key = placeKey(this.place);
    const state = this.board.state;
    const typed = this.board.pending.get(key)?.value ?? state.typed?.[key];
    const shown = typed ?? value ?? "";
    if (this.control !== document.activeElement || this.control.tagName === "SELECT") {
      if (this.control.value !== shown) this.control.value = shown;
    }
    if (!this.board.pending.has(key)) this.base = value ?? "";
    const fault = state.faults?.[key] ?? "";
    write(this.fault, fault);
    if (fault) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
    this.control.disabled = Boolean(state.is_disabled);
  }
}

function placeKey({ kind, t, key }) {
  return `${kind}/${t}/${key}`;
}

function textBox(rows, placeholder = "") {
  return make("textarea", { rows, placeholder });
}

// A group of choices of which one holds, walked with the arrow keys as radio buttons are.
class Choice {
  constructor({ label, options, choose }) {
    count += 1;
    this.name = `board-choice-${count}`;
    this.inputs = options.map(([value, word]) => {
      const input = make("input", { type: "radio", name: this.name, value, onchange: () => choose(value) });
      return [value, input, make("label", { class: `choice is-${value}` }, input, make("span", {}, word))];
    });
    this.note = make("span", { class: "note" });
    this.node = make("fieldset", { class: "board-choice" }, make("legend", {}, label), ...this.inputs.map(([, , node]) => node), this.note);
  }

  paint(value, note = "", isDisabled = false) {
    for (const [own, input] of this.inputs) {
      input.checked = own === value;
      input.disabled = isDisabled;
    }
    write(this.note, note);
  }
}
