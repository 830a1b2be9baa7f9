/** One job's page: its actions, its files, its news, its log. */

import { call, show } from "./api.js";
import { download } from "./download.js";
import { log } from "./log.js";
import { watchRejects } from "./rejects.js";

export function watchJob(page) {
  const id = page.dataset.job;
  const news = document.getElementById("news");
  const lines = log(document.getElementById("events"), id);
  let word = page.firstElementChild.dataset.word;
  watchRejects(page);
  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    const link = event.target.closest("[data-download]");
    if (button) act(page, button, id);
    if (link) {
      event.preventDefault();
      download(link.href, page.querySelector("[data-downloading]"));
    }
  });
  new MutationObserver(() => {
    lines.soon();
    const now = page.firstElementChild?.dataset.word;
    if (now && now !== word) news.textContent = `The job is now: ${now}`;
    word = now ?? word;
  }).observe(page, { childList: true });
}

async function act(page, button, id) {
  const warning = button.dataset.confirm;
  if (warning && !window.confirm(`${warning} Go on?`)) return;
  button.disabled = true;
  try {
    const json = "force" in button.dataset ? { force: true } : {};
    if ("acceptRejects" in button.dataset) json.accept_rejects = true;
    await call(`jobs/${id}/${button.dataset.action}`, { json });
    window.location.reload();
  } catch (error) {
    show(page.querySelector("[data-error]"), error);
    button.disabled = false;
  }
}
