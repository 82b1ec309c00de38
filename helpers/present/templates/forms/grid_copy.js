// What somebody has typed into a form's tables and Python hasn't confirmed to lie on disk is kept in the browser, so that
// a page that is cut off can be loaded again without losing it. It is taken away once confirmed, and never shown from
// here: Python lays it back, over what others have saved meanwhile.

const UNSAVED = "revenue-engine:tables:";
const PLACE = "revenue-engine:tables-place:";
const PAGE = "revenue-engine:tables-page:";
const ABANDONED = 5000; // a copy that no page has touched for so long belongs to a page that is gone
const LOOK = 1000;
const WRITE_AFTER = 50;

// A browser may forbid storage; a page then works as it does without.
function attempt(action, otherwise = null) {
  try { return action(); } catch { return otherwise; }
}

class GridCopy {
  constructor(model) {
    this.model = model;
    this.id = Math.random().toString(36).slice(2);
    this.known = new Map(); // table → its rows as Python knows them
    this.kept = {}; // table → { base, mine, place, number }
    this.grids = new Map();
    this.listening = [];
    this.listen(model, "change:place", () => attempt(() => sessionStorage.setItem(PLACE + this.owner, model.get("place"))));
    this.listen(model, "msg:custom", (content) => this.hear(content));
    this.onHide = () => this.write();
    window.addEventListener("pagehide", this.onHide);
    this.ticking = setInterval(() => this.tick(), LOOK);
    this.watch().then(() => this.comeBack());
  }

  get owner() { return this.model.get("owner"); }
  get key() { return `${UNSAVED}${this.owner}:${this.id}`; }

  listen(target, event, handler) {
    target.on(event, handler);
    this.listening.push([target, event, handler]);
  }

  close() {
    this.write();
    clearInterval(this.ticking);
    clearTimeout(this.writing);
    for (const [target, event, handler] of this.listening) target.off(event, handler);
    window.removeEventListener("pagehide", this.onHide);
  }

  async watch() {
    for (const [name, id] of Object.entries(this.model.get("watched"))) {
      const grid = await this.model.widget_manager.get_model(id);
      this.grids.set(name, grid);
      this.known.set(name, structuredClone(grid.get("rows")));
      this.listen(grid, "change:rows", () => {
        if (grid._state_lock && !(name in this.kept)) this.known.set(name, structuredClone(grid.get("rows")));
      });
      this.listen(grid, "change:edit", () => this.note(name, grid));
    }
  }

  // The rows are there before the number of the edit that changed them.
  note(name, grid) {
    const entry = (this.kept[name] ??= { base: this.known.get(name), place: this.model.get("place") });
    Object.assign(entry, { mine: structuredClone(grid.get("rows")), number: grid.get("edit").number, isLeft: false });
    this.writing ??= setTimeout(() => this.write(), WRITE_AFTER);
  }

  hear(content) {
    for (const [name, number] of Object.entries(content?.saved ?? {})) {
      const entry = this.kept[name];
      if (!entry || (!entry.isLeft && entry.number > number)) continue;
      delete this.kept[name];
      this.known.set(name, structuredClone(this.grids.get(name).get("rows")));
    }
    if (content?.saved) this.write();
  }

  write() {
    clearTimeout(this.writing);
    this.writing = undefined;
    attempt(() => {
      if (Object.keys(this.kept).length) localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), tables: this.kept }));
      else localStorage.removeItem(this.key);
      sessionStorage.setItem(PAGE + this.owner, this.id);
    });
  }

  tick() {
    if (!this.isBack) return;
    if (Object.keys(this.kept).length) this.write(); // a page that is there says so
    this.takeOver();
  }

  comeBack() {
    this.before = attempt(() => sessionStorage.getItem(PAGE + this.owner));
    const place = attempt(() => sessionStorage.getItem(PLACE + this.owner));
    if (place && place !== this.model.get("place")) attempt(() => this.model.send({ place }));
    this.takeOver();
    this.write();
    this.isBack = true;
  }

  // Takes over what a page has left: the one that stood in this tab before, or one that is gone.
  takeOver() {
    const found = attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(`${UNSAVED}${this.owner}:`)), []);
    for (const key of found) {
      const left = key === this.key ? null : attempt(() => JSON.parse(localStorage.getItem(key)));
      if (!left || (!key.endsWith(`:${this.before}`) && Date.now() - left.at < ABANDONED)) continue;
      const tables = Object.entries(left.tables ?? {}).filter(([name]) => this.grids.has(name));
      if (tables.some(([name]) => name in this.kept)) continue; // what is typed here comes first
      for (const [name, entry] of tables) this.kept[name] = { ...entry, isLeft: true };
      this.write();
      attempt(() => localStorage.removeItem(key));
      if (tables.length) attempt(() => this.model.send({ restore: Object.fromEntries(tables) }));
    }
  }
}

export default {
  render({ model }) {
    const copy = new GridCopy(model);
    return () => copy.close();
  },
};
