/** Names of datasets: which are allowed, and which one a file suggests. */

export const DATASET = /^[a-z][a-z0-9_]{0,62}$/;
const PACKED = /\.(gz|bz2|xz|zst|lz4|zip)$/i;

/**
 * A dataset's name made from a file's: "GL Export.csv.gz" becomes gl_export. Where a dataset is known whose name is the
 * file's without what changes from file to file ("orders_2026-10.csv" for orders), that one.
 * @param {string} filename
 * @param {Iterable<string>} known
 */
export function suggestion(filename, known = []) {
  const base = filename.replace(PACKED, "").replace(/\.[^.]+$/, "");
  const plain = base.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  const name = plain.replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 63);
  const existing = new Set(known);
  for (let shorter = name; shorter; shorter = shorter.replace(/_?[^_]*$/, "")) {
    if (existing.has(shorter) && /^(_?[0-9]+[a-z]?)*$/.test(name.slice(shorter.length))) return shorter;
  }
  return name;
}

/** The datasets that a form knows. @param {HTMLFormElement} form */
export const datasets = (form) =>
  [.../** @type {NodeListOf<HTMLOptionElement>} */ (form.querySelectorAll("#datasets option"))].map(({ value }) => value);

/** Signs that are not seen but change what is: controls, blanks without width, what turns the direction of text. */
// eslint-disable-next-line no-control-regex
export const UNSEEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]/;

/** A text of somebody else's with what cannot be seen made visible, as the server writes it. @param {string} text */
export const plain = (text) =>
  text.replace(new RegExp(UNSEEN, "g"), (sign) => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

/** "1.4 MB", as the server writes it. @param {number} bytes */
export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount.toFixed(unit === 0 || amount >= 100 ? 0 : 1)} ${units[unit]}`;
}
