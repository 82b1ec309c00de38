// The explorer: choices above, linked charts below. It shows what it is handed and tells what was asked for.

const PATIENCE = [150, 2000, 45000];

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.number = 0;
    this.panels = [];
    el.classList.add("red", "explorer");
    el.setAttribute("role", "region");
    el.setAttribute("aria-label", "Explorer");
    // JupyterLab would take single letters for its own shortcuts while a chart has the focus.
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    this.build();
    this.showAll();
    this.observer = new ResizeObserver(() => {
      if (Math.abs(this.width() - (this.drawnWidth ?? 0)) > 4) this.showDrawn();
    });
    this.observer.observe(this.drawn);
  }

  get(name) {
    return this.model.get(name) ?? {};
  }

  send = (content) => {
    this.number += 1;
    this.asked = performance.now();
    this.model.send({ ...content, number: this.number });
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.wait(), PATIENCE[0]);
  };

  wait() {
    const passed = performance.now() - this.asked;
    this.el.setAttribute("aria-busy", "true");
    const seconds = Math.floor(passed / 1000);
    if (passed >= PATIENCE[2]) this.busy.textContent = "No answer yet. If this stays, run the notebook's cells again.";
    else this.busy.textContent = passed >= PATIENCE[1] ? `Counting … ${seconds} s` : "";
    this.soon = setTimeout(() => this.wait(), 500);
  }

  rest() {
    clearTimeout(this.soon);
    this.el.removeAttribute("aria-busy");
    this.busy.textContent = "";
  }

  // ---- building ---------------------------------------------------------------------------------------------------

  build() {
    const change = (name) => (value) => this.send({ kind: "change", name, value });
    this.choices = {
      kpi: new Choice("KPI", change("kpi"), "wide"),
      grain: new Choice("Period length", change("grain")),
      end: new Choice("Period", change("end")),
      compare_to: new Choice("Compared with", change("compare_to")),
      basis: new Choice("Definition", change("basis"), "wide"),
      top_n: new Choice("Slices named", (value) => this.send({ kind: "change", name: "top_n", value: Number(value) })),
    };
    const first = make("div", "bar-row");
    first.append(...Object.values(this.choices).map((choice) => choice.root));
    this.days = make("div", "bar-row days");
    this.dayFields = {};
    for (const [name, label] of [["start", "First day"], ["end", "Last day"], ["compare_start", "Compared from"], ["compare_end", "Compared to"]]) {
      const field = make("label", "field");
      const input = make("input");
      input.type = "date";
      input.setAttribute("aria-label", label);
      input.addEventListener("change", () => input.value && this.send({ kind: "change", name, value: input.value }));
      field.append(make("span", "label", label), input);
      this.dayFields[name] = { field, input };
      this.days.append(field);
    }
    const second = make("div", "bar-row");
    this.by = [0, 1, 2, 3].map((place) => {
      const label = place ? `Then by` : "Cut by";
      const choice = new Choice(label, (value) => this.send({ kind: "by", place, value }));
      choice.select.setAttribute("aria-label", `${label} (${place + 1} of 4)`);
      second.append(choice.root);
      return choice;
    });
    this.kinds = make("div", "kinds");
    this.kinds.setAttribute("role", "group");
    this.kinds.setAttribute("aria-label", "Chart");
    this.buildFilters();
    this.notice = make("p", "notice");
    this.notice.setAttribute("role", "status");
    this.busy = make("p", "busy");
    this.busy.setAttribute("role", "status");
    this.buildFinding();
    this.drawn = make("div", "drawn");
    this.grid = make("div", "panels");
    this.other = make("div", "other");
    this.trend = make("section", "chart trend");
    this.trendTitle = make("h4", "", "Over time");
    this.trendPlace = make("div");
    const head = make("div", "chart-head");
    this.trendHint = make("span", "hint");
    head.append(this.trendTitle, this.trendHint);
    this.trend.append(head, this.trendPlace);
    this.grid.append(this.trend);
    this.drawn.append(this.other, this.grid);
    this.fault = make("div", "fault");
    this.sheet = make("section", "sheet");
    this.el.replaceChildren(make("div", "busy-line"), first, this.days, second, this.filters, this.notice, this.finding, this.busy, this.fault, this.drawn, this.actions, this.sheet);
  }

  buildFilters() {
    this.filters = make("div", "filters");
    this.back = button("step", "←", "Back", () => this.send({ kind: "back" }));
    this.forward = button("step", "→", "Forward", () => this.send({ kind: "forward" }));
    this.crumbs = make("nav", "crumbs");
    this.crumbs.setAttribute("aria-label", "What is filtered by");
    this.picker = make("div", "picker");
    this.pickPartition = new Choice("Filter by", (value) => value && this.send({ kind: "values", partition: value }));
    this.pickWay = new Choice("which", () => {});
    this.pickValue = make("input");
    this.pickValue.setAttribute("aria-label", "Value to filter by");
    this.pickValue.placeholder = "Value";
    this.pickList = make("datalist");
    this.pickList.id = `values-${Math.random().toString(36).slice(2)}`;
    this.pickValue.setAttribute("list", this.pickList.id);
    const add = () => {
      const [partition, value] = [this.pickPartition.select.value, this.pickValue.value];
      if (!partition || !value) return;
      this.send({ kind: "filter", partition, value, is_out: this.pickWay.select.value === "out" });
      this.pickValue.value = "";
    };
    this.pickValue.addEventListener("keydown", (event) => event.key === "Enter" && add());
    this.picker.append(this.pickPartition.root, this.pickWay.root, this.pickValue, this.pickList, button("plain", "Add filter", "", add));
    this.filters.append(this.back, this.forward, this.crumbs, this.picker);
  }

  buildFinding() {
    this.finding = make("header", "finding");
    this.big = make("div", "big");
    this.bigValue = make("strong");
    this.bigMore = make("span");
    this.big.append(this.bigValue, this.bigMore);
    const words = make("div", "words");
    this.title = make("h3");
    this.title.setAttribute("aria-live", "polite");
    this.subtitle = make("p", "subtitle");
    words.append(this.title, this.subtitle);
    this.finding.append(words, this.big, this.kinds);
    this.actions = make("div", "actions");
    this.actions.append(
      button("plain", "Records", "Records behind the whole number", () => this.send({ kind: "records", partition: "", value: "" })),
      button("plain", "What if …", "", () => this.send({ kind: "what_if", values: {} })),
      button("plain", "Copy as parameters", "", () => this.send({ kind: "parameters" })),
      button("plain", "Clear all filters", "", () => this.send({ kind: "clear" })),
    );
    this.clear = this.actions.lastChild;
  }

  // ---- showing ----------------------------------------------------------------------------------------------------

  showAll() {
    this.showOffer();
    this.showView();
    this.showSheet();
  }

  showOffer() {
    const offer = this.get("offer");
    const { state } = this.get("view");
    if (!offer.kpis || !state) return;
    this.choices.kpi.show(offer.kpis, state.kpi);
    this.choices.grain.show(offer.grains, state.grain);
    this.choices.end.show(offer.periods, state.end);
    this.choices.compare_to.show(offer.compares, state.compare_to);
    this.choices.basis.show(offer.bases, state.basis);
    this.choices.basis.root.hidden = offer.bases[0].options.length < 2;
    this.choices.top_n.show(offer.tops, String(state.top_n));
    this.by.forEach((choice, place) => {
      choice.show(offer.partitions, state.by[place] ?? "");
      choice.root.classList.toggle("unused", place > state.by.length);
      choice.select.disabled = place > state.by.length;
    });
    this.pickPartition.show(offer.filters, this.pickPartition.select.value || "");
    this.pickWay.show([{ options: [["in", "is"], ["out", "is not"]] }], this.pickWay.select.value || "in");
    const named = { start: state.grain === "custom", end: state.grain === "custom", compare_start: state.compare_to === "custom", compare_end: state.compare_to === "custom" };
    for (const [name, { field, input }] of Object.entries(this.dayFields)) {
      field.hidden = !named[name];
      if (document.activeElement !== input) input.value = state[name];
    }
    this.days.hidden = !Object.values(named).some(Boolean);
    this.kinds.replaceChildren();
    for (const [id, label, reason] of offer.charts) {
      const one = button("kind", label, reason, () => this.send({ kind: "change", name: "chart", value: id }));
      one.setAttribute("aria-pressed", String(id === state.chart));
      one.removeAttribute("aria-label");
      one.disabled = Boolean(reason);
      this.kinds.append(one);
    }
    const values = this.get("values");
    this.pickList.replaceChildren(...(values.values ?? []).map((value) => {
      const option = make("option");
      option.value = value;
      return option;
    }));
  }

  showView() {
    const view = this.get("view");
    if (!view.state) return;
    const isReady = view.status === "ready";
    this.title.textContent = view.title;
    this.subtitle.textContent = view.subtitle;
    this.notice.textContent = view.notice;
    this.notice.hidden = !view.notice;
    this.bigValue.textContent = view.total.text;
    this.bigMore.replaceChildren(make("span", `change ${view.total.tone}`, view.total.change), make("span", "grey total-n", view.total.n));
    this.big.hidden = !isReady;
    this.back.disabled = !view.can_back;
    this.forward.disabled = !view.can_forward;
    this.clear.disabled = !view.chips.length;
    this.showCrumbs(view);
    this.fault.hidden = isReady;
    this.drawn.hidden = !isReady;
    this.fault.className = `fault ${view.status}`;
    if (!isReady) {
      this.fault.replaceChildren(make("h4", "", view.message.title), make("p", "", view.message.text), make("p", "cure", view.message.cure));
      if (view.chips.length) this.fault.append(button("primary", "Remove the filters", "", () => this.send({ kind: "clear" })));
      else if (view.can_back) this.fault.append(button("primary", "Go back", "", () => this.send({ kind: "back" })));
    } else {
      this.showPanels(view.panels);
      this.showDrawn();
    }
  }

  showCrumbs(view) {
    const held = this.crumbs.contains(document.activeElement);
    this.crumbs.replaceChildren(button("crumb", view.crumb, "Show everything", () => this.send({ kind: "clear" })));
    let at = 0;
    for (const chip of view.chips) {
      this.crumbs.append(make("span", "then", "›"));
      const label = chip.text.length > 44 ? `${chip.text.slice(0, 43)}…` : chip.text;
      const number = chip.number;
      const one = make("span", "chip");
      const name = button("crumb", label, `Keep filters up to ${chip.text.slice(0, 200)}`, () => this.send({ kind: "crumb", number }));
      one.append(name, button("away", "×", `Remove ${chip.text.slice(0, 200)}`, () => this.send({ kind: "remove", partition: chip.partition, value: chip.value })));
      this.crumbs.append(one);
      at += 1;
    }
    if (!at) this.crumbs.append(make("span", "grey", view.invitation));
    if (held) this.crumbs.querySelector("button")?.focus({ preventScroll: true });
  }

  showPanels(panels) {
    while (this.panels.length > panels.length) this.panels.pop().root.remove();
    panels.forEach((panel, place) => {
      if (!this.panels[place]) {
        this.panels[place] = new Panel(this.send);
        this.grid.insertBefore(this.panels[place].root, this.trend);
      }
      this.panels[place].show(panel);
    });
  }

  width() {
    return Math.max(Math.floor(this.drawn.clientWidth) - 26, 320);
  }

  // The trend fills what the panels leave of the last row, so that no hole stays.
  placeTrend() {
    const columns = getComputedStyle(this.grid).gridTemplateColumns.split(" ").filter((one) => one !== "0px").length;
    const rest = this.panels.filter((panel) => !panel.isMany).length % columns;
    this.trend.style.setProperty("--span", rest ? columns - rest : columns);
    return Math.max(Math.floor(this.trend.clientWidth) - 26, 300);
  }

  showDrawn() {
    const view = this.get("view");
    if (view.status !== "ready") return;
    this.drawnWidth = this.width();
    this.drawn.classList.toggle("only-trend", view.state.chart === "trend");
    this.trendHint.textContent = view.trend.hint;
    const focus = this.trendPlace.contains(document.activeElement) ? [...this.trendPlace.querySelectorAll("circle")].indexOf(document.activeElement) : -1;
    this.trendPlace.replaceChildren(drawTrend(view.trend, this.placeTrend(), (point) => point.end && this.send({ kind: "change", name: "end", value: point.end })));
    if (focus >= 0) this.trendPlace.querySelectorAll("circle")[focus]?.focus({ preventScroll: true });
    this.other.replaceChildren();
    if (view.table) this.other.append(this.makeChart(view.table.title, view.table.note, drawTable(view.table.heads, view.table.rows, view.table.numbers)));
    if (view.heat) this.other.append(this.makeChart(view.heat.title, view.heat.note, this.makeHeat(view.heat)));
    if (view.funnel) {
      const { title, note, units } = view.funnel;
      this.other.append(this.makeChart(title, note, units ? drawFunnel(view.funnel, this.drawnWidth) : make("p", "grey", "")));
    }
  }

  makeChart(title, note, body) {
    const section = make("section", "chart");
    section.append(make("h4", "", title), body, make("p", "note", note ?? ""));
    return section;
  }

  makeHeat(heat) {
    const table = make("table", "heat");
    const head = make("tr");
    head.append(make("th", "", `${heat.row_label} \\ ${heat.column_label}`));
    for (const { name } of heat.columns) {
      const cell = make("th", "", name);
      cell.scope = "col";
      cell.title = name;
      head.append(cell);
    }
    table.append(head);
    heat.rows.forEach(({ key, name }, row) => {
      const line = make("tr");
      const cell = make("th", "", name);
      cell.scope = "row";
      cell.title = name;
      line.append(cell);
      heat.cells[row].forEach((one, column) => {
        const place = make("td");
        if (one) {
          const hit = button(`heat-cell${one.is_small ? " is_small" : ""}`, "", one.words, () => this.send({ kind: "cell", values: [[heat.row_id, key], [heat.column_id, heat.columns[column].key]] }));
          hit.style.setProperty("--share", `${Math.round(one.share * 62)}%`);
          hit.append(make("b", "", one.text), make("span", "", one.n_text));
          place.append(hit);
        } else place.append(make("span", "none", "–"));
        line.append(place);
      });
      table.append(line);
    });
    return table;
  }

  // ---- what opens below -------------------------------------------------------------------------------------------

  showSheet() {
    const sheet = this.get("sheet");
    const written = JSON.stringify(sheet);
    if (written === this.sheetShown) return;
    this.sheetShown = written;
    this.sheet.hidden = !sheet.kind;
    if (!sheet.kind) {
      this.sheetKind = "";
      this.sheet.replaceChildren();
      return;
    }
    const held = this.sheet.contains(document.activeElement) ? document.activeElement.dataset.name : "";
    const head = make("div", "chart-head");
    const title = make("h4", "", sheet.title);
    title.tabIndex = -1;
    head.append(title, button("step close", "×", "Close", () => this.send({ kind: "close" })));
    this.sheet.replaceChildren(head);
    this.sheet.className = `sheet ${sheet.kind}`;
    if (sheet.kind === "records") this.fillRecords(sheet);
    else if (sheet.kind === "parameters") this.fillParameters(sheet);
    else if (sheet.kind === "what_if") this.fillWhatIf(sheet);
    else this.sheet.append(make("p", "", sheet.text));
    const back = held ? this.sheet.querySelector(`[data-name="${held}"]`) : title;
    if (this.sheetKind !== sheet.kind || held) back?.focus({ preventScroll: Boolean(held) });
    if (this.sheetKind !== sheet.kind) this.sheet.scrollIntoView?.({ block: "nearest" });
    this.sheetKind = sheet.kind;
  }

  fillRecords(sheet) {
    const bar = make("div", "bar-row");
    if (sheet.sides.length > 1)
      for (const [id, label] of sheet.sides) {
        const one = button("kind", label, "", () => this.send({ kind: "records", partition: sheet.partition, value: sheet.value, side: id }));
        one.setAttribute("aria-pressed", String(id === sheet.side));
        bar.append(one);
      }
    if (sheet.rows.length)
      for (const format of ["csv", "xlsx"]) bar.append(button("plain", `Download ${format.toUpperCase()}`, "", () => this.send({ kind: "download", format })));
    this.sheet.append(bar);
    if (sheet.rows.length) this.sheet.append(drawTable(sheet.heads, sheet.rows, sheet.numbers));
    if (sheet.note) this.sheet.append(make("p", "note", sheet.note));
  }

  fillParameters(sheet) {
    for (const [name, label, text] of sheet.forms) {
      const row = make("div", "parameter");
      const area = make("textarea");
      area.readOnly = true;
      area.value = text;
      area.rows = Math.min(text.split("\n").length, 20);
      area.setAttribute("aria-label", label);
      area.dataset.form = name;
      const copy = button("plain", "Copy", `Copy ${label}`, async () => {
        try {
          await navigator.clipboard.writeText(text);
        } catch {
          area.select();
          document.execCommand("copy");
        }
        copy.textContent = "Copied";
      });
      const top = make("div", "chart-head");
      top.append(make("span", "label", label), copy);
      row.append(top, area);
      this.sheet.append(row);
    }
  }

  fillWhatIf(sheet) {
    this.sheet.append(make("p", "note", sheet.text));
    const fields = make("div", "bar-row");
    const read = () => Object.fromEntries([...fields.querySelectorAll("[data-name]")].map((one) => [one.dataset.name, one.value]));
    for (const field of sheet.fields) {
      const holder = make("label", "field slider");
      const isSelect = Boolean(field.options);
      const input = make(isSelect ? "select" : "input");
      if (isSelect)
        for (const [id, text] of field.options) {
          const option = make("option", "", text);
          option.value = id;
          input.append(option);
        }
      else Object.assign(input, { type: "range", min: field.min, max: field.max, step: field.step });
      input.value = field.value;
      input.dataset.name = field.name;
      input.setAttribute("aria-label", field.label);
      const said = make("span", "said", field.said);
      input.addEventListener("change", () => this.send({ kind: "what_if", values: read() }));
      if (!isSelect) input.addEventListener("input", () => { said.textContent = `${Number(input.value) > 0 ? "+" : ""}${input.value} ${field.unit}`; });
      holder.append(make("span", "label", field.label), input, said);
      fields.append(holder);
    }
    this.sheet.append(fields);
    if (sheet.rows?.length) this.sheet.append(drawTable(sheet.heads, sheet.rows, sheet.numbers));
    for (const note of sheet.notes ?? []) this.sheet.append(make("p", "note", note));
  }

  save({ name, type }, data) {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([data], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // One message of Python brings all that changed, so it is shown once, and told when it was painted.
  arrive() {
    this.showAll();
    const { number } = this.get("view");
    if (number >= this.number) this.rest();
    requestAnimationFrame(() => setTimeout(() => {
      this.el.dataset.painted = number;
      this.el.dataset.latency = Math.round(performance.now() - (this.asked ?? performance.now()));
    }));
  }
}

export default {
  render({ model, el }) {
    const view = new Explorer(model, el);
    const arrive = () => view.arrive();
    const take = (content, buffers) => {
      view.rest();
      if (content.kind === "download" && buffers?.length) view.save(content, buffers[0]);
    };
    model.on("change:view", arrive);
    model.on("msg:custom", take);
    return () => {
      clearTimeout(view.soon);
      view.observer.disconnect();
      model.off("change:view", arrive);
      model.off("msg:custom", take);
    };
  },
};
