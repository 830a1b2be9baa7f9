/** Parts of a page that keep themselves up to date: the server renders them, the page asks and swaps. */

import { send } from "./api.js";
import { poll } from "./poll.js";
import { localise } from "./times.js";

/**
 * Follows `data-live`, the address of a part below the pages' own. The answer's first element says by `data-state`
 * whether to go on: "open" (soon), "idle" (slowly), "ended" (no more).
 */
export function follow(part, { onChange = () => {} } = {}) {
  let before = null;
  const pace = part.dataset.pace === "slow" ? { first: 5000, slowest: 60000 } : {};
  return poll(async () => {
    if (isBusy(part)) return "same";
    const response = await send(part.dataset.live, { headers: { Accept: "text/html" }, cache: "no-store" });
    const html = await response.text();
    const changed = before !== null && html !== before;
    if (before === null || changed) swap(part, html);
    before = html;
    const state = part.firstElementChild?.dataset.state ?? "idle";
    onChange(state);
    if (state === "ended") return "stop";
    return changed ? "changed" : "same";
  }, pace);
}

/** Tells whether somebody is choosing rows or typing in it, which a swap would undo. */
function isBusy(part) {
  return part.querySelector("input:checked, details[open]:not([data-keep])") !== null;
}

function swap(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.innerHTML = html;
  localise(part);
  if (focused) document.getElementById(focused)?.focus();
}
