// What the workshop's pages need beyond ipywidgets: a title for the tab, a rail that says where one is, links that can be
// copied without a secure connection, files that arrive as downloads, and in a notebook the way to run it again.
const set = (element, name, value) => {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
};

function annotate(page) {
  set(page, "data-lm-suppress-shortcuts", "true"); // or a letter typed in JupyterLab would be its shortcut
  page.querySelectorAll(".panel-fold").forEach((button) => {
    set(button, "aria-expanded", String(button.classList.contains("is-open")));
    set(button, "title", null);
  });
  page.querySelectorAll(".panel-tabs button").forEach((button) => {
    set(button, "aria-current", button.classList.contains("is-current") ? "page" : null);
    set(button, "title", null);
  });
  const rail = page.querySelector(".shell-rail");
  if (rail) {
    set(rail, "role", "navigation");
    set(rail, "aria-label", "Parts of the workshop");
    rail.querySelectorAll("button").forEach((button) => {
      set(button, "aria-current", button.classList.contains("is-current") ? "page" : null);
      set(button, "title", null);
    });
  }
  page.querySelectorAll(".shell-link input").forEach((field) => {
    field.readOnly = true;
    field.tabIndex = -1; // the button beside it copies it; it stays unseen, since the page may stand on a projector
  });
  page.querySelectorAll(".widget-upload").forEach((button) => {
    const text = [...button.childNodes].find((node) => node.nodeType === 3 && /\(\d+\)/.test(node.data));
    if (text) text.data = text.data.replace(/\s*\(\d+\)/, ""); // how many files were chosen last says nothing here
  });
  page.querySelectorAll(".shell-button, .shell-copy").forEach((button) => {
    set(button, "title", null);
    const whose = button.closest(".shell-row")?.querySelector(".shell-person b")?.textContent;
    if (whose) set(button, "aria-label", `${button.textContent}: ${whose}`);
  });
}

async function copy(button) {
  const field = button.closest(".shell-row").querySelector(".shell-link input");
  let done = false;
  try {
    await navigator.clipboard.writeText(field.value);
    done = true;
  } catch {
    field.select(); // without https there is no clipboard to write to
    done = document.execCommand("copy");
    button.focus();
  }
  if (!done) return void window.prompt("Copy this link:", field.value);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy link"), 1800);
}

function download(name, kind, bytes) {
  const address = URL.createObjectURL(new Blob([bytes], { type: kind }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

// A browser may forbid storage; a page then begins at its first part.
const PART = `revenue-engine:part:${location.pathname}`;
function remember(model) {
  try {
    const left = sessionStorage.getItem(PART);
    if (left && left !== model.get("part")) model.send({ kind: "return", part: left });
  } catch { return; }
  model.on("change:part", () => sessionStorage.setItem(PART, model.get("part")));
}

const isApp = () => Boolean(document.body.dataset.voila);
const lab = () => window.jupyterapp?.commands;

// JupyterLab would stay at the last cell; what was asked for begins right below the button.
async function rerun() {
  if (isApp()) return location.reload();
  const notebook = window.jupyterapp?.shell.currentWidget?.content;
  const place = notebook?.activeCellIndex;
  await lab()?.execute("notebook:run-all-cells");
  if (place === undefined) return;
  notebook.activeCellIndex = place;
  notebook.scrollToItem?.(place, "start");
}

export default {
  render({ model, el }) {
    el.hidden = true;
    let page = null;
    const stop = new AbortController();
    model.set("can_rerun", isApp() || Boolean(lab()));
    model.save_changes();
    const title = () => (document.title = model.get("title") || document.title);
    title();
    if (model.get("part")) remember(model); // a panel in a notebook has no parts of a page
    model.on("change:title", title);
    model.on("change:moves", () => {
      const heading = page?.querySelector(".shell-main h2");
      window.scrollTo({ top: 0 });
      if (heading) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
      }
    });
    model.on("msg:custom", (message, buffers) => {
      if (message.kind === "download") download(message.name, message.type, buffers[0]);
      if (message.kind === "rerun") rerun();
    });
    const watcher = new MutationObserver(() => annotate(page));
    const begin = () => {
      page = el.closest(".shell");
      if (!page) return void requestAnimationFrame(begin);
      annotate(page);
      watcher.observe(page, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
      const clicked = (event) => {
        const button = event.target.closest(".shell-copy");
        if (button) copy(button);
        if (event.target.closest(".shell-submit")) submit(event.target);
      };
      const pressed = (event) => {
        if (event.key === "Enter" && event.target.matches(".shell-form input")) submit(event.target);
      };
      // what was typed goes with the click: by itself it may arrive later than the click while the kernel is busy
      const submit = (place) => {
        const values = {};
        place.closest(".shell-form").querySelectorAll(".shell-field input").forEach((field) => {
          const name = [...field.closest(".shell-field").classList].find((one) => one.startsWith("fld-"));
          if (name) values[name.slice(4)] = field.value;
        });
        model.send({ kind: "submit", values });
      };
      page.addEventListener("click", clicked, { signal: stop.signal });
      page.addEventListener("keydown", pressed, { capture: true, signal: stop.signal }); // fields keep keys to themselves
    };
    begin();
    return () => {
      stop.abort();
      watcher.disconnect();
    };
  },
};
