// The note that says whether everything is saved, and the banner that says that the connection is lost.
//
// Python answers a ping every two seconds. Counted is the time since the oldest ping without an answer, so that a page
// that slept in the background raises no false alarm when it wakes up. Without an answer the process itself is asked, by
// a way on which it answers while it computes: one that does is only busy.

const EVERY = 2000;
const QUIET = 400; // "Saving…" appears only where saving takes longer than that
const REPLY_WITHIN = 1500;
const BANNER = "revenue-engine-connection";

const WORDS = {
  idle: "",
  saving: "Saving…",
  failed: "Not saved",
  conflict: "Two windows differ",
  offline: "No connection",
};
const SHAPES = { saved: "✓", failed: "▲", conflict: "◆", offline: "▲" };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function toTime(text, withSeconds) {
  const moment = new Date(text);
  if (!/\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(moment.getTime())) return text;
  const digits = (number) => String(number).padStart(2, "0");
  const time = `${digits(moment.getHours())}:${digits(moment.getMinutes())}`;
  return withSeconds ? `${time}:${digits(moment.getSeconds())}` : time;
}

// Over an open sheet nothing else can be seen whole or clicked.
function findTop() {
  return [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
}

class Status {
  constructor(model, el) {
    this.model = model;
    this.shape = make("span", { class: "status-shape", "aria-hidden": "true" });
    this.words = make("span", { class: "status-words", dir: "auto" });
    // Bad news interrupts who listens to the page, good news doesn't.
    this.polite = make("span", { class: "status-spoken", role: "status" });
    this.urgent = make("span", { class: "status-spoken", role: "alert" });
    this.root = make("div", { class: "red save-status" }, this.shape, this.words, this.polite, this.urgent);
    el.append(this.root);
    this.listening = [];
    for (const name of ["state", "text", "at"]) this.listen(`change:${name}`, () => this.showSoon());
    this.warn = (event) => {
      if (this.isLeaving || !["saving", "failed"].includes(this.model.get("state"))) return;
      event.preventDefault();
      event.returnValue = "";
    };
    window.addEventListener("beforeunload", this.warn);
    // JupyterLab takes letters for commands where the focus is on a choice or a button of a form: "dd" would delete the
    // notebook's cell, and the form with it.
    this.keepKeys = ({ target }) => {
      const isForm = target.closest?.(".jp-OutputArea .jupyter-widgets, .jp-OutputArea .red");
      if (isForm && !target.matches("textarea, input:not([type=checkbox], [type=radio], [type=range])")) {
        target.setAttribute("data-lm-suppress-shortcuts", "true");
      }
    };
    document.addEventListener("focusin", this.keepKeys);
    this.follow = () => document.getElementById(BANNER)?.owner === this && findTop().append(document.getElementById(BANNER));
    document.addEventListener("close", this.follow, true);
    this.show();
    this.startBeat();
  }

  listen(event, handler) {
    this.model.on(event, handler);
    this.listening.push([event, handler]);
  }

  close() {
    for (const [event, handler] of this.listening) this.model.off(event, handler);
    window.removeEventListener("beforeunload", this.warn);
    document.removeEventListener("focusin", this.keepKeys);
    document.removeEventListener("close", this.follow, true);
    document.removeEventListener("visibilitychange", this.wake);
    clearInterval(this.ticking);
    clearTimeout(this.alarm);
    clearTimeout(this.waiting);
    this.isClosed = true;
    this.setBanner("");
    this.root.remove();
  }

  // ------------------------------------------------------------------------------------------ the note

  showSoon() {
    clearTimeout(this.waiting);
    if (this.model.get("state") === "saving" && this.shown === "saved") this.waiting = setTimeout(() => this.show(), QUIET);
    else this.show();
  }

  show() {
    const state = this.model.get("state");
    const text = this.model.get("text");
    const at = this.model.get("at");
    let words = WORDS[state] ?? "";
    if (state === "saved") words = at ? `Saved ${toTime(at)}` : "Saved";
    else if (text) words = words ? `${words}: ${text}` : text;
    this.shown = state;
    this.root.dataset.state = state;
    this.shape.textContent = SHAPES[state] ?? "";
    if (this.words.textContent !== words) this.words.textContent = words;
    const isBad = ["failed", "conflict", "offline"].includes(state);
    const spoken = isBad ? this.urgent : this.polite;
    const other = isBad ? this.polite : this.urgent;
    other.textContent = "";
    // "Saving…" isn't read out, and "Saved" only once a minute: the words are the same until then.
    if (state !== "saving" && spoken.textContent !== words) spoken.textContent = words;
  }

  // ------------------------------------------------------------------------------------------ the heartbeat

  startBeat() {
    this.number = 0;
    this.isGone = false;
    this.unanswered = null;
    this.listen("msg:custom", (content) => {
      if (content?.pong === undefined) return;
      clearTimeout(this.alarm);
      this.unanswered = null;
      this.isGone = false;
      this.setBanner("");
    });
    this.listen("comm:close", () => this.lose());
    this.wake = () => { if (document.visibilityState === "visible") this.ping(); };
    document.addEventListener("visibilitychange", this.wake);
    this.ticking = setInterval(() => this.ping(), EVERY);
    this.ping();
  }

  ping() {
    this.number += 1;
    if (this.isGone) this.setBanner("lost"); // another note may have taken its banner along
    else if (this.isBusy) this.judge();
    try {
      this.model.send({ ping: this.number });
    } catch {
      this.lose();
      return;
    }
    if (this.unanswered === null && !this.isGone) {
      this.unanswered = this.number;
      clearTimeout(this.alarm);
      const patience = 1000 * this.model.get("patience") - (this.model.get("process") ? REPLY_WITHIN : 0);
      this.alarm = setTimeout(() => this.judge(), Math.max(0, patience));
    }
  }

  // Nobody has answered: is Python busy, or gone?
  async judge() {
    const asked = this.unanswered;
    const isAlive = this.model.get("process") !== "" && (await this.askProcess());
    if (this.unanswered === null || this.unanswered !== asked || this.isGone || this.isClosed) return;
    if (isAlive) this.setBanner("busy");
    else this.lose();
  }

  askProcess() {
    return new Promise((tell) => {
      setTimeout(() => tell(false), REPLY_WITHIN);
      try {
        const { kernel } = this.model.widget_manager;
        if (kernel.connectionStatus !== "connected") return tell(false);
        const id = `${kernel.clientId}-${Date.now()}-${this.number}`;
        const header = { msg_id: id, msg_type: "kernel_info_request", session: kernel.clientId, username: "", date: new Date().toISOString(), version: "5.3" };
        const message = { header, parent_header: {}, metadata: {}, content: {}, channel: "control", buffers: [] };
        const future = kernel.sendControlMessage(message, true, true);
        future.onReply = (reply) => tell(reply.header.session === this.model.get("process"));
        future.done.catch(() => tell(false));
      } catch { tell(false); }
    });
  }

  lose() {
    this.isGone = true;
    clearTimeout(this.alarm);
    this.setBanner("lost");
  }

  setBanner(kind) {
    this.isBusy = kind === "busy";
    const there = document.getElementById(BANNER);
    if (there?.owner === this && there.dataset.kind !== kind) there.remove();
    else if (there) return void (there.parentElement === findTop() || this.follow());
    if (!kind || document.getElementById(BANNER)) return;
    const banner = make("div", { id: BANNER, class: "red connection-lost", role: kind === "lost" ? "alert" : "status", "data-kind": kind });
    banner.append(...(kind === "lost" ? this.tellLost() : [this.tellBusy()]));
    banner.owner = this;
    findTop().append(banner);
  }

  tellBusy() {
    const kept = this.model.get("is_kept") ? "Go on typing: it is kept, and saved as soon as that is done." : "It takes what you do as soon as that is done.";
    return make("p", { class: "connection-text" }, make("strong", {}, "Still computing."), ` ${kept}`);
  }

  tellLost() {
    const at = this.model.get("at");
    const saved = at ? `Everything up to ${toTime(at, true)} is saved.` : "Nothing has been saved from this page yet.";
    const kept = this.model.get("is_kept") ? " What you have typed since is kept in this browser and saved once you are back." : "";
    const reload = make("button", { type: "button", class: "connection-reload" }, "Reload");
    reload.addEventListener("click", () => {
      this.isLeaving = true;
      window.location.reload();
    });
    return [make("p", { class: "connection-text" }, make("strong", {}, "Connection lost."), ` ${saved}${kept} ${this.model.get("cure")}`), reload];
  }
}

export default {
  render({ model, el }) {
    const status = new Status(model, el);
    return () => status.close();
  },
};
