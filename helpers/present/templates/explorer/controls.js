// Small pieces of the explorer. Texts are only ever set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
}

function draw(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(name, text, label, act) {
  const node = make("button", name, text);
  node.type = "button";
  if (label) {
    node.setAttribute("aria-label", label);
    node.title = label;
  }
  node.addEventListener("click", act);
  return node;
}

// A labelled select whose choices are groups of [id, label, reason]; a choice with a reason can be read, not taken.
class Choice {
  constructor(label, act, name = "") {
    this.root = make("label", `field ${name}`);
    this.select = make("select");
    this.select.setAttribute("aria-label", label);
    this.root.append(make("span", "label", label), this.select);
    this.select.addEventListener("change", () => act(this.select.value));
    this.shown = "";
  }

  show(groups, value) {
    const written = JSON.stringify(groups);
    if (written !== this.shown) {
      this.shown = written;
      this.select.replaceChildren();
      for (const { label, options } of groups) {
        const home = label ? make("optgroup") : this.select;
        if (label) home.label = label;
        for (const [id, text, reason] of options) {
          const option = make("option", "", reason ? `${text} (${reason})` : text);
          option.value = id;
          option.disabled = Boolean(reason);
          home.append(option);
        }
        if (label) this.select.append(home);
      }
    }
    if (this.select.value !== value) this.select.value = value;
    this.root.hidden = !this.select.options.length;
  }
}

// A bar that can be clicked: name, bar with interval and earlier value, value, change, number of records.
class Slice {
  constructor(act, showRecords) {
    this.root = make("div", "slice");
    this.hit = make("button", "hit");
    this.hit.type = "button";
    this.name = make("span", "name");
    this.track = make("span", "track");
    this.bar = make("i", "bar");
    this.range = make("i", "range");
    this.dot = make("i", "dot");
    this.before = make("i", "before");
    this.whole = make("i", "whole");
    this.track.append(this.bar, this.whole, this.range, this.dot, this.before);
    this.value = make("span", "value");
    this.change = make("span", "change");
    this.n = make("span", "n");
    this.hit.append(this.name, this.track, this.value, this.change, this.n);
    this.records = button("records", "", "", () => showRecords(this.row));
    this.records.textContent = "≡";
    this.root.append(this.hit, this.records);
    this.hit.addEventListener("click", (event) => {
      if (!this.row.is_rest) act(this.row, event.shiftKey || event.ctrlKey || event.metaKey);
    });
  }

  show(row) {
    this.row = row;
    const at = (node, share) => {
      node.hidden = share === null || share === undefined;
      if (!node.hidden) node.style.left = `${share * 100}%`;
    };
    this.name.textContent = row.name;
    this.name.title = row.name;
    this.value.textContent = row.value_text;
    this.change.textContent = row.change_text;
    this.change.className = `change ${row.tone}`;
    this.n.textContent = row.n_text;
    this.bar.style.width = `${(row.share ?? 0) * 100}%`;
    at(this.before, row.before);
    at(this.whole, row.whole);
    at(this.range, row.low);
    if (row.low !== null) this.range.style.width = `${(row.high - row.low) * 100}%`;
    at(this.dot, row.low === null ? null : row.share);
    for (const name of ["is_small", "is_chosen", "is_dim", "is_open", "is_rest", "is_named"])
      this.root.classList.toggle(name, Boolean(row[name]));
    this.hit.setAttribute("aria-pressed", String(Boolean(row.is_chosen)));
    this.hit.setAttribute("aria-label", row.words);
    this.hit.title = row.words;
    this.hit.disabled = Boolean(row.is_rest);
    this.records.setAttribute("aria-label", `Records of ${row.name}`);
    this.records.title = `Records of ${row.name}`;
    this.records.disabled = !row.n || row.is_rest;
  }
}

class Panel {
  constructor(send) {
    this.send = send;
    this.root = make("section", "chart");
    this.title = make("h4");
    this.hint = make("span", "hint");
    this.levels = make("span", "levels");
    const head = make("div", "chart-head");
    head.append(this.title, this.hint, this.levels);
    this.list = make("div", "slices");
    this.note = make("p", "note");
    this.root.append(head, this.list, this.note);
    this.slices = new Map();
  }

  show(panel) {
    const { partition } = panel;
    this.root.setAttribute("aria-label", `By ${panel.label}`);
    this.title.textContent = panel.label;
    this.hint.textContent = panel.hint;
    this.note.textContent = panel.note;
    this.note.hidden = !panel.note;
    this.isMany = panel.rows.length > 20;
    this.root.classList.toggle("many", this.isMany);
    this.levels.replaceChildren();
    for (const { id, label, way } of panel.levels)
      this.levels.append(button("level", `${way === "down" ? "↓" : "↑"} ${label}`, `${way === "down" ? "Drill down to" : "Roll up to"} ${label}`, () => this.send({ kind: "level", partition, other: id })));
    const seen = new Set();
    const held = document.activeElement;
    panel.rows.forEach((row, place) => {
      seen.add(row.key);
      if (!this.slices.has(row.key)) {
        const act = (one, isAdded) => this.send({ kind: "toggle", partition: this.partition, value: one.key, add: isAdded });
        this.slices.set(row.key, new Slice(act, (one) => this.send({ kind: "records", partition: this.partition, value: one.key })));
      }
      const slice = this.slices.get(row.key);
      slice.show(row);
      if (this.list.children[place] !== slice.root) this.list.insertBefore(slice.root, this.list.children[place] ?? null);
    });
    this.partition = partition;
    for (const [key, slice] of this.slices)
      if (!seen.has(key)) {
        slice.root.remove();
        this.slices.delete(key);
      }
    if (held && held !== document.activeElement && this.list.contains(held)) held.focus({ preventScroll: true });
  }
}

// ---- charts that are drawn ------------------------------------------------------------------------------------------

function scale(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

function drawTrend(trend, width, act) {
  const height = 190;
  const right = trend.lines.length ? 150 : 70;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": trend.words });
  const all = trend.lines.length ? trend.lines : [{ name: "", points: trend.points, is_named: true }];
  const labels = trend.points.map((point) => point.label);
  const x = scale(0, Math.max(labels.length - 1, 1), 56, width - right);
  const top = trend.ticks[trend.ticks.length - 1].value;
  const y = scale(0, top, height - 30, 14);
  for (const tick of trend.ticks) {
    svg.append(draw("line", { x1: 50, x2: width - right + 6, y1: y(tick.value), y2: y(tick.value), class: "grid" }));
    svg.append(draw("text", { x: 44, y: y(tick.value) + 4, class: "axis end" }, tick.text));
  }
  const every = Math.ceil(labels.length / Math.max(Math.floor((width - right - 56) / 74), 1));
  labels.forEach((label, place) => {
    const isShown = trend.points[place].is_shown;
    const near = Math.abs(labels.length - 1 - place) % every;
    if (near === 0 || isShown) svg.append(draw("text", { x: x(place), y: height - 8, class: `axis middle${isShown ? " shown" : ""}` }, label));
  });
  const ends = [];
  for (const line of all) {
    const there = line.points.map((point) => ({ ...point, place: labels.indexOf(point.label) })).filter((point) => point.value !== null && point.place >= 0);
    if (!there.length) continue;
    const group = draw("g", { class: `line${line.is_named ? " named" : ""}` });
    if (all.length === 1) {
      const band = there.filter((point) => point.low !== null);
      const path = [...band.map((p) => `${x(p.place)},${y(Math.min(p.high, top))}`), ...band.reverse().map((p) => `${x(p.place)},${y(p.low)}`)];
      if (band.length > 1) group.append(draw("polygon", { points: path.join(" "), class: "band" }));
    }
    group.append(draw("polyline", { points: there.map((p) => `${x(p.place)},${y(p.value)}`).join(" "), class: "path" }));
    for (const point of there) {
      const isOne = all.length === 1;
      const dot = draw("circle", { cx: x(point.place), cy: y(point.value), r: point.is_shown ? 5.5 : 4, class: `point${point.is_open ? " open" : ""}${point.is_small ? " small" : ""}${point.is_shown ? " shown" : ""}` });
      dot.append(draw("title", {}, point.words));
      if (isOne) {
        dot.setAttribute("role", "button");
        dot.setAttribute("tabindex", "0");
        dot.setAttribute("aria-label", point.words);
        dot.addEventListener("click", () => act(point));
        dot.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            act(point);
          }
        });
      }
      group.append(dot);
    }
    svg.append(group);
    const last = there[there.length - 1];
    ends.push({ y: y(last.value), at: x(last.place), text: line.name ? `${line.name} ${last.text}` : last.text, line });
  }
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, place) => { end.y = Math.max(end.y, place ? ends[place - 1].y + 14 : 0); });
  for (let place = ends.length - 1; place >= 0; place -= 1)
    ends[place].y = Math.min(ends[place].y, place === ends.length - 1 ? height - 36 : ends[place + 1].y - 14);
  ends.forEach((end) => {
    const text = draw("text", { x: width - right + 12, y: end.y + 4, class: `end-label${end.line.is_named ? " named" : ""}` }, end.text.length > 22 ? `${end.text.slice(0, 21)}…` : end.text);
    text.append(draw("title", {}, end.text));
    svg.append(text);
  });
  return svg;
}

