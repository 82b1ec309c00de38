// What somebody has typed and Python hasn't confirmed to lie on disk is kept in the browser, so that a page that is cut
// off can be loaded again without losing it. It is kept per person, taken away once confirmed, and never shown from
// here: Python lays it back, as the person's own typing.

const UNSAVED = "revenue-engine:unsaved:";
const PLACE = "revenue-engine:place:";
const PAGE = "revenue-engine:page:";
const AGAIN = 4000; // after that long without a word what was typed is sent once more
const LONGEST_WAIT = 60000;
const ABANDONED = 5000; // a copy that no page has touched for so long belongs to a page that is gone
const WRITE_AFTER = 50;
const MOST_TRIED = 20000; // signs

const isSame = (one, other) => {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && isSame(one[name], other[name]));
};

// A browser may forbid storage; a page then works as it does without.
function attempt(action, otherwise = null) {
  try { return action(); } catch { return otherwise; }
}

// Whether ipywidgets has sent a value, or holds it back, and Python hasn't answered. A grid looks after its own rows.
function isUnderway(target, name) {
  const isSent = target._pending_msgs > 0 && target._expectedEchoMsgIds?.has(name);
  return name !== "rows" && Boolean(isSent || (target._msg_buffer && name in target._msg_buffer));
}

class LocalCopy {
  constructor(model) {
    this.model = model;
    this.id = Math.random().toString(36).slice(2);
    this.controls = new Map(); // question → the models and their values' names
    this.known = new Map(); // question → what lies on disk, as far as this page knows
    this.kept = {}; // question → { base, tried, mine, at }
    this.listening = [];
    this.listen("change:watched", () => this.watch());
    this.listen("change:place", () => this.notePlace());
    this.listen("msg:custom", (content) => this.hear(content));
    this.onHide = () => {
      this.isLeaving = true;
      this.write();
    };
    this.onShow = () => { this.isLeaving = false; };
    window.addEventListener("pagehide", this.onHide);
    window.addEventListener("pageshow", this.onShow);
    this.ticking = setInterval(() => this.tick(), AGAIN);
    this.watch();
    this.comeBack();
  }

  get owner() { return this.model.get("owner"); }
  get key() { return `${UNSAVED}${this.owner}:${this.id}`; }

  listen(event, handler) {
    this.model.on(event, handler);
    this.listening.push([this.model, event, handler]);
  }

  close() {
    this.write();
    clearInterval(this.ticking);
    clearTimeout(this.writing);
    for (const [model, event, handler] of this.listening) model.off(event, handler);
    window.removeEventListener("pagehide", this.onHide);
    window.removeEventListener("pageshow", this.onShow);
  }

  // ------------------------------------------------------------ what is typed

  watch() {
    for (const [field, parts] of Object.entries(this.model.get("watched"))) {
      if (this.controls.has(field)) continue;
      this.controls.set(field, []);
      Promise.all(parts.map(async ([id, name]) => [await this.model.widget_manager.get_model(id), name])).then((found) => {
        this.controls.set(field, found);
        this.known.set(field, this.read(field));
        for (const [target, name] of found) {
          const handler = () => this.note(field, target, name);
          target.on(`change:${name}`, handler);
          this.listening.push([target, `change:${name}`, handler]);
        }
      });
    }
  }

  read(field) { return structuredClone(this.controls.get(field).map(([target, name]) => target.get(name) ?? null)); }

  note(field, target, name) {
    const values = this.read(field);
    if (target._state_lock) { // Python says so, nobody has typed it
      if (!(field in this.kept)) this.known.set(field, values);
      else if (isUnderway(target, name)) this.putBack(field, target, name);
      return;
    }
    const entry = (this.kept[field] ??= { base: this.known.get(field), tried: [] });
    if ("mine" in entry && JSON.stringify(entry.tried).length < MOST_TRIED) entry.tried.push(entry.mine);
    Object.assign(entry, { mine: values, at: Date.now(), wait: AGAIN, isLeft: false });
    if (this.isLeaving) this.write();
    else this.writing ??= setTimeout(() => this.write(), WRITE_AFTER);
  }

  // Python said so before it heard of the last keystroke, which would be gone from under the hands of whoever types.
  putBack(field, target, name) {
    const typed = this.kept[field].mine[this.controls.get(field).findIndex(([one]) => one === target)];
    queueMicrotask(() => {
      if (isSame(target.get(name), typed)) return;
      target.set(name, typed);
      target.save_changes();
    });
  }

  write() {
    clearTimeout(this.writing);
    this.writing = undefined;
    attempt(() => {
      const fields = Object.keys(this.kept);
      if (fields.length) localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), fields: this.kept }));
      else localStorage.removeItem(this.key);
      sessionStorage.setItem(PAGE + this.owner, this.id);
    });
  }

  // ------------------------------------------------------------ what Python says

  hear(content) {
    for (const [field, values] of Object.entries(content?.saved ?? {})) {
      this.known.set(field, values);
      const entry = this.kept[field];
      if (!entry) continue;
      if (isSame(values, entry.mine) || (this.controls.get(field)?.length && isSame(values, this.read(field)))) {
        delete this.kept[field];
        continue;
      }
      const place = entry.tried.findIndex((one) => isSame(one, values));
      entry.base = values;
      entry.tried = entry.tried.slice(place + 1);
    }
    if (content?.saved) this.write();
  }

  // A message that was on its way while the line broke is lost, and a control that waits for its echo sends nothing more.
  tick() {
    this.takeOver();
    const now = Date.now();
    const late = Object.entries(this.kept).filter(([, entry]) => now - entry.at >= entry.wait);
    if (Object.keys(this.kept).length) this.write(); // a page that is there says so
    for (const [, entry] of late) entry.wait = Math.min(2 * entry.wait, LONGEST_WAIT) + now - entry.at;
    this.send("restore", late.filter(([, entry]) => entry.isLeft));
    this.send("again", late.filter(([, entry]) => !entry.isLeft).map(([field, entry]) => [field, { mine: entry.mine }]));
  }

  send(what, entries) {
    if (entries.length) attempt(() => this.model.send({ [what]: Object.fromEntries(entries) }));
  }

  // ------------------------------------------------------------ coming back

  comeBack() {
    attempt(() => {
      this.before = sessionStorage.getItem(PAGE + this.owner);
      const place = sessionStorage.getItem(PLACE + this.owner);
      if (place && place !== this.model.get("place")) this.model.send({ place });
      this.takeOver();
      this.write();
    });
  }

  notePlace() { attempt(() => sessionStorage.setItem(PLACE + this.owner, this.model.get("place"))); }

  // Takes over what a page of this person has left: the one that stood in this tab before, or one that is gone.
  takeOver() {
    const found = attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(`${UNSAVED}${this.owner}:`)), []);
    for (const key of found) {
      const left = key === this.key ? null : attempt(() => JSON.parse(localStorage.getItem(key)));
      if (!left) continue;
      if (!key.endsWith(`:${this.before}`) && Date.now() - left.at < ABANDONED) continue;
      const entries = Object.entries(left.fields ?? {});
      if (entries.some(([field]) => field in this.kept)) continue; // what is typed here comes first
      for (const [field, entry] of entries) this.kept[field] = { ...entry, at: Date.now(), wait: AGAIN, isLeft: true };
      this.write();
      attempt(() => localStorage.removeItem(key));
      this.send("restore", entries);
    }
  }
}

export default {
  render({ model }) {
    const copy = new LocalCopy(model);
    return () => copy.close();
  },
};
