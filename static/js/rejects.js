/** The rows that a job has set aside: corrected in the page and loaded, or given up with a reason. */

import { call, send, show } from "./api.js";

/**
 * Follows the part of a job's page that shows its rejects.
 * @param {HTMLElement} page the job's part of the page
 */
export function watchRejects(page) {
  page.addEventListener("input", (event) => {
    const cell = /** @type {HTMLElement} */ (event.target);
    const row = cell.closest("[data-reject]");
    if (row && cell.matches("[data-cell]")) /** @type {HTMLInputElement} */ (row.querySelector("[data-choose]")).checked = true;
    allow(page);
  });
  page.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-replay], [data-dismiss]");
    if (button) settle(page, button);
  });
  page.addEventListener("change", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.matches("[data-corrected]")) upload(page, input);
    allow(page);
  });
}

/** Lets the buttons be pressed while a row is chosen; giving up needs a reason too. */
function allow(page) {
  const some = chosen(page).length > 0;
  const [load, give] = [page.querySelector("[data-replay]"), page.querySelector("[data-dismiss]")];
  if (!load) return;
  load.disabled = !some;
  give.disabled = !some || !page.querySelector("[data-reason]").value.trim();
}

function chosen(page) {
  return [...page.querySelectorAll("[data-reject]")].filter((row) => row.querySelector("[data-choose]:checked"));
}

/** Returns a row's cells that somebody has changed; what was not touched is sent by the file's own record. */
function changed(row) {
  const cells = [...row.querySelectorAll("[data-cell]")].filter((cell) => cell.value !== cell.defaultValue);
  return Object.fromEntries(cells.map((cell) => [cell.dataset.cell, cell.value || null]));
}

async function settle(page, button) {
  const rows = chosen(page);
  const load = "replay" in button.dataset;
  const json = load
    ? { rows: rows.map((row) => ({ row: Number(row.dataset.reject), cells: changed(row) })) }
    : { rows: rows.map((row) => Number(row.dataset.reject)), reason: page.querySelector("[data-reason]").value };
  await attempt(page, button, () => call(`jobs/${job(page)}/${load ? "replay" : "rejects/dismiss"}`, { json }));
}

async function upload(page, input) {
  const body = new FormData();
  body.append("file", input.files[0]);
  await attempt(page, input, () => send(`api/jobs/${job(page)}/replay`, { method: "POST", body }));
}

async function attempt(page, control, request) {
  control.disabled = true;
  try {
    await request();
    window.location.reload();
  } catch (error) {
    const box = page.querySelector("[data-error]");
    show(box, error);
    box.scrollIntoView({ block: "nearest" });
    control.disabled = false;
    if (control.type === "file") control.value = "";
  }
}

function job(page) {
  return page.querySelector("[data-rejects]").dataset.rejects;
}
