/** Runs `step` again and again: slower while nothing changes, not at all in a hidden tab. */

const FIRST_MS = 1000;
const SLOWEST_MS = 15000;

export function poll(step) {
  let wait = FIRST_MS;
  let timer;
  const next = () => {
    clearTimeout(timer);
    timer = setTimeout(run, wait);
  };
  const run = async () => {
    if (document.hidden) return;
    let again;
    try {
      again = await step();
    } catch {
      again = "same";
    }
    if (again === "stop") return;
    wait = again === "changed" ? FIRST_MS : Math.min(wait * 1.5, SLOWEST_MS);
    next();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      wait = FIRST_MS;
      next();
    }
  });
  next();
}
