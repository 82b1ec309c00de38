// A model as a widget's script sees it, without Python: what is saved and sent is written down.
window.models = [];
window.unmount = [];

class FakeModel {
  constructor(state) {
    this.state = structuredClone(state);
    this.dirty = {};
    this.handlers = [];
    this.saved = [];
    this.sent = [];
  }

  get(name) { return this.state[name]; }

  set(name, value) {
    const isSame = JSON.stringify(this.state[name]) === JSON.stringify(value);
    this.state[name] = value;
    if (isSame) return;
    this.dirty[name] = value;
    this.trigger(`change:${name}`, []);
    this.trigger("change", []);
  }

  save_changes() {
    if (Object.keys(this.dirty).length) this.saved.push(structuredClone(this.dirty));
    this.dirty = {};
  }

  send(content) { this.sent.push(structuredClone(content)); }

  on(names, callback) { names.split(" ").forEach((name) => this.handlers.push([name, callback])); }

  off(name, callback) {
    this.handlers = this.handlers.filter(([other, own]) => (name && other !== name) || (callback && own !== callback));
  }

  trigger(name, values) { this.handlers.filter(([other]) => other === name).forEach(([, callback]) => callback(...values)); }

  // Several values at once, as one message of Python brings them: all are there before anybody is told.
  receive(state) {
    const changed = Object.keys(state).filter((name) => JSON.stringify(state[name]) !== JSON.stringify(this.state[name]));
    Object.assign(this.state, structuredClone(state));
    changed.forEach((name) => this.trigger(`change:${name}`, []));
    if (changed.length) this.trigger("change", []);
  }
}

window.mount = async (script, css, state) => {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widget } = await import(address);
  const number = window.models.length;
  const el = document.createElement("div");
  el.id = `widget-${number}`;
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  document.body.append(el);
  const model = new FakeModel(state);
  window.models.push(model);
  await widget.initialize?.({ model });
  window.unmount.push(await widget.render({ model, el }));
  return number;
};
