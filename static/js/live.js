/** Parts of a page that keep themselves up to date: the server renders them, the page asks and swaps. */

import { send } from "./api.js";
import { poll } from "./poll.js";
import { localise } from "./times.js";

/**
 * Follows `data-live`, the address of a part below the pages' own. The answer's first element says by `data-state`
 * whether to go on: "open" (soon), "idle" (slowly), "ended" (no more).
 */
export function follow(part) {
  let before = null;
  if (part.firstElementChild?.dataset.state === "ended") return () => {};
  const pace = part.dataset.pace === "slow" ? { first: 5000, slowest: 60000 } : {};
  return poll(async () => {
    if (isBusy(part)) return "same";
    const response = await send(part.dataset.live, { headers: { Accept: "text/html" }, cache: "no-store" });
    const html = await response.text();
    if (isBusy(part)) return "same"; // they began while the answer was on its way
    const changed = before !== null && html !== before;
    if (before === null || changed) swap(part, html);
    before = html;
    const state = part.firstElementChild?.dataset.state ?? "idle";
    if (state === "ended") return "stop";
    return changed ? "changed" : "same";
  }, pace);
}

/** Tells whether somebody is choosing rows or typing in it, which a swap would undo. */
function isBusy(part) {
  return part.querySelector("input:checked, details[open]:not([data-keep])") !== null;
}

/** Puts new content in place; focus and scrolled tables stay where the reader had them. */
function swap(part, html) {
  const focused = part.contains(document.activeElement) ? selectorOf(document.activeElement) : null;
  const twin = focused ? [...part.querySelectorAll(focused)].indexOf(document.activeElement) : 0;
  const scrolled = [...part.querySelectorAll(".scroll")].map(({ scrollTop, scrollLeft }) => [scrollLeft, scrollTop]);
  part.innerHTML = html;
  localise(part);
  part.querySelectorAll(".scroll").forEach((box, at) => box.scrollTo(...(scrolled[at] ?? [0, 0])));
  if (focused) part.querySelectorAll(focused)[twin]?.focus({ preventScroll: true });
}

/** What finds the same element again after a swap, perhaps beside others that lead to the same place. */
function selectorOf(element) {
  for (const name of ["id", "href", "data-action", "name", "aria-label", "aria-labelledby"]) {
    const value = element.getAttribute(name);
    if (value) return `${element.localName}[${name}="${CSS.escape(value)}"]`;
  }
  return null;
}
