/** Saved sources: tried from their list; written and removed on their own page. */

import { base, call, show } from "./api.js";

/** Lets every "Test" button below a part try its connection, and says what came of it. */
export function testing(part) {
  const box = part.querySelector("[data-tested]");
  part.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-test]");
    if (!button) return;
    const { test: name } = button.dataset;
    button.disabled = true;
    box.hidden = false;
    box.className = "muted busy mb-3";
    box.textContent = `Connecting to ${name} …`;
    try {
      const { seen } = await call(`connections/${name}/test`, { method: "POST" });
      box.className = "notice mb-3 break-words";
      box.textContent = seen.length ? `${name} works. It sees: ${seen.join("; ")}` : `${name} works, but sees no file.`;
    } catch (error) {
      box.className = "problem mb-3 break-words";
      show(box, error);
    }
    button.disabled = false;
    button.focus();
  });
}

/**
 * The source that a form's texts stand for. What is left empty is left out; a secret that is left out stays.
 * @param {Record<string, string>} given
 */
export function spec(given) {
  const text = (name) => (given[name] ?? "").trim();
  const rest = text("rest") ? JSON.parse(text("rest")) : {};
  if (typeof rest !== "object" || Array.isArray(rest) || rest === null) throw new SyntaxError("no object");
  const filled = (/** @type {string[]} */ names) => Object.fromEntries(names.filter(text).map((name) => [name, text(name)]));
  const port = text("port") ? { port: /^\d+$/.test(text("port")) ? Number(text("port")) : text("port") } : {};
  const password = given.password ? { password: given.password } : {};
  switch (given.kind) {
    case "http": {
      const auth = text("username") || given.password ? { auth: { username: text("username"), password: given.password ?? "" } } : {};
      return { type: "http", url: text("url"), ...auth, ...rest };
    }
    case "tcp":
      return { type: "tcp", ...filled(["host"]), ...port, ...(given.tcp_tls ? { tls: true } : {}), ...rest };
    case "sftp":
      return { type: "ftp", protocol: "sftp", ...filled(["host", "username", "host_key", "path"]), ...port, ...password, ...rest };
    default:
      return { type: "ftp", ...filled(["host", "tls", "username", "path"]), ...port, ...password, ...rest };
  }
}

/** The form of one connection. @param {HTMLFormElement} form */
export function connectionForm(form) {
  const box = document.getElementById("form-error");
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("submit"));
  const { saved } = form.dataset;
  const given = () => /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));

  function refresh() {
    const { kind } = given();
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-for]"))) {
      part.hidden = !part.dataset.for.split(" ").includes(kind);
    }
  }

  async function save() {
    let source;
    try {
      source = spec(given());
    } catch {
      throw new Error('What is under "More" is no JSON object. Write it as {"pattern": "orders*.csv"}.');
    }
    const name = saved ?? given().name.trim();
    await call(saved ? `connections/${saved}` : "connections", saved ? { method: "PUT", json: { source } } : { json: { name, source } });
    window.location.assign(`${base}connections/${encodeURIComponent(name)}`);
  }

  form.addEventListener("change", refresh);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    box.hidden = true;
    button.disabled = true;
    try {
      await save();
    } catch (error) {
      show(box, error);
      box.focus();
    }
    button.disabled = false;
  });
  testing(form);
  refresh();
  button.disabled = false; // without this script the browser would put what was typed into the address
  removing(form, /** @type {HTMLDialogElement | null} */ (document.getElementById("remove")), box, saved);
}

function removing(form, dialog, box, name) {
  if (!dialog) return;
  form.querySelector("[data-remove]").addEventListener("click", () => dialog.showModal());
  dialog.querySelector("[data-no]").addEventListener("click", () => dialog.close());
  dialog.querySelector("[data-yes]").addEventListener("click", async () => {
    dialog.close();
    try {
      await call(`connections/${name}`, { method: "DELETE" });
      window.location.assign(`${base}connections`);
    } catch (error) {
      show(box, error);
      box.focus();
    }
  });
}
