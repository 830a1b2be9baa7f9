/** The form that starts jobs: files that are uploaded, or a source that is fetched from. */

import { base, call, show } from "./api.js";
import { options, source, sourceCommand, uploadCommand } from "./curl.js";
import { fileList } from "./files.js";
import { looking } from "./look.js";
import { DATASET, datasets, suggestion } from "./names.js";

const PAUSE_MS = 400;

export function newJob(form) {
  const box = document.getElementById("form-error");
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("submit"));
  const look = looking(form);
  let lookedAt = null;
  const files = fileList(form, {
    onChange: refresh,
    onLook(file) {
      lookedAt = file;
      lookAgain();
    },
  });

  /** Looks at the file at hand: at its beginning, or at all of it where it was sent for that. */
  function lookAgain() {
    const held = files.held(lookedAt);
    if (held) look.upload(lookedAt, held, reading());
    else look.file(lookedAt, reading());
  }

  form.querySelector("[data-look-result]").addEventListener("click", async ({ target }) => {
    if (!target.matches("[data-send-first]")) return;
    const file = lookedAt;
    target.disabled = true;
    box.hidden = true;
    try {
      if ((await files.hold(file)) && file === lookedAt) lookAgain();
      else target.disabled = false;
    } catch (error) {
      show(box, error);
      target.disabled = false;
    }
  });

  const given = () => {
    const found = Object.fromEntries(new FormData(form));
    return { ...found, force: form.elements.force.checked };
  };
  const kind = () => form.elements.kind.value;
  /** What is said about how the file is read; what it must hold is compared when it is loaded. */
  const reading = () => ({ ...options(given()), control_totals: undefined });

  /** Shows what the form stands at: its parts, its button, the same by curl. */
  function refresh() {
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind());
    const { items } = files;
    const isUpload = kind() === "upload";
    const ready = isUpload ? items.length > 0 : form.elements.dataset.value.trim() !== "";
    button.disabled = !ready;
    form.elements.control_totals.disabled = isUpload && items.length > 1;
    form.querySelector("[data-one-file]").hidden = !form.elements.control_totals.disabled;
    button.textContent = isUpload && items.length > 1 ? `Load ${items.length} files` : "Load";
    form.querySelector("[data-summary]").textContent = summary(isUpload, items);
    command(isUpload, items);
  }

  function summary(isUpload, items) {
    if (!isUpload) return form.elements.dataset.value.trim() ? `Into ${form.elements.dataset.value.trim()}.` : "Name a dataset first.";
    if (!items.length) return "Choose a file first.";
    const into = new Set(items.map((item) => item.dataset));
    return `Into ${[...into].join(", ")}.`;
  }

  function command(isUpload, items) {
    const root = new URL(base.replace(/app\/$/, ""), window.location.origin).href;
    const chosen = options(given());
    const first = items[0];
    form.querySelector("[data-curl] pre").textContent = isUpload
      ? uploadCommand(root, { dataset: first?.dataset ?? "my_dataset", filename: first?.file.name ?? "FILE", chosen })
      : sourceCommand(root, { dataset: form.elements.dataset.value.trim() || "my_dataset", spec: source(kind(), given()), chosen });
  }

  async function start() {
    if (kind() === "upload") {
      await files.send(options(given()));
      return;
    }
    const dataset = form.elements.dataset;
    if (!DATASET.test(dataset.value.trim())) {
      dataset.setAttribute("aria-invalid", "true");
      dataset.focus();
      throw new Error("The dataset's name must begin with a lower-case letter and have letters, digits and underscores.");
    }
    const json = { dataset: dataset.value.trim(), source: source(kind(), given()), options: options(given()) };
    const job = await call("ingest", { json });
    window.location.assign(`${base}jobs/${job.job_id}`);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    box.hidden = true;
    button.disabled = true;
    try {
      await start();
    } catch (error) {
      show(box, error);
      if (!document.activeElement?.matches("[aria-invalid=true]")) box.focus();
    }
    button.disabled = false;
  });

  form.addEventListener("change", (event) => {
    if (event.target.name === "kind") {
      look.clear();
      form.querySelector("[data-tested]").replaceChildren();
      if (kind() === "upload" && lookedAt && files.items.length) lookAgain();
    }
    refresh();
  });
  form.addEventListener("input", refresh);
  let named = false; // by the person, so that no suggestion takes it away
  form.elements.dataset.addEventListener("input", ({ target }) => (named = target.value !== ""));
  for (const name of ["http_url", "ftp_url", "connection_path"]) {
    form.elements[name]?.addEventListener("change", ({ target }) => {
      const file = target.value.split(/[?#]/)[0].split("/").pop();
      if (file && !named) form.elements.dataset.value = suggestion(file, datasets(form));
      refresh();
    });
  }

  let timer;
  form.querySelector("[data-options]").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => lookedAt && kind() === "upload" && lookAgain(), PAUSE_MS);
  });
  form.querySelector("[data-look-source]").addEventListener("click", () => look.source(source(kind(), given()), reading()));
  form.querySelector("[data-test]").addEventListener("click", ({ target }) => test(form, target, source(kind(), given())));
  refresh();
  files.takeEarly();
}

/** Tries a source and says what it sees, or what keeps it from seeing anything. */
async function test(form, button, spec) {
  const box = form.querySelector("[data-tested]");
  button.disabled = true;
  box.className = "muted busy";
  box.textContent = "Connecting …";
  try {
    const { seen } = await call("sources/test", { json: { source: spec } });
    box.className = "notice";
    box.textContent = seen.length ? `It works. It sees: ${seen.join("; ")}` : "It works, but sees no file.";
  } catch (error) {
    box.className = "problem";
    show(box, error);
  }
  button.disabled = false;
}
