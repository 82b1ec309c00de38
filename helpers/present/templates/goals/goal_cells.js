// One cell, one row head: what is drawn for what Python says. Texts are only ever set as text.

const SVG = "http://www.w3.org/2000/svg";
const SIGNS = { reached: "●", close: "≈", missed: "○", goal: "◆", waiting: "✕" };
const WORDS = {
  goal: "goal", locked: "locked", solved: "follows", expected: "carried forward", waiting: "doesn't count yet",
  reached: "reached", close: "close", missed: "missed", past: "", none: "not available",
};
const FLAGS = { late: "too late", reach: "out of reach", clash: "contradicts" };
const CHANCED = new Set(["goal", "locked", "solved", "expected"]);

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function drawLock() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 10 12");
  svg.setAttribute("class", "lock");
  svg.setAttribute("aria-hidden", "true");
  const body = document.createElementNS(SVG, "path");
  body.setAttribute("d", "M1 5.5h8v6H1zM2.8 5.5V3.4a2.2 2.2 0 0 1 4.4 0v2.1");
  body.setAttribute("fill", "none");
  body.setAttribute("stroke", "currentColor");
  body.setAttribute("stroke-width", "1.5");
  svg.append(body);
  return svg;
}

// The history of a row: a line over the last periods, a dot at the latest.
function drawPast(values, words) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 56 18");
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words);
  if (values.length < 2) return svg;
  const low = Math.min(...values), high = Math.max(...values);
  const x = (i) => 3 + (50 * i) / (values.length - 1);
  const y = (value) => (high > low ? 15 - (12 * (value - low)) / (high - low) : 9);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" "));
  const dot = document.createElementNS(SVG, "circle");
  const last = values.length - 1;
  for (const [name, value] of Object.entries({ cx: x(last), cy: y(values[last]), r: 2.4 })) dot.setAttribute(name, value);
  const title = document.createElementNS(SVG, "title");
  title.textContent = words;
  svg.append(title, line, dot);
  return svg;
}

function sayChance(chance) {
  if (chance < 0) return "";
  return chance < 1 ? "< 1 %" : chance > 99 ? "> 99 %" : `${chance} %`;
}

// Everything that a cell shows, gathered so that two of them can be compared.
function readCell(cells, place, pending, words) {
  const fault = cells.faults?.[place];
  const waits = pending !== undefined;
  return {
    text: waits ? pending : fault ? fault.text : cells.text[place],
    state: fault && !waits ? "fault" : cells.state[place],
    flag: waits ? "" : cells.flag[place],
    chance: waits || fault ? -1 : cells.chance[place],
    note: fault && !waits ? fault.message : cells.late?.[place] ?? "",
    expected: words.expected?.[place] ?? "",
    actual: words.actual?.[place] ?? "",
    goal: words.goal?.[place] ?? "",
    isPending: waits,
  };
}

function sayState(cell, kind) {
  if (cell.isPending) return "…";
  if (cell.state === "fault") return "no number";
  if (cell.state === "none") return kind === "ended" && !cell.text ? "not available" : "";
  if (kind === "ended") return cell.flag ? FLAGS[cell.flag] : WORDS[cell.state];
  const chance = CHANCED.has(cell.state) ? sayChance(cell.chance) : "";
  if (cell.flag === "late" || cell.flag === "clash") return FLAGS[cell.flag];
  if (cell.flag === "reach") return `out of reach`;
  if (cell.state === "waiting") return "can't hold";
  if (cell.state === "locked") return chance || WORDS.locked; // beside its lock
  if (cell.state === "goal") return chance ? `${WORDS.goal} · ${chance}` : WORDS.goal;
  return chance;
}

// A cell read aloud, and on hover: value, state, chance, what was expected.
function sayCell(cell, row, column) {
  const said = [];
  if (cell.state === "fault") said.push(`“${cell.text}”`, cell.note);
  else if (column.kind === "ended") {
    said.push(cell.text ? `actual ${cell.text}` : "not available");
    if (WORDS[cell.state]) said.push(WORDS[cell.state]);
  } else {
    said.push(cell.text || "empty", WORDS[cell.state] ?? "");
    if (cell.flag) said.push(FLAGS[cell.flag]);
    if (CHANCED.has(cell.state) && cell.chance >= 0) said.push(`${sayChance(cell.chance)} likely`);
    if (cell.expected) said.push(`expected ${cell.expected}`);
  }
  if (cell.note && cell.state !== "fault") said.push(cell.note);
  return `${row.spoken}, ${column.label}: ${said.filter(Boolean).join(", ")}`;
}

function fillCell(td, cell, row, column) {
  const key = JSON.stringify([cell, row.spoken, column.label, column.kind]);
  if (td.shown === key) return;
  td.shown = key;
  td.className = `cell ${column.kind} ${cell.state} ${cell.flag}${cell.isPending ? " pending" : ""}`;
  const said = sayCell(cell, row, column);
  td.setAttribute("aria-label", said);
  td.title = said;
  td.setAttribute("aria-readonly", String(column.kind === "ended" || cell.state === "none"));
  if (cell.state === "fault" || cell.state === "waiting") td.setAttribute("aria-invalid", "true");
  else td.removeAttribute("aria-invalid");
  const word = make("span", "word");
  const sign = cell.flag === "late" ? "◷" : cell.flag ? "✕" : SIGNS[cell.state];
  if (cell.state === "locked") word.append(drawLock());
  if (sign && (cell.state !== "locked" || cell.flag)) word.append(make("i", "sign", sign));
  word.append(sayState(cell, column.kind));
  const bar = make("span", "chance");
  if (cell.chance >= 1 && CHANCED.has(cell.state)) {
    const part = make("i");
    part.style.width = `${Math.min(cell.chance, 100)}%`;
    bar.append(part);
  }
  td.replaceChildren(make("span", "main", cell.text), word, bar);
}

function fillHead(th, row, isOpen) {
  const key = JSON.stringify([row.label, row.past, isOpen, row.kind, row.hasSlices]);
  if (th.shown === key) return;
  th.shown = key;
  th.className = `head ${row.kind}`;
  th.title = row.kind === "heading" ? row.label : `${row.spoken}. ${row.pastText}`;
  const name = make("span", "name", row.label);
  const parts = [];
  if (row.kind === "kpi") {
    const fold = make("button", "fold", isOpen ? "▾" : "▸");
    fold.type = "button";
    fold.tabIndex = -1;
    fold.hidden = !row.hasSlices;
    fold.setAttribute("aria-expanded", String(isOpen));
    fold.setAttribute("aria-label", `${isOpen ? "Hide" : "Show"} the slices of ${row.label}`);
    parts.push(fold);
  }
  parts.push(name);
  if (row.kind !== "heading") parts.push(drawPast(row.past, row.pastText));
  const line = make("div", "line");
  line.append(...parts);
  th.replaceChildren(line);
}
