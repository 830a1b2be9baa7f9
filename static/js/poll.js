/** Runs a step again and again: slower while nothing changes or nobody answers, not at all in a hidden tab. */

const FIRST_MS = 1000;
const SLOWEST_MS = 15000;
const GROWTH = 1.5;

/**
 * How long to wait after a step that said "changed" or "same".
 * @param {number} wait
 * @param {string} said
 */
export const nextWait = (wait, said, { first = FIRST_MS, slowest = SLOWEST_MS } = {}) =>
  said === "changed" ? first : Math.min(wait * GROWTH, slowest);

/**
 * @param {() => Promise<"changed" | "same" | "stop">} step a step that raises counts as "same"
 * @param {{first?: number, slowest?: number}} pace in milliseconds
 * @returns {() => void} makes the next step come soon
 */
export function poll(step, pace = {}) {
  const first = pace.first ?? FIRST_MS;
  let wait = first;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let running = false;
  let over = false;
  const next = () => {
    clearTimeout(timer);
    if (!over) timer = setTimeout(run, wait);
  };
  const run = async () => {
    if (document.hidden || running || over) return;
    running = true;
    const said = await step().catch(() => "same");
    running = false;
    over = said === "stop";
    wait = nextWait(wait, said, pace);
    next();
  };
  const soon = () => {
    wait = first;
    next();
  };
  document.addEventListener("visibilitychange", () => document.hidden || soon());
  window.addEventListener("online", soon);
  next();
  return soon;
}
