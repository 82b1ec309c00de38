// What ipywidgets leaves out for people who use a keyboard or a screen reader: fields know their help and their fault,
// choices are one group with arrow keys, a new screen is seen from its top, and JupyterLab's own shortcuts stay off.
let counter = 0;
const named = (element) => (element.id ||= `red-${++counter}`);
const set = (element, name, value) => {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
};

function describe(field) {
  const notes = [...field.querySelectorAll(".red-help, .red-fault")].filter((note) => note.textContent);
  const ids = notes.map(named).join(" ") || null;
  const isFaulty = field.classList.contains("is-faulty");
  const group = field.querySelector(".widget-radio-box") || (field.matches(".is-group") ? field : null);
  if (group) {
    const label = field.querySelector(".red-label") || field.querySelector(".widget-label");
    set(group, "role", group === field ? "group" : "radiogroup");
    if (label) set(group, "aria-labelledby", named(label));
    set(group, "aria-describedby", ids);
    if (group !== field) set(group, "aria-required", field.classList.contains("is-required") ? "true" : null);
    group.querySelectorAll("input[type=radio]").forEach((radio) => set(radio, "name", named(group)));
    return;
  }
  field.querySelectorAll("input, textarea, select").forEach((control) => {
    set(control, "aria-describedby", ids);
    set(control, "aria-invalid", isFaulty ? "true" : null);
    set(control, "aria-required", field.classList.contains("is-required") ? "true" : null);
    if (control.type === "text") {
      set(control, "autocomplete", "off");
      set(control, "inputmode", field.classList.contains("is-number") ? "decimal" : null);
    }
  });
}

function annotate(form) {
  set(form, "data-lm-suppress-shortcuts", "true");
  form.querySelectorAll(".red-field:not(.is-grid)").forEach(describe);
  form.querySelectorAll(".red-tab").forEach((tab) => {
    set(tab, "aria-current", tab.classList.contains("is-current") ? "step" : null);
    set(tab, "title", null);
  });
  form.querySelectorAll(".red-button").forEach((button) => set(button, "title", null));
  const rail = form.querySelector(".red-tabs");
  if (rail) {
    set(rail, "role", "navigation");
    set(rail, "aria-label", "Parts of the survey");
  }
}

function arrive(form, screen, field, tries = 0) {
  const title = form.querySelector(`[data-screen="${CSS.escape(screen)}"]`);
  const place = field ? form.querySelector(`.field-${CSS.escape(field)}`) : title;
  if (!title || !place) {
    if (tries < 200) requestAnimationFrame(() => arrive(form, screen, field, tries + 1));
    return;
  }
  const control = field ? place.querySelector("input, textarea, select, button") || place : title;
  control.focus({ preventScroll: true });
  if (field) place.scrollIntoView({ block: "center" });
  else if (form.getBoundingClientRect().top < 0) form.scrollIntoView({ block: "start" });
}

// ipywidgets holds a text back while Python is busy but sends a click at once: what stands in the fields goes with it.
function collect(form) {
  const held = {};
  form.querySelectorAll(".red-field").forEach((field) => {
    const id = [...field.classList].find((name) => name.startsWith("field-"))?.slice(6);
    const control = field.querySelector("input[type=text], textarea, select");
    const radio = field.querySelector("input[type=radio]:checked");
    if (!id) return;
    if (control?.tagName === "SELECT") held[id] = control.selectedIndex > 0 ? control.selectedOptions[0].textContent : "";
    else held[id] = control ? control.value : radio ? radio.parentElement.textContent : "";
  });
  return held;
}

function render({ model, el }) {
  let form = null;
  let isPlanned = false;
  const observer = new MutationObserver(() => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      annotate(form);
    });
  });
  const move = () => form && arrive(form, model.get("screen"), model.get("field"));
  const begin = () => {
    form = el.closest(".red-form");
    if (!form) return requestAnimationFrame(begin);
    observer.observe(form, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
    annotate(form);
    form.addEventListener("click", submit, true);
    form.addEventListener("keydown", enter);
    if (model.get("moves")) move();
  };
  const submit = (event) => {
    const button = event.target.closest?.(".is-submit");
    if (!button || button.disabled) return;
    event.stopPropagation();
    model.send({ submit: collect(form) });
  };
  const enter = (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input[type=text]")) return;
    form.querySelector(".is-submit")?.click();
  };
  begin();
  model.on("change:moves", move);
  return () => {
    observer.disconnect();
    form?.removeEventListener("click", submit, true);
    form?.removeEventListener("keydown", enter);
    model.off("change:moves", move);
  };
}

export default { render };
