/** Moments in the reader's time zone; the server writes them in UTC. */

/** @type {Intl.DateTimeFormatOptions} */
const DATE = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
/** Below how many seconds a unit is used, its name, and its seconds. @type {[number, string, number][]} */
const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [30 * 86400, "day", 86400],
];

/** "3 minutes ago", "2 days ago"; longer ago than a month, the date. @param {Date} moment */
export function ago(moment, now = new Date()) {
  const seconds = Math.round((now.getTime() - moment.getTime()) / 1000);
  if (seconds < 5) return "just now";
  for (const [below, unit, length] of STEPS) {
    if (seconds < below) {
      const count = Math.floor(seconds / length);
      return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
    }
  }
  return moment.toLocaleString("en-GB", DATE);
}

/** @param {ParentNode} root */
export function localise(root = document) {
  for (const time of root.querySelectorAll("time")) {
    if (!time.dataset.when) continue;
    const moment = new Date(time.dateTime);
    const form = time.dataset.when;
    const whole = moment.toLocaleString("en-GB", { ...DATE, ...CLOCK, timeZoneName: "short" });
    if (form === "ago") time.textContent = ago(moment);
    else if (form === "clock") time.textContent = moment.toLocaleTimeString("en-GB", CLOCK);
    else time.textContent = moment.toLocaleString("en-GB", DATE);
    time.title = whole;
  }
}
