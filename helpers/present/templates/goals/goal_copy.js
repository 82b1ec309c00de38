// What was typed and Python hasn't said to be on disk stays in the browser, so that a page that is cut off or a kernel
// that is killed loses none of it. It is kept per company, taken away once it is saved, and laid back by Python.

const UNSAVED = "revenue-engine:goals:";
const AGAIN = 4000; // after that long without a word what was typed is sent once more
const LONGEST_WAIT = 60000;
const ABANDONED = 5000; // what no page has touched for so long belongs to a page that is gone

// A browser may forbid storage; the page then works as it does without.
function attempt(action, otherwise = null) {
  try { return action(); } catch { return otherwise; }
}

class UnsavedSteps {
  constructor(owner, send) {
    this.owner = owner;
    this.send = send;
    this.id = Math.random().toString(36).slice(2);
    this.steps = []; // { step, at, wait, isLeft }
    this.number = Date.now() * 1000 + Math.floor(Math.random() * 1000);
    this.before = attempt(() => sessionStorage.getItem(`${UNSAVED}${owner}`));
    attempt(() => sessionStorage.setItem(`${UNSAVED}${owner}`, this.id));
    this.onHide = () => this.write();
    window.addEventListener("pagehide", this.onHide);
    this.ticking = setInterval(() => this.tick(), 1000);
    this.takeOver();
  }

  get key() { return `${UNSAVED}${this.owner}:${this.id}`; }

  // Sends a step and keeps it until Python says that it is saved.
  add(step) {
    this.number += 1;
    const numbered = { ...step, number: this.number };
    this.steps.push({ step: numbered, at: Date.now(), wait: AGAIN, isLeft: false });
    this.write();
    attempt(() => this.send(numbered));
    return this.number;
  }

  confirm(numbers) {
    const done = new Set(numbers);
    this.steps = this.steps.filter(({ step }) => !done.has(step.number));
    this.write();
  }

  write() {
    attempt(() => {
      if (this.steps.length) localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), steps: this.steps }));
      else localStorage.removeItem(this.key);
    });
  }

  tick() {
    this.takeOver();
    const now = Date.now();
    if (this.steps.length) this.write(); // a page that is there says so
    for (const entry of this.steps) {
      if (now - entry.at < entry.wait) continue;
      entry.wait = Math.min(2 * entry.wait, LONGEST_WAIT) + now - entry.at;
      attempt(() => this.send({ ...entry.step, isLeft: entry.isLeft }));
    }
  }

  // Takes over what a page has left: the one that stood in this tab before, or one that is gone.
  takeOver() {
    const prefix = `${UNSAVED}${this.owner}:`;
    for (const key of attempt(() => Object.keys(localStorage).filter((one) => one.startsWith(prefix)), [])) {
      const left = key === this.key ? null : attempt(() => JSON.parse(localStorage.getItem(key)));
      if (!left || (!key.endsWith(`:${this.before}`) && Date.now() - left.at < ABANDONED)) continue;
      const steps = (left.steps ?? []).map(({ step }) => ({ step, at: Date.now(), wait: AGAIN, isLeft: true }));
      this.steps.unshift(...steps);
      this.write();
      attempt(() => localStorage.removeItem(key));
      for (const { step } of steps) attempt(() => this.send({ ...step, isLeft: true }));
    }
  }

  close() {
    this.write();
    clearInterval(this.ticking);
    window.removeEventListener("pagehide", this.onHide);
  }
}
