/** The agreed columns in the form of a contract: keys, empty cells and other names, and columns to come. */

/**
 * Lets columns be changed and added; returns how to bring agreed columns, as the API has them, to what the rows say,
 * and null where nobody has touched any.
 * @param {HTMLElement | null} part
 * @returns {() => ((agreed: {name: string}[]) => object[]) | null}
 */
export function columnsOf(part) {
  if (!part) return () => null;
  const body = /** @type {HTMLElement} */ (part.querySelector("tbody"));
  let touched = false;
  body.addEventListener("input", () => (touched = true));
  part.querySelector("[data-add-column]")?.addEventListener("click", () => {
    const name = /** @type {HTMLInputElement} */ (part.querySelector("[data-name]"));
    const type = /** @type {HTMLSelectElement} */ (part.querySelector("[data-type]"));
    if (name.value.trim() === "") {
      name.focus();
      return;
    }
    const row = added(/** @type {HTMLTemplateElement} */ (part.querySelector("template")), name.value.trim(), type.value);
    body.append(row);
    touched = true;
    name.value = "";
    /** @type {HTMLElement} */ (row.querySelector("[data-key]")).focus();
  });
  const rows = () => [.../** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll("tr"))];
  return () => (touched ? (agreed) => rows().map((row) => column(row, agreed)) : null);
}

/**
 * Returns the row of a new column.
 * @param {HTMLTemplateElement} template
 * @param {string} name
 * @param {string} type
 */
function added(template, name, type) {
  const row = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  row.dataset.column = name;
  row.dataset.type = type;
  const [first, second] = row.querySelectorAll("td");
  first.textContent = name;
  second.textContent = type;
  const words = { key: "key", nullable: "may be empty", aliases: "other names" };
  for (const [which, told] of Object.entries(words)) row.querySelector(`[data-${which}]`)?.setAttribute("aria-label", `${name}: ${told}`);
  return row;
}

/**
 * Returns a column as it is agreed, with what its row says now.
 * @param {HTMLElement} row
 * @param {{name: string}[]} agreed
 */
function column(row, agreed) {
  const box = (/** @type {string} */ which) => /** @type {HTMLInputElement} */ (row.querySelector(`[data-${which}]`));
  const { column: name, type } = row.dataset;
  const known = type ? { name, type } : agreed.find((one) => one.name === name);
  const changed = { ...known, key: box("key").checked, nullable: box("nullable").checked };
  const { value, defaultValue } = box("aliases");
  if (value === defaultValue) return changed; // a name may itself hold a semicolon
  return { ...changed, aliases: value.split(";").map((other) => other.trim()).filter(Boolean) };
}
