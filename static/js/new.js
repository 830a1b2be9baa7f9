/** The form that starts a job: one set of fields a kind of source. */

import { base, call, show } from "./api.js";

const DATASET = /^[a-z][a-z0-9_]{0,62}$/;

export function newJob(form) {
  const box = document.getElementById("form-error");
  const dataset = form.elements.dataset;
  let typed = false;
  dataset.addEventListener("input", () => (typed = true));
  form.addEventListener("change", (event) => {
    if (event.target.name === "kind") choose(form, event.target.value);
    if (event.target.name === "file" && !typed) dataset.value = suggestion(event.target.files[0]?.name ?? "");
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = document.getElementById("submit");
    box.hidden = true;
    button.disabled = true;
    try {
      const job = await send(form);
      window.location.assign(`${base}jobs/${job.job_id}`);
    } catch (error) {
      show(box, error);
      box.focus();
      button.disabled = false;
    }
  });
}

function choose(form, kind) {
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind;
}

/** A dataset's name made from a file's: GL_2026.csv.gz becomes gl_2026. */
export function suggestion(filename) {
  const base = filename.replace(/\.(gz|bz2|xz|zst|zip)$/i, "").replace(/\.[^.]+$/, "");
  return base.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 63);
}

function send(form) {
  const given = form.elements;
  const dataset = given.dataset.value.trim();
  if (!DATASET.test(dataset)) {
    given.dataset.focus();
    throw new Error("The dataset's name must begin with a lower-case letter and have letters, digits, underscores.");
  }
  const kind = given.kind.value;
  if (kind === "upload") {
    const file = given.file.files[0];
    if (!file) throw new Error("Choose a file first.");
    const form = new FormData();
    form.append("file", file);
    form.append("dataset", dataset);
    return call("upload", { method: "POST", form });
  }
  return call("ingest", { method: "POST", json: { dataset, source: source(kind, given) } });
}

function source(kind, given) {
  if (kind === "http") return { type: "http", url: given.http_url.value.trim() };
  if (kind === "ftp") {
    const account = given.ftp_user.value ? { username: given.ftp_user.value, password: given.ftp_password.value } : {};
    return { type: "ftp", url: given.ftp_url.value.trim(), ...account };
  }
  const request = given.tcp_send.value ? { send: given.tcp_send.value } : {};
  return { type: "tcp", host: given.tcp_host.value.trim(), port: Number(given.tcp_port.value), ...request };
}
