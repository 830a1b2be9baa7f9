/** The agreed columns in the form of a contract: keys, empty cells and other names, and columns to come. */

/**
 * Lets columns be changed and added; returns how to read them as the API takes them, nothing where none was touched.
 * @param {HTMLElement} part
 * @returns {() => object[] | undefined}
 */
export function columnsOf(part) {
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
  return () => (touched ? [.../** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll("tr"))].map(column) : undefined);
}

/**
 * @param {HTMLTemplateElement} template
 * @param {string} name
 * @param {string} type
 */
function added(template, name, type) {
  const row = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  row.dataset.column = JSON.stringify({ name, type, rule: "" });
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
 */
function column(row) {
  const box = (/** @type {string} */ which) => /** @type {HTMLInputElement} */ (row.querySelector(`[data-${which}]`));
  const aliases = box("aliases").value.split(";").map((name) => name.trim()).filter(Boolean);
  return { ...JSON.parse(row.dataset.column ?? "{}"), key: box("key").checked, nullable: box("nullable").checked, aliases };
}
