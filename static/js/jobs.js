/** Keeps the rows of a list of jobs up to date. */

import { call } from "./api.js";
import { poll } from "./poll.js";

const ENDED = new Set(["SUCCESS", "FAILED", "CANCELLED"]);

export function watchJobs(list) {
  poll(async () => {
    const rows = [...list.querySelectorAll("[data-job]")];
    const open = rows.filter((row) => !ENDED.has(row.querySelector("[data-status]").textContent));
    if (!open.length) return "stop";
    let changed = false;
    for (const row of open) {
      const job = await call(`jobs/${row.dataset.job}`);
      const badge = row.querySelector("[data-status]");
      changed ||= badge.textContent !== job.status;
      badge.textContent = job.status;
      badge.className = `status status-${job.status}`;
      if (job.rows) row.querySelector("[data-rows]").textContent = job.rows.loaded;
    }
    return changed ? "changed" : "same";
  });
}
