// The sheet of one cause: everything that is known of it, said about it and done against it.

const HELP = {
  text: "One sentence about the system that could turn out to be wrong; nobody's name.",
  prediction: "What would one see in the numbers if it were true?",
};
const WHY_HINTS = ["Why?", "And why is that?", "Why?", "Why?", "Why? What in the system lets it happen?"];

class Sheet {
  constructor(board) {
    this.board = board;
    this.title = make("h3", { class: "sheet-title", id: `sheet-${(count += 1)}` });
    this.above = make("p", { class: "sheet-above" });
    this.note = make("p", { class: "sheet-saved", role: "status" });
    this.close = make("button", { type: "button", class: "quiet", "aria-label": "Close the sheet", onclick: () => this.dialog.close() }, "Close");
    this.body = make("div", { class: "sheet-body" });
    const head = make("header", {}, make("div", {}, this.above, this.title), this.note, this.close);
    this.dialog = make("dialog", { class: "board-sheet", "aria-labelledby": this.title.id }, head, this.body);
    this.dialog.addEventListener("close", () => {
      board.flush();
      this.t = "";
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close(); // beside the sheet
    });
    this.t = "";
  }

  open(card) {
    this.t = card.t;
    this.build(card);
    this.paint(card);
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    (this.fields.text?.control ?? this.close).focus({ preventScroll: true });
  }

  // ---- building -------------------------------------------------------------------------------------------------

  build(card) {
    const { board } = this;
    this.isMine = card.is_mine;
    this.fields = {};
    this.faults = make("ul", { class: "sheet-faults", "aria-label": "To mend" });
    const decide = (what) => (value) => board.send("decide", { t: card.t, [what]: value });
    this.state = new Choice({ label: "What we do with it", options: [["proposed", "Proposed"], ["kept", "Keep"], ["dropped", "Drop"]], choose: decide("state") });
    this.verdict = new Choice({ label: "What the data says to the prediction", options: [["untested", "Not tested"], ["confirmed", "Confirmed"], ["rejected", "Rejected"]], choose: decide("verdict") });
    this.votes = make("div", { class: "sheet-votes" });
    this.body.replaceChildren(
      this.faults,
      this.section("", ...(card.is_mine ? [this.field(card, "text", "The cause", textBox(2), HELP.text)] : []), this.votes, this.state.node),
      this.section("Is it true?", ...(card.is_mine ? [this.field(card, "prediction", "Prediction", textBox(2), HELP.prediction)] : [this.says("prediction", "Prediction")]), this.verdict.node, this.buildEvidence(card)),
      this.section("Five whys", this.buildWhys(card)),
      this.section("How much", this.buildFacts(card)),
      this.buildActions(card),
      this.section("What others say", this.buildTalk(card)),
      this.buildEnd(card),
    );
  }

  section(title, ...children) {
    return make("section", {}, title ? make("h4", {}, title) : "", ...children);
  }

  field(card, key, label, control, help = "", more = {}) {
    const field = new Field(this.board, { kind: "cause", t: card.t, key }, { label, help, control, isWide: true, ...more });
    this.fields[key] = field;
    return field.node;
  }

  says(key, label) {
    const node = make("p", { class: "said" });
    this.fields[key] = { paint: (value) => write(node, value || "Nothing said yet"), isPlain: true };
    return make("div", { class: "board-field is-wide" }, make("span", { class: "label" }, label), node);
  }

  buildEvidence(card) {
    this.evidence = make("ul", { class: "evidence", "aria-label": "Evidence" });
    if (!card.is_mine) return make("div", {}, make("span", { class: "label" }, "Evidence"), this.evidence);
    this.link = make("select", { "aria-label": "What the data shows" });
    this.target = make("select", { "aria-label": "For what" });
    this.other = make("input", { type: "text", "aria-label": "Evidence from elsewhere", placeholder: "Or where else it can be seen: a report, a call, a list" });
    const add = (data) => this.board.send("link", { t: this.t, why: this.target.value === "" ? null : Number(this.target.value), ...data });
    const button = make("button", { type: "button", onclick: () => {
      const typed = this.other.value.trim();
      if (typed) add({ text: typed }).then(() => { this.other.value = ""; });
      else if (this.link.value) add({ e: this.link.value });
    } }, "Link");
    return make("div", { class: "board-field is-wide" }, make("span", { class: "label" }, "Evidence"), this.evidence, make("div", { class: "linking" }, this.link, this.target, this.other, button));
  }

