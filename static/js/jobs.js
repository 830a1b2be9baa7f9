/** Several failed jobs, sent again at once. */

import { call, words } from "./api.js";

/** The list's rows are swapped while nobody has chosen any, so everything is looked up when it is needed. */
export function bulkRetry(section) {
  const chosen = () => [...section.querySelectorAll("input[name=job]:checked")];
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("retry-chosen"));
  const told = document.getElementById("retried");
  if (!button) return;

  const refresh = () => {
    const count = chosen().length;
    button.disabled = count === 0;
    button.textContent = count ? `Retry ${count} job${count === 1 ? "" : "s"}` : "Retry the chosen jobs";
  };
  section.addEventListener("change", (event) => {
    if (event.target.name === "all") for (const box of section.querySelectorAll("input[name=job]")) box.checked = event.target.checked;
    refresh();
  });
  button.addEventListener("click", async () => {
    const boxes = chosen();
    let sent = 0;
    const refused = [];
    button.disabled = true;
    for (const box of boxes) {
      told.textContent = `Sending ${sent + refused.length + 1} of ${boxes.length} …`;
      try {
        await call(`jobs/${box.value}/retry`, { json: {} });
        sent += 1;
      } catch (error) {
        refused.push(`${box.getAttribute("aria-label").replace(/^Choose /, "")}: ${words(error)}`);
      }
      box.checked = false;
    }
    told.textContent = [`${sent} sent again.`, ...refused].join(" ");
    for (const box of section.querySelectorAll("input[name=all]")) box.checked = false;
    refresh();
  });
  refresh();
}
