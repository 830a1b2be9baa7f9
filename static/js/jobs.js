/** Several failed jobs, sent again at once: those that were chosen, or all that the list's filters match. */

import { base, call, words } from "./api.js";
import { plain } from "./names.js";

const AT_ONCE = 4;
const MOST = 1000;
const PAGE = 100;
const AGAIN = ["FAILED", "CANCELLED"];
const count = (number) => `${number.toLocaleString("en-GB")} job${number === 1 ? "" : "s"}`;

/**
 * @typedef {{job_id: string, dataset: string, filename: string, status: string,
 *   error?: {code: string, retryable: boolean} | null}} Job
 */

/** The list's rows are swapped while nobody has chosen any, so everything is looked up when it is needed. */
export function bulkRetry(section) {
  const button = /** @type {HTMLButtonElement | null} */ (document.getElementById("retry-chosen"));
  const all = document.getElementById("retry-matching");
  if (!button) return;
  /** @returns {HTMLInputElement[]} */
  const chosen = () => [...section.querySelectorAll("input[name=job]:checked")];
  const question = ask(document.getElementById("retry"));

  const refresh = () => {
    const number = chosen().length;
    button.disabled = number === 0;
    button.textContent = number ? `Retry ${count(number)}` : "Retry the chosen jobs";
  };
  section.addEventListener("change", ({ target }) => {
    if (target.name === "all") for (const box of section.querySelectorAll("input[name=job]")) box.checked = target.checked;
    refresh();
  });
  button.addEventListener("click", () => question(async () => ({ jobs: chosen().map(({ dataset }) => ofRow(dataset)), more: false })));
  all.addEventListener("click", () => question((found, signal) => matching(all.dataset.query ?? "", found, signal)));
  refresh();
}

/** A job as its row tells of it. @param {DOMStringMap} row @returns {Job} */
function ofRow({ job, dataset, file, status, code, retryable }) {
  return { job_id: job, dataset, filename: file, status, error: code ? { code, retryable: retryable === "true" } : null };
}

/**
 * All jobs that the list's filters match and that can be retried, page by page, as far as one go takes them.
 * @param {string} query
 * @param {(number: number) => void} found
 * @param {AbortSignal} signal
 */
async function matching(query, found, signal) {
  /** @type {Job[]} */
  const jobs = [];
  const asked = new URLSearchParams(query);
  asked.set("limit", String(PAGE));
  for (let cursor = ""; cursor !== null && jobs.length < MOST; ) {
    asked.set("cursor", cursor);
    const page = await call(`jobs?${asked}`, { signal });
    jobs.push(...page.jobs.filter(({ status }) => AGAIN.includes(status)));
    cursor = page.next_cursor;
    found(jobs.length);
    if (cursor === null) return { jobs, more: false };
  }
  return { jobs: jobs.slice(0, MOST), more: true };
}

