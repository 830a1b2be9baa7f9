/** Starts what the page at hand needs; everything else is not even fetched. */

import { localise } from "./times.js";

const PARTS = {
  "[data-live]": () => import("./live.js").then(({ follow }) => each("[data-live]", follow)),
  "#job": () => import("./job.js").then(({ watchJob }) => each("#job", watchJob)),
  "#jobs": () => import("./jobs.js").then(({ bulkRetry }) => each("#jobs", bulkRetry)),
  "#connections": () => import("./connections.js").then(({ testing }) => each("#connections", testing)),
  "#contract-form": () => import("./contract.js").then(({ contractForm }) => each("#contract-form", contractForm)),
  "form#connection": () => import("./connections.js").then(({ connectionForm }) => each("form#connection", connectionForm)),
  "#new-job": () => import("./new.js").then(({ newJob }) => each("#new-job", newJob)),
  "#signed-in": () => import("./signed-in.js"),
};

const each = (selector, start) => document.querySelectorAll(selector).forEach((part) => start(part));

const needed = Object.entries(PARTS).filter(([selector]) => document.querySelector(selector));
/** @type {Promise<unknown>[]} */
const started = needed.map(([, start]) => start());
if (document.getElementById("session")) started.push(import("./forms.js").then(({ guardForms }) => guardForms()));
localise();
setInterval(() => document.hidden || localise(), 30000);

for (const menu of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.menu"))) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
}

Promise.all(started).then(() => document.documentElement.toggleAttribute("data-ready", true));
