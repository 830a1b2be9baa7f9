/** The rules in the form of a contract: shown as sentences, removed, and added by the fields of their kind. */

/**
 * Lets rules be removed and added; returns how to read them as the API takes them.
 * @param {HTMLElement} part
 * @returns {() => object[]}
 */
export function rulesOf(part) {
  const list = /** @type {HTMLElement} */ (part.querySelector("[data-rule-list]"));
  const adder = /** @type {HTMLElement | null} */ (part.querySelector("[data-adder]"));
  list.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-remove]");
    if (!button) return;
    button.closest("[data-rule]")?.remove();
    list.tabIndex = -1;
    list.focus();
  });
  if (adder) adding(adder, list);
  return () =>
    [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[data-rule]"))].map((line) =>
      JSON.parse(line.dataset.rule ?? "{}"),
    );
}

/**
 * @param {HTMLElement} adder
 * @param {HTMLElement} list
 */
function adding(adder, list) {
  const kind = /** @type {HTMLSelectElement} */ (adder.querySelector("[data-kind]"));
  const columns = /** @type {HTMLSelectElement} */ (adder.querySelector("[data-columns]"));
  const severity = /** @type {HTMLSelectElement} */ (adder.querySelector("[data-severity]"));
  const parts = /** @type {NodeListOf<HTMLElement>} */ (adder.querySelectorAll("[data-of]"));

  const fit = () => {
    for (const part of parts) part.hidden = part.dataset.of !== kind.value;
    const chosen = kind.selectedOptions[0];
    columns.disabled = "none" in chosen.dataset;
    columns.multiple = "several" in chosen.dataset;
    columns.size = columns.multiple ? 4 : 1;
    const whole = "whole" in chosen.dataset;
    for (const option of severity.options) option.disabled = whole && option.value === "reject";
    severity.value = whole ? "fail" : "reject";
  };
  kind.addEventListener("change", fit);
  fit();

  adder.querySelector("[data-add]")?.addEventListener("click", () => {
    const names = columns.disabled ? [] : [...columns.selectedOptions].map((option) => option.value);
    const named = names.length > 1 ? { columns: names } : names.length ? { column: names[0] } : {};
    const fields = /** @type {NodeListOf<HTMLInputElement>} */ (
      adder.querySelectorAll(`[data-of="${kind.value}"] [data-parameter]`)
    );
    const given = Object.fromEntries([...fields].map((field) => [field.dataset.parameter, value(field)]));
    list.querySelector("[data-none]")?.remove();
    list.append(item({ kind: kind.value, ...named, ...given, severity: severity.value }));
    for (const field of fields) if (field.localName !== "select") field.value = "";
  });
}

/**
 * Returns what a field holds as the API takes it; nothing where it is empty.
 * @param {HTMLInputElement} field
 */
function value(field) {
  const text = field.value;
  if (text.trim() === "") return undefined;
  if (field.dataset.form === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (field.dataset.form === "count") return Number.isNaN(Number(text)) ? text.trim() : Number(text);
  return text.trim();
}

/**
 * Returns the line of a rule that is not saved yet, in the words in which it was given; the API words it when it is.
 * @param {{kind: string, column?: string, columns?: string[], severity: string} & Record<string, unknown>} rule
 */
function item(rule) {
  const { kind, column, columns, severity, ...given } = rule;
  const of = (columns ?? (column === undefined ? [] : [column])).map((name) => `"${name}"`).join(", ");
  const words = Object.entries(given).flatMap(([name, told]) => (told === undefined ? [] : [`${name} ${told}`]));
  const name = [of ? `${kind} of ${of}` : kind, ...words].join(", ");
  const line = document.createElement("li");
  line.className = "flex items-start justify-between gap-3 py-2";
  line.dataset.rule = JSON.stringify(rule);
  const told = document.createElement("span");
  told.className = "min-w-0 break-words";
  told.textContent = `${name} (${severity}), not saved yet`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link shrink-0";
  button.dataset.remove = "";
  button.textContent = "Remove";
  button.setAttribute("aria-label", `Remove ${name}`);
  line.append(told, button);
  return line;
}