  buildWhys(card) {
    const most = this.board.state.words.most_whys;
    this.whys = Array.from({ length: most }, (_, at) => {
      const box = textBox(1, WHY_HINTS[at]);
      box.setAttribute("aria-label", `Why ${at + 1}`);
      if (card.is_mine) {
        const place = { kind: "cause", t: card.t, key: "whys" };
        const type = () => this.board.type(place, this.whys.map((one) => one.box.value), this.whysBase);
        box.addEventListener("input", () => { type(); this.showWhys(); });
        box.addEventListener("blur", () => this.board.flush());
      } else {
        box.readOnly = true;
        box.placeholder = "";
      }
      const proof = make("ul", { class: "evidence" });
      return { box, proof, node: make("li", {}, make("span", { class: "number", "aria-hidden": "true" }, String(at + 1)), make("div", {}, box, proof)) };
    });
    this.noWhys = make("p", { class: "empty" }, "Nobody has asked why yet.");
    return make("div", {}, this.noWhys, make("ol", { class: "whys" }, ...this.whys.map((one) => one.node)));
  }

  showWhys() {
    const last = this.whys.findLastIndex((one) => one.box.value.trim());
    this.whys.forEach((one, at) => { one.node.hidden = at > last + (this.isMine ? 1 : 0); });
    this.noWhys.hidden = this.isMine || last >= 0;
  }

  buildFacts(card) {
    if (!card.is_mine) {
      this.facts = make("p", { class: "said" });
      return this.facts;
    }
    const { money } = this.board.state.words;
    const yesNo = make("select", {}, ...[["", "Not said"], ["yes", "Yes"], ["no", "No"]].map(([value, label]) => make("option", { value }, label)));
    const bones = make("select", {}, ...this.board.state.words.bones.map(([value, label]) => make("option", { value }, label)));
    return make("div", { class: "grid" },
      this.field(card, "contribution", "Explains of the gap", make("input", { type: "text", inputmode: "decimal", placeholder: "120k" }), "", { isWide: false, unit: money }),
      this.field(card, "confidence", "Confidence", make("input", { type: "text", inputmode: "decimal", placeholder: "60 %" }), "", { isWide: false }),
      this.field(card, "controllable", "In our hands?", yesNo, "", { isWide: false }),
      this.field(card, "m", "Belongs to", bones, "", { isWide: false }));
  }

  buildActions() {
    this.actionCards = new Kept((_, action) => new ActionCard(this.board, action));
    this.actionLists = {};
    this.actionHint = make("p", { class: "help" }, "Keep the cause, and plan what closes this period's gap and what keeps it from coming back.");
    const parts = this.board.state.words.kinds.map(([kind, label]) => {
      const list = make("div", { class: "actions-of" });
      const add = make("button", { type: "button", onclick: () => this.board.send("action", { t: this.t, kind }).then((answer) => { this.focusAction = answer.focus; this.paintFocus(); }) }, `Add a ${label.toLowerCase()}`);
      const help = kind === "contain" ? "closes this period's gap" : "keeps it from coming back";
      this.actionLists[kind] = { list, add };
      return make("div", { class: "actions-block" }, make("h5", {}, label, make("span", { class: "unit" }, ` ${help}`)), list, add);
    });
    return this.section("What we do", this.actionHint, ...parts);
  }

