// The board: a bone per column, a card per cause. It shows what it is handed and asks for what people want.
//
// What is typed is kept on the page until the form says that it lies in the file, through a reload too; it is sent a
// moment after the last key. What others change is painted around the field in which somebody types.

const MOST_OFFERS = 2;
const PATIENCE = 4000;

class Board {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.pending = new Map(); // place → what was typed and isn't in the file yet
    this.waiting = new Map(); // number of a request → who waits for its answer
    this.number = 0;
    this.openOffers = new Set();
    this.storage = `revenue-engine-board-${model.get("owner")}`;
    el.classList.add("red", "cause-board");
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    const left = this.recall();
    this.drafts = left.drafts ?? {};
    this.build();
    this.listening = [
      ["change:state", () => this.paint()],
      ["msg:custom", (content) => this.hear(content)],
    ];
    for (const [event, handler] of this.listening) model.on(event, handler);
    this.warn = (event) => { if (this.pending.size) this.flush(); };
    window.addEventListener("pagehide", this.warn);
    this.paint();
    for (const one of left.sets ?? []) this.sendSet({ ...one, again: true });
  }

  leave() {
    this.flush();
    for (const [event, handler] of this.listening) this.model.off(event, handler);
    window.removeEventListener("pagehide", this.warn);
    if (this.sheet.dialog.open) this.sheet.dialog.close();
    this.el.replaceChildren();
  }

  // ---- building -------------------------------------------------------------------------------------------------

  build() {
    this.title = make("h2", { class: "title" });
    this.subtitle = make("p", { class: "subtitle" });
    this.lead = make("p", { class: "lead" });
    this.dots = make("p", { class: "my-dots" });
    this.undo = make("button", { type: "button", class: "quiet", onclick: () => this.send("undo") }, "Undo");
    this.refresh = make("button", { type: "button", class: "quiet", onclick: () => this.send("refresh") }, "Refresh");
    this.toast = make("p", { class: "toast", role: "status" });
    this.conflicts = make("div", { class: "board-conflicts" });
    this.columns = make("div", { class: "bone-columns" });
    this.bones = new Kept((id, bone) => this.buildBone(bone));
    this.cards = new Kept((t) => this.buildCard(t));
    this.problem = new ProblemPart(this);
    this.rules = new RulesPart(this);
    this.sheet = new Sheet(this);
    this.el.replaceChildren(
      make("header", { class: "board-head" }, make("div", {}, this.title, this.subtitle, this.lead), make("div", { class: "tools" }, this.dots, this.toast, this.undo, this.refresh)),
      this.conflicts, this.columns, this.problem.node, this.rules.node, this.sheet.dialog,
    );
  }

  buildBone(bone) {
    const title = make("h3", { id: `bone-${(count += 1)}` }, bone.label);
    const amount = make("span", { class: "unit" });
    const offers = make("ul", { class: "offers", "aria-label": `Found in the data: ${bone.label}` });
    const cards = make("ul", { class: "cause-cards", "aria-label": `Causes: ${bone.label}` });
    const box = textBox(2, "Add a cause …");
    box.setAttribute("aria-label", `Add a cause to ${bone.label}`);
    this.keepDraft(box, `add/${bone.id}`);
    const add = () => {
      const text = box.value.trim();
      if (!text) return box.focus();
      return this.send("add", { m: bone.id, text }).then((answer) => {
        if (!answer.error && box.value.trim() === text) this.clearDraft(box);
        box.focus();
      });
    };
    const button = make("button", { type: "button", onclick: add }, "Add");
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      add();
    });
    const node = make("section", { class: "bone", "aria-labelledby": title.id }, make("header", {}, title, amount, make("p", { class: "help" }, bone.help)), cards, make("div", { class: "adding" }, box, button), offers);
    node.addEventListener("dragover", (event) => { if (this.dragged) event.preventDefault(); });
    node.addEventListener("drop", (event) => {
      if (!this.dragged) return;
      event.preventDefault();
      this.move(this.dragged, bone.id);
    });
    return { node, amount, offers, cards, box, button };
  }

  buildCard(t) {
    const text = make("button", { type: "button", class: "card-text", "aria-haspopup": "dialog", onclick: () => this.open(t) });
    const facts = make("p", { class: "card-facts" });
    const votes = make("div", { class: "card-votes" });
    const node = make("li", { class: "cause-card" }, text, facts, votes);
    text.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!event.altKey || !step) return;
      event.preventDefault();
      const card = this.find(t);
      const bones = this.state.bones.map((bone) => bone.id);
      const next = bones[bones.indexOf(card.m) + step];
      if (card.is_mine && next) {
        this.focusCard = t;
        this.move(card, next);
      }
    });
    node.addEventListener("dragstart", (event) => {
      this.dragged = this.find(t);
      event.dataTransfer.setData("text/plain", this.dragged.text);
    });
    node.addEventListener("dragend", () => { this.dragged = null; });
    return { node, text, facts, votes };
  }

  // ---- painting -------------------------------------------------------------------------------------------------

  get state() { return this.model.get("state") ?? {}; }

  find(t) {
    for (const bone of this.state.bones ?? []) for (const card of bone.cards) if (card.t === t) return card;
    return null;
  }

  paint() {
    const { state } = this;
    if (!state.bones) return;
    // What can't be kept as typed stays on the page, so that a reload brings it back with its fault.
    for (const [key, one] of this.pending) if (one.n && one.n <= state.saved && !state.faults[key]) this.pending.delete(key);
    this.remember();
    write(this.title, state.title);
    write(this.subtitle, state.subtitle);
    write(this.lead, state.lead);
    this.lead.hidden = !state.lead;
    const left = state.dots.most - state.dots.used;
    write(this.dots, `${"●".repeat(Math.max(0, left))}${"○".repeat(Math.min(state.dots.used, state.dots.most))} ${left === 1 ? "1 dot" : `${Math.max(0, left)} dots`} left`);
    this.undo.disabled = !state.undo || state.is_disabled;
    this.undo.title = state.undo ? `Take back ${state.undo}` : "Nothing to take back";
    this.paintConflicts(state);
    this.bones.keep(state.bones.map((bone) => bone.id));
    arrange(this.columns, state.bones.map((bone) => this.bones.get(bone.id, bone).node));
    this.cards.keep(state.bones.flatMap((bone) => bone.cards.map((card) => card.t)));
    for (const bone of state.bones) this.paintBone(bone);
    this.problem.paint(state.problem);
    this.rules.paint(state.rules, state.bones.some((bone) => bone.cards.length));
    if (this.sheet.t) {
      const card = this.find(this.sheet.t);
      if (card) this.sheet.paint(card);
      else {
        this.sheet.dialog.close();
        this.tell("The cause isn't on the board any more.");
      }
    }
    if (this.focusCard && this.cards.nodes.get(this.focusCard)) {
      this.cards.nodes.get(this.focusCard).text.focus();
      this.focusCard = "";
    }
  }

  paintBone(bone) {
    const { node, amount, offers, cards, box, button } = this.bones.get(bone.id, bone);
    write(amount, bone.cards.length ? String(bone.cards.length) : "");
    arrange(cards, bone.cards.map((card) => this.paintCard(card)));
    cards.hidden = !bone.cards.length;
    box.disabled = button.disabled = Boolean(this.state.is_disabled);
    const isOpen = this.openOffers.has(bone.id);
    const shown = isOpen ? bone.offers : bone.offers.slice(0, MOST_OFFERS);
    const items = shown.map((offer) => make("li", {}, make("p", { class: "found" }, "Found in the data"), make("p", {}, offer.says), offer.note ? make("p", { class: "unit" }, offer.note) : "",
      make("button", { type: "button", class: "quiet", "aria-label": `Make a cause of: ${offer.says}`, disabled: this.state.is_disabled, onclick: () => this.send("take", { t: offer.t }) }, "Make it a cause")));
    if (bone.offers.length > MOST_OFFERS) {
      const flip = () => { (isOpen ? this.openOffers.delete(bone.id) : this.openOffers.add(bone.id)); this.paintBone(bone); };
      items.push(make("li", { class: "more" }, make("button", { type: "button", class: "quiet", onclick: flip }, isOpen ? "Show fewer" : `Show all ${bone.offers.length}`)));
    }
    const key = JSON.stringify([bone.offers, isOpen, this.state.is_disabled]);
    if (offers.dataset.key !== key) {
      const hadFocus = offers.contains(document.activeElement);
      offers.dataset.key = key;
      offers.replaceChildren(...items);
      if (hadFocus) (offers.querySelector("button") ?? box).focus();
    }
    offers.hidden = !items.length;
    mark(node, "is-empty", !bone.cards.length);
  }

  paintCard(card) {
    const { node, text, facts, votes } = this.cards.get(card.t);
    write(text, card.text);
    for (const [name, isOn] of Object.entries({ "is-opinion": card.is_opinion, "is-out": card.is_out, "is-kept": card.state === "kept" && !card.is_out, "is-earlier": card.is_earlier, "is-mine": card.is_mine })) mark(node, name, isOn);
    node.draggable = card.is_mine && !this.state.is_disabled;
    const proof = card.evidence.length + card.whys.reduce((sum, why) => sum + why.evidence.length, 0);
    const items = [
      card.state === "dropped" ? "dropped" : card.verdict === "rejected" ? "rejected" : card.state === "kept" ? "kept" : "",
      card.verdict === "confirmed" ? "confirmed" : "",
      card.is_opinion ? "opinion" : `${proof} evidence`,
      card.money,
      card.is_earlier ? card.period : "",
      card.comments.length ? `${card.comments.length} said` : "",
      card.author === "You" ? "" : card.author,
    ].filter(Boolean);
    const parts = items.map((word) => make("span", {}, word));
    if (card.is_reopened) parts.push(make("span", { class: "warns" }, "opened again"));
    if (card.faults.length) parts.push(make("span", { class: "warns" }, `▲ ${card.faults.length} to mend`));
    const faulty = this.countFaults(card.t);
    if (faulty) parts.push(make("span", { class: "warns" }, `▲ ${faulty} not kept`));
    facts.replaceChildren(...parts);
    votes.replaceChildren(...this.makeVotes(card, votes));
    return node;
  }

  // The buttons of a card's dots; the one that holds the focus keeps it.
  makeVotes(card, holder) {
    const held = holder.contains(document.activeElement) ? document.activeElement.dataset.step : "";
    const { dots, is_disabled: isDisabled } = this.state;
    const vote = (step) => () => this.send("vote", { t: card.t, dots: card.my_dots + step });
    const button = (step, label, sign, isOff) => make("button", { type: "button", class: "dot", "data-step": step, "aria-label": `${label}: ${card.text}`, "aria-disabled": isOff ? "true" : false, onclick: isOff ? undefined : vote(step) }, sign);
    const less = button(-1, "Take a dot back", "−", isDisabled || !card.my_dots);
    const more = button(1, "Put a dot", "+", isDisabled || dots.used >= dots.most || card.state === "dropped");
    const shown = make("span", { class: "dots", "aria-label": `${card.dots === 1 ? "1 dot" : `${card.dots} dots`}, ${card.my_dots} of them yours`, role: "img" });
    const others = card.dots - card.my_dots;
    shown.append(make("span", { class: "mine" }, "●".repeat(Math.min(card.my_dots, 3))), "●".repeat(Math.min(Math.max(others, 0), 6)), others > 6 ? ` ${card.dots}` : "");
    if (held) requestAnimationFrame(() => (held === "-1" ? less : more).focus({ preventScroll: true }));
    return [less, shown, more];
  }

  paintConflicts(state) {
    const key = JSON.stringify(state.conflicts);
    if (this.conflicts.dataset.key === key) return;
    this.conflicts.dataset.key = key;
    this.conflicts.replaceChildren(...state.conflicts.map((one) => {
      const resolve = (keep) => () => {
        this.pending.delete(one.place);
        this.remember();
        document.activeElement?.blur();
        this.send("resolve", { place: one.place, keep });
      };
      const title = make("p", { role: "alert" }, make("b", {}, one.is_gone ? "Another window of yours removed this" : "Another window of yours changed this too"), `: ${one.label}`);
      const sides = make("div", { class: "sides" }, make("div", {}, make("p", { class: "unit" }, "Mine, in this window"), make("p", {}, one.mine)), make("div", {}, make("p", { class: "unit" }, "The other window"), make("p", {}, one.theirs)));
      const keep = one.is_gone ? "" : make("button", { type: "button", onclick: resolve("mine") }, "Keep mine");
      return make("div", { class: "board-conflict" }, title, sides, make("div", { class: "actions" }, keep, make("button", { type: "button", onclick: resolve("theirs") }, one.is_gone ? "All right" : "Take the other")));
    }));
  }

  open(t) {
    const card = this.find(t);
    if (card) this.sheet.open(card);
  }

  move(card, m) {
    if (!card.is_mine || card.m === m) return;
    this.type({ kind: "cause", t: card.t, key: "m" }, m, card.m);
    this.flush();
  }

  // ---- asking ---------------------------------------------------------------------------------------------------

  next() {
    this.number = Math.max(this.number + 1, Date.now());
    return this.number;
  }

  send(op, data = {}) {
    this.flush();
    const n = this.next();
    return new Promise((tell) => {
      this.waiting.set(n, tell);
      try { this.model.send({ op, n, ...data }); } catch { this.waiting.delete(n); }
    });
  }

  hear(content) {
    if (content?.done === undefined) return;
    if (content.error && !content.place) this.tell(content.error, true);
    else if (content.said) this.tell(content.said);
    this.waiting.get(content.done)?.(content);
    this.waiting.delete(content.done);
    if (content.open) this.openSoon(content.open);
  }

  openSoon(t, tries = 0) {
    if (this.find(t)) this.open(t);
    else if (tries < 100) requestAnimationFrame(() => this.openSoon(t, tries + 1));
  }

  tell(text, isBad = false) {
    write(this.toast, text);
    mark(this.toast, "is-bad", isBad);
    if (this.sheet.dialog.open) write(this.sheet.note, text);
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => write(this.toast, ""), isBad ? 12000 : 5000);
  }

  saySaved() {
    const faulty = this.countFaults(this.sheet.t);
    const waiting = [...this.pending].filter(([key]) => !this.state.faults[key]).map(([, one]) => one.since);
    const oldest = Math.min(...waiting);
    if (!waiting.length && faulty) return `${faulty === 1 ? "1 field" : `${faulty} fields`} not kept as typed`;
    if (!waiting.length) return "Saved";
    return Date.now() - oldest > PATIENCE ? "Not saved yet, kept on this page" : "Saving …";
  }

  countFaults(t) {
    return Object.keys(this.state.faults ?? {}).filter((key) => key.startsWith(`cause/${t}/`)).length;
  }

  // ---- typing ---------------------------------------------------------------------------------------------------

  type(place, value, base) {
    const key = placeKey(place);
    this.pending.set(key, { ...place, value, base: this.pending.get(key)?.base ?? base, n: 0, since: this.pending.get(key)?.since ?? Date.now() });
    this.remember();
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.flush(), PAUSE);
  }

  flush() {
    clearTimeout(this.pause);
    for (const one of this.pending.values()) if (!one.n) this.sendSet(one);
  }

  sendSet(one) {
    const { kind, t, key, value, base, again } = one;
    const n = this.next();
    const since = one.since ?? Date.now();
    this.pending.set(placeKey(one), { kind, t, key, value, base, n, since });
    setTimeout(() => { if (this.sheet.t) write(this.sheet.note, this.saySaved()); }, PATIENCE + 200);
    try { this.model.send({ op: "set", n, kind, t, key, value, base, again }); } catch { /* the page keeps it */ }
  }

  recall() {
    try { return JSON.parse(sessionStorage.getItem(this.storage) ?? "{}"); } catch { return {}; }
  }

  remember() {
    const sets = [...this.pending.values()].map(({ kind, t, key, value, base }) => ({ kind, t, key, value, base }));
    try {
      if (sets.length || Object.keys(this.drafts).length) sessionStorage.setItem(this.storage, JSON.stringify({ sets, drafts: this.drafts }));
      else sessionStorage.removeItem(this.storage);
    } catch { /* a browser that keeps nothing: then only the form does */ }
  }

  // A text that is sent by a button stays on the page until it was, through a reload too.
  keepDraft(box, name) {
    box.value = this.drafts[name] ?? "";
    box.dataset.draft = name;
    box.addEventListener("input", () => {
      if (box.value) this.drafts[name] = box.value;
      else delete this.drafts[name];
      this.remember();
    });
  }

  clearDraft(box) {
    delete this.drafts[box.dataset.draft];
    box.value = "";
    this.remember();
  }
}

export default {
  render({ model, el }) {
    const board = new Board(model, el);
    return () => board.leave();
  },
};
