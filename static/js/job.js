/** One job's page: shows its progress, and reloads when its state changes. */

import { call, show } from "./api.js";
import { poll } from "./poll.js";

const ENDED = new Set(["SUCCESS", "FAILED", "CANCELLED"]);

export function watchJob(page) {
  const { job: id, status } = page.dataset;
  for (const button of page.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => act(page, button, id));
  }
  if (ENDED.has(status)) return;
  const line = document.getElementById("progress");
  poll(async () => {
    const job = await call(`jobs/${id}`);
    if (job.status !== status) {
      window.location.reload();
      return "stop";
    }
    const at = job.progress;
    const text = at ? `${at.stage}: ${at.bytes.toLocaleString()} bytes, ${at.rows.toLocaleString()} rows` : "";
    const moved = text !== line.textContent;
    line.textContent = text;
    return moved ? "changed" : "same";
  });
}

async function act(page, button, id) {
  button.disabled = true;
  try {
    await call(`jobs/${id}/${button.dataset.action}`, { method: "POST" });
    window.location.reload();
  } catch (error) {
    show(document.getElementById("page-error"), error);
    button.disabled = false;
  }
}