  buildTalk() {
    this.thread = make("ul", { class: "thread", "aria-label": "Comments" });
    this.comment = textBox(2, "Say it in a sentence");
    this.comment.setAttribute("aria-label", "Your comment");
    this.board.keepDraft(this.comment, `comment/${this.t}`);
    const say = () => {
      const text = this.comment.value.trim();
      if (!text) return this.comment.focus();
      const box = this.comment;
      return this.board.send("comment", { t: this.t, text }).then((answer) => { if (!answer.error) this.board.clearDraft(box); });
    };
    this.comment.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) say();
    });
    return make("div", {}, this.thread, make("div", { class: "saying" }, this.comment, make("button", { type: "button", class: "primary", onclick: say }, "Say it")));
  }

  buildEnd(card) {
    if (!card.is_mine) return make("footer");
    return make("footer", {}, make("button", { type: "button", class: "quiet", onclick: () => this.board.send("remove", { kind: "cause", t: this.t }) }, "Remove this cause"));
  }

  // ---- painting -------------------------------------------------------------------------------------------------

  paint(card) {
    const { state } = this.board;
    if (card.is_mine !== this.isMine) this.build(card);
    const bone = state.words.bones.find(([m]) => m === card.m)?.[1] ?? "";
    write(this.above, [bone, card.author === "You" ? "yours" : card.author, card.period].filter(Boolean).join(" · "));
    write(this.title, card.text);
    write(this.note, this.board.saySaved());
    arrange(this.faults, card.faults.map((fault) => make("li", {}, make("b", {}, fault.what), ` ${fault.cure}`)));
    this.faults.hidden = !card.faults.length;
    for (const key of Object.keys(this.fields)) this.fields[key].paint(card[key]);
    const by = card.decided_by ? `noted by ${card.decided_by === "You" ? "you" : card.decided_by}` : "";
    this.state.paint(card.state, by, state.is_disabled);
    this.verdict.paint(card.verdict, "", state.is_disabled);
    this.votes.replaceChildren(make("span", { class: "label" }, "Dots"), ...this.board.makeVotes(card, this.votes), make("span", { class: "note" }, card.voters.join(", ")));
    this.paintEvidence(card);
    this.paintWhys(card);
    if (this.facts) {
      const hands = { yes: "in our hands", no: "not in our hands" }[card.controllable];
      write(this.facts, [card.money && `explains ${card.money}`, card.confidence && `confidence ${card.confidence}`, hands].filter(Boolean).join(" · ") || "Nothing said yet");
    }
    this.paintActions(card);
    arrange(this.thread, card.comments.map((one) => make("li", {}, make("p", { class: "who" }, make("b", {}, one.author), ` ${sayTime(one.at)}`), make("p", {}, one.text))));
    if (!card.comments.length) this.thread.replaceChildren(make("li", { class: "empty" }, "Nobody has said anything about it yet."));
  }

  paintEvidence(card) {
    const item = (one, why) => make("li", { class: one.is_now ? "" : "is-old" }, make("span", {}, one.says), one.note ? make("span", { class: "unit" }, ` ${one.note}`) : "",
      card.is_mine ? make("button", { type: "button", class: "quiet", "aria-label": `Unlink: ${one.says}`, onclick: () => this.board.send("unlink", { t: card.t, e: one.t, why }) }, "Unlink") : "");
    this.evidence.replaceChildren(...card.evidence.map((one) => item(one, null)));
    if (!card.evidence.length) this.evidence.append(make("li", { class: "empty" }, card.is_opinion ? "None yet: it counts as an opinion." : "Only under the whys."));
    this.whys.forEach((one, at) => one.proof.replaceChildren(...(card.whys[at]?.evidence ?? []).map((proof) => item(proof, at))));
    if (!this.link) return;
    const used = new Set([...card.evidence, ...card.whys.flatMap((why) => why.evidence)].map((one) => one.t));
    const { state } = this.board;
    const free = state.evidence.filter((one) => !used.has(one.t));
    const named = (one) => [one.t, `${one.says}${one.note ? ` (${one.note})` : ""}`];
    const { bones } = state.words;
    const groups = bones.map(([m, label]) => [label, free.filter((one) => one.m === m).map(named)]).filter(([, found]) => found.length);
    groups.push(...free.filter((one) => !bones.some(([m]) => m === one.m)).map(named));
    fillOptions(this.link, [["", free.length ? "What the data shows …" : "The data shows nothing further"], ...groups]);
    fillOptions(this.target, [["", "for the cause"], ...card.whys.map((_, at) => [String(at), `for why ${at + 1}`])]);
    if (!this.target.value) this.target.value = "";
    if (!this.link.value) this.link.value = "";
    this.target.hidden = !card.whys.length;
  }

  paintWhys(card) {
    const key = placeKey({ kind: "cause", t: card.t, key: "whys" });
    const typed = this.board.pending.get(key)?.value;
    if (!typed) this.whysBase = card.whys.map((why) => why.text);
    this.whys.forEach(({ box }, at) => {
      const shown = typed ? typed[at] ?? "" : card.whys[at]?.text ?? "";
      if (box !== document.activeElement && box.value !== shown) box.value = shown;
      box.disabled = Boolean(this.board.state.is_disabled);
    });
    this.showWhys();
  }

  paintActions(card) {
    const isOpen = card.state === "kept" || card.actions.length > 0;
    this.actionHint.hidden = isOpen;
    this.actionCards.keep(card.actions.map((one) => one.t));
    for (const [kind, { list, add }] of Object.entries(this.actionLists)) {
      const cards = card.actions.filter((one) => one.kind === kind).map((one) => {
        const node = this.actionCards.get(one.t, one);
        node.paint(one);
        return node.node;
      });
      arrange(list, cards);
      list.parentNode.hidden = !isOpen;
      add.disabled = Boolean(this.board.state.is_disabled);
    }
    this.paintFocus();
  }

  paintFocus() {
    const card = this.focusAction && this.actionCards.nodes.get(this.focusAction);
    if (!card) return;
    this.focusAction = "";
    card.fields.text?.control.focus();
  }
}