/** The window that looks for the jobs, asks whether they are meant, sends them, and says what came of it. */
function ask(dialog) {
  /** @returns {any} */
  const part = (name) => dialog.querySelector(`[data-${name}]`);
  const [title, told, reasons, bar, yes, no] = ["title", "told", "reasons", "bar", "yes", "no"].map(part);
  let stop = new AbortController();
  let sent = false;

  function show({ heading, text = "", items = [], share = null, can = "", leave = "Close" }) {
    title.textContent = heading;
    told.textContent = text;
    reasons.replaceChildren(...items);
    reasons.hidden = !items.length;
    bar.hidden = share === null;
    bar.value = share ?? 0;
    yes.hidden = !can;
    yes.textContent = can;
    no.textContent = leave;
  }

  dialog.addEventListener("close", () => {
    stop.abort();
    if (sent) window.location.reload();
  });
  no.addEventListener("click", () => dialog.close());

  return async (/** @type {(found: (number: number) => void, signal: AbortSignal) => Promise<{jobs: Job[], more: boolean}>} */ find) => {
    stop = new AbortController();
    const { signal } = stop;
    sent = false;
    const looking = (number = 0) => show({ heading: "Looking for the jobs …", text: `${count(number)} found so far.`, leave: "Stop" });
    looking();
    dialog.showModal();
    try {
      const { jobs, more } = await find(looking, signal);
      if (signal.aborted) return;
      const { again, left } = sorted(jobs);
      if (!again.length) {
        show({ heading: "There is nothing to retry", text: left ? `${count(left)} failed because the same file is loaded already.` : "No job that matches has failed or was cancelled." });
        return;
      }
      show({ heading: `Retry ${count(again.length)}?`, text: about(left, more), items: byReason(again), can: `Yes, retry ${count(again.length)}`, leave: "No, leave them" });
      yes.focus();
      yes.onclick = async () => {
        sent = true;
        const refused = await sendAll(again, signal, (done) =>
          show({ heading: `Sending ${count(again.length)} again …`, text: `${done} of ${again.length}`, share: (100 * done) / again.length, leave: "Stop" }));
        const went = again.length - refused.length;
        show({ heading: `${count(went)} sent again`, text: refused.length ? `${count(refused.length)} could not be sent:` : "You find them at work in the list.", items: refused.slice(0, 50).map(refusal) });
        no.focus();
      };
    } catch (error) {
      if (!signal.aborted) show({ heading: "The jobs could not be looked for", text: words(error) });
    }
  };
}

/** Which jobs are sent, and how many are not because a retry could not change anything for them. @param {Job[]} jobs */
function sorted(jobs) {
  const again = jobs.filter(({ error }) => error?.code !== "ALREADY_LOADED");
  return { again, left: jobs.length - again.length };
}

function about(left, more) {
  const parts = ["Each goes on from its kept raw file, or is fetched anew if none is kept."];
  if (left) parts.push(`${count(left)} more failed because the same file is loaded already, and ${left === 1 ? "is" : "are"} left out.`);
  if (more) parts.push(`These are the first ${MOST.toLocaleString("en-GB")} that match; there are more.`);
  return parts.join(" ");
}

/** One line a reason for which jobs failed, and whether trying again may help by itself. @param {Job[]} jobs */
function byReason(jobs) {
  /** @type {Map<string, {number: number, retryable: boolean}>} */
  const reasons = new Map();
  for (const { status, error } of jobs) {
    const code = error?.code ?? (status === "CANCELLED" ? "Cancelled" : "Failed");
    const before = reasons.get(code) ?? { number: 0, retryable: error?.retryable ?? true };
    reasons.set(code, { ...before, number: before.number + 1 });
  }
  return [...reasons].map(([code, { number, retryable }]) =>
    line(`${code}: ${count(number)}${retryable ? "" : ". A retry ends in the same way unless something is changed first."}`));
}

/**
 * Sends jobs again, some at a time, until all are sent or somebody stops it.
 * @param {Job[]} jobs
 * @param {AbortSignal} signal
 * @param {(done: number) => void} told
 * @returns {Promise<{job: Job, why: string}[]>} those that were not sent
 */
async function sendAll(jobs, signal, told) {
  const waiting = [...jobs];
  /** @type {{job: Job, why: string}[]} */
  const refused = [];
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      try {
        await call(`jobs/${job.job_id}/retry`, { json: {}, signal });
      } catch (error) {
        refused.push({ job, why: words(error) });
      }
      if (!signal.aborted) told(jobs.length - waiting.length);
    }
  };
  told(0);
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return refused;
}

function refusal({ job, why }) {
  const item = line("");
  const link = document.createElement("a");
  link.href = `${base}jobs/${job.job_id}`;
  link.className = "underline";
  link.textContent = job.dataset;
  item.append(link, `, ${plain(job.filename || "no file")}: ${plain(why)}`);
  return item;
}

function line(text) {
  const item = document.createElement("li");
  item.className = "break-words";
  item.textContent = text;
  return item;
}