function drawFunnel(plot, width) {
  const height = 300;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": plot.words });
  const x = scale(0, plot.most * 1.05, 56, width - 30);
  const y = scale(0, plot.top, height - 34, 12);
  for (const tick of plot.ticks) {
    svg.append(draw("line", { x1: 56, x2: width - 30, y1: y(tick.value), y2: y(tick.value), class: "grid" }));
    svg.append(draw("text", { x: 48, y: y(tick.value) + 4, class: "axis end" }, tick.text));
  }
  svg.append(draw("line", { x1: 56, x2: width - 30, y1: y(plot.rate), y2: y(plot.rate), class: "mean" }));
  for (const [name, kind] of [["warning_low", "inner"], ["warning_high", "inner"], ["alarm_low", "outer"], ["alarm_high", "outer"]])
    svg.append(draw("polyline", { points: plot.limits.filter((one) => one.n <= plot.most * 1.05).map((one) => `${x(one.n)},${y(Math.min(Math.max(one[name], 0), plot.top))}`).join(" "), class: `limit ${kind}` }));
  for (const unit of plot.units) {
    const dot = draw("circle", { cx: x(unit.n), cy: y(unit.rate), r: 5, class: `unit${unit.is_small ? " small" : ""}${unit.is_named ? ` named ${unit.tone}` : ""}` });
    dot.append(draw("title", {}, unit.words));
    svg.append(dot);
    if (unit.is_named) {
      const isRight = x(unit.n) > width - 160;
      svg.append(draw("text", { x: x(unit.n) + (isRight ? -9 : 9), y: y(unit.rate) + 4, class: `end-label named${isRight ? " end" : ""}` }, unit.name));
    }
  }
  for (const tick of plot.counts) svg.append(draw("text", { x: x(tick.value), y: height - 14, class: "axis middle" }, tick.text));
  svg.append(draw("text", { x: width - 30, y: height - 14, class: "axis end" }, "records"));
  return svg;
}

function drawTable(heads, rows, numbers) {
  const table = make("table", "numbers");
  const top = make("tr");
  heads.forEach((head, place) => {
    const cell = make("th", place >= heads.length - numbers ? "number" : "", head);
    cell.scope = "col";
    top.append(cell);
  });
  const body = make("tbody");
  for (const row of rows) {
    const line = make("tr", row.class ?? "");
    row.cells.forEach((text, place) => {
      const cell = make("td", place >= row.cells.length - numbers ? "number" : "");
      if (row.link && place === 0) {
        const link = make("a", "", text);
        link.href = row.link;
        link.target = "_blank";
        link.rel = "noopener noreferrer";
        cell.append(link);
      } else cell.textContent = text;
      line.append(cell);
    });
    body.append(line);
  }
  const head = make("thead");
  head.append(top);
  table.append(head, body);
  return table;
}