// One action: its author's to edit, everybody's to read.
class ActionCard {
  constructor(board, action) {
    this.board = board;
    this.isMine = action.is_mine;
    this.fields = {};
    const say = board.state.words;
    const place = (key) => ({ kind: "action", t: action.t, key });
    const add = (key, label, control, more = {}) => {
      this.fields[key] = new Field(board, place(key), { label, control, ...more });
      return this.fields[key].node;
    };
    const choose = (options) => make("select", {}, ...options.map(makeOption));
    const list = (options) => {
      const id = `board-list-${(count += 1)}`;
      this.lists = [...(this.lists ?? []), make("datalist", { id }, ...options.map((value) => make("option", { value })))];
      return id;
    };
    this.ownerHint = make("p", { class: "help", id: `owner-hint-${(count += 1)}` });
    this.checks = make("ul", { class: "checks" });
    this.now = make("p", { class: "effect-now" });
    if (!action.is_mine) {
      this.plain = make("p", { class: "said" });
      this.who = make("p", { class: "note" });
      this.node = make("article", { class: "action-card" }, this.plain, this.who, this.checks, this.now);
      return;
    }
    const kpis = [["", "Choose a KPI"], ...say.kpis];
    const owner = make("input", { type: "text", list: list(say.people), autocomplete: "off" });
    this.node = make("article", { class: "action-card grid" },
      add("text", "What is done", textBox(2), { isWide: true }),
      add("owner", "Owner", owner),
      add("due", "Due", make("input", { type: "text", placeholder: "15 Nov 2026" })),
      add("kpi", "KPI that will show it", choose(kpis), { isWide: true }),
      add("expected_from", "From", make("input", { type: "text", inputmode: "decimal" })),
      add("expected_to", "To", make("input", { type: "text", inputmode: "decimal" })),
      make("details", {}, make("summary", {}, "Start, effort, slice, guard, what is paused"), make("div", { class: "grid" },
        add("start", "Start", make("input", { type: "text", placeholder: "1 Nov 2026" })),
        add("effort", "Effort", make("input", { type: "text", inputmode: "decimal" }), { unit: "person-days" }),
        add("slice", "Slice", make("input", { type: "text", list: list(say.slices), placeholder: "whole company", autocomplete: "off" })),
        add("guard", "Must not get worse", choose([["", "Nothing named"], ...say.kpis])),
        add("pauses", "What is paused for it", make("input", { type: "text" }), { isWide: true }))),
      add("state", "State", choose(say.action_states)),
      add("done_on", "Done on", make("input", { type: "text", placeholder: "12 Nov 2026" })),
      make("button", { type: "button", class: "quiet", onclick: () => board.send("remove", { kind: "action", t: action.t }) }, "Remove"),
      this.checks, this.now, ...(this.lists ?? []));
    owner.after(this.ownerHint);
    owner.setAttribute("aria-describedby", `${owner.getAttribute("aria-describedby")} ${this.ownerHint.id}`);
  }

  paint(action) {
    for (const key of Object.keys(this.fields)) this.fields[key].paint(action[key]);
    if (this.plain) {
      write(this.plain, action.text || "Nothing written yet");
      const facts = [action.owner || "no owner", action.due ? `due ${action.due}` : "no date", action.done_on && `done on ${action.done_on}`, action.effect, this.board.state.words.action_states.find(([id]) => id === action.state)?.[1]];
      write(this.who, `${facts.filter(Boolean).join(" · ")} · written by ${action.author}`);
    }
    const { owner_hint: hint, people } = this.board.state.words;
    write(this.ownerHint, hint);
    this.ownerHint.hidden = !hint;
    this.lists?.[0].replaceChildren(...people.map((value) => make("option", { value })));
    this.checks.replaceChildren(...action.checks.map((text) => make("li", {}, text)));
    this.checks.hidden = !action.checks.length;
    const keep = () => this.board.send("check", { t: action.t });
    this.now.replaceChildren(...(action.effect_now ? [make("b", {}, "The data by now "), `${action.effect_now} `, make("button", { type: "button", class: "quiet", onclick: keep }, "Keep this check")] : []));
    this.now.hidden = !action.effect_now;
  }
}
