/** A job's log: shown as it comes, searched, and read on to its end. */

import { call } from "./api.js";
import { plain } from "./names.js";
import { poll } from "./poll.js";
import { localise } from "./times.js";

const LEVELS = { "": ["info", "warning", "error"], warning: ["warning", "error"], error: ["error"] };

export function log(box, jobId) {
  const list = box.querySelector("[data-lines]");
  const more = box.querySelector("[data-more]");
  const search = box.querySelector("#log-search");
  const level = box.querySelector("#log-level");
  let { next, follow } = box.dataset;

  /** Loads the page of lines at a cursor and returns how many came. */
  async function load(cursor) {
    const page = await call(`jobs/${jobId}/events?cursor=${encodeURIComponent(cursor)}`);
    const atEnd = list.parentElement.scrollHeight - list.parentElement.scrollTop - list.parentElement.clientHeight < 40;
    list.append(...page.events.map((event) => line(box, event)));
    next = page.next_cursor ?? "";
    follow = page.tail_cursor ?? follow;
    more.parentElement.hidden = !next;
    filter();
    if (atEnd) list.parentElement.scrollTop = list.parentElement.scrollHeight;
    return page.events.length;
  }

  function filter() {
    const words = search.value.trim().toLowerCase();
    let shown = 0;
    for (const item of list.children) {
      const fits = LEVELS[level.value].includes(item.dataset.level) && item.textContent.toLowerCase().includes(words);
      item.hidden = !fits;
      shown += fits;
    }
    box.querySelector("[data-none]").hidden = shown > 0;
    const all = list.children.length;
    box.querySelector("[data-count]").textContent = shown === all ? `${all} lines` : `${shown} of ${all} lines`;
  }

  /** A search looks at the whole log, so the rest of it is loaded first. */
  async function find() {
    filter();
    while (next && (search.value || level.value)) await load(next);
  }

  search.addEventListener("input", find);
  level.addEventListener("change", find);
  more.addEventListener("click", () => load(next));
  filter();
  const isOpen = () => document.querySelector("#job [data-state]")?.getAttribute("data-state") === "open";
  const soon = poll(async () => {
    const wasOpen = isOpen();
    const came = next ? 0 : await load(follow);
    return came ? "changed" : wasOpen ? "same" : "stop";
  });
  return { soon };
}

/** Makes a line of the page's own template; what the log says is text, never markup. */
function line(box, event) {
  const item = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const time = item.querySelector("time");
  item.dataset.level = event.level;
  time.dateTime = event.at;
  item.querySelector("[data-stage]").textContent = event.stage;
  item.querySelector("[data-message]").textContent = plain(event.message);
  localise(item);
  return item;
}
