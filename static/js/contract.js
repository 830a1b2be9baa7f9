/** The form of a dataset's contract: a preset fills in its policies, and saving makes the next version. */

import { columnsOf } from "./agreed.js";
import { call, show } from "./api.js";
import { rulesOf } from "./rules.js";

/** @param {HTMLFormElement} form */
export function contractForm(form) {
  const preset = /** @type {HTMLSelectElement} */ (form.elements.namedItem("preset"));
  const policies = /** @type {NodeListOf<HTMLSelectElement>} */ (form.querySelectorAll("[data-policy]"));
  const share = /** @type {HTMLInputElement} */ (form.elements.namedItem("share"));
  const count = /** @type {HTMLInputElement} */ (form.elements.namedItem("count"));
  const rules = rulesOf(/** @type {HTMLElement} */ (form.querySelector("[data-rules]")));
  const columns = columnsOf(form.querySelector("[data-agreed]"));
  const address = `datasets/${form.dataset.dataset}/contract`;
  preset.addEventListener("change", () => {
    const chosen = preset.selectedOptions[0];
    for (const policy of policies) policy.value = chosen.getAttribute(`data-${policy.name.replaceAll("_", "-")}`) ?? "ask";
    share.value = chosen.dataset.share ?? "";
    count.value = "";
  });
  form.addEventListener("keydown", (event) => {
    const field = /** @type {HTMLElement} */ (event.target);
    const add = event.key === "Enter" && field.localName === "input" ? adderOf(field) : null;
    if (!add) return;
    event.preventDefault(); // Enter adds what is typed there; it does not save the contract without it
    add.click();
  });
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("[data-save]"));
  if (button) button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!button) return;
    const json = {
      version: Number(form.dataset.version),
      preset: preset.value,
      policies: Object.fromEntries([...policies].map((policy) => [policy.name, policy.value])),
      reject_limits: { share: number(share.value), count: number(count.value) },
      rules: rules(),
    };
    button.disabled = true;
    try {
      refuseTyped(form);
      const changed = columns();
      const more = changed ? { columns: changed((await call(address)).columns) } : {};
      await call(address, { method: "PUT", json: { ...json, ...more } });
      window.location.reload();
    } catch (error) {
      const box = /** @type {HTMLElement} */ (form.querySelector("[data-error]"));
      show(box, error);
      box.scrollIntoView({ block: "center" });
      button.disabled = false;
    }
  });
}

/**
 * The button that adds what is typed in a field, where that is not the contract's until it is added.
 * @param {Element} field
 */
function adderOf(field) {
  const [part, name] = field.matches("[data-parameter]") ? ["[data-adder]", "[data-add]"] : ["[data-agreed]", "[data-add-column]"];
  if (!field.matches("[data-parameter], [data-name]")) return null;
  return /** @type {HTMLButtonElement | null} */ (field.closest(part)?.querySelector(name) ?? null);
}

/** Raises an error where something is typed that nobody has added. @param {HTMLFormElement} form */
function refuseTyped(form) {
  const fields = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[data-parameter], textarea[data-parameter], [data-name]"));
  const typed = [...fields].find((field) => field.value.trim() && !field.closest("[hidden]"));
  if (typed) throw new Error(`"${typed.value.trim()}" is typed, but not added. Press "${adderOf(typed)?.textContent}" first, or empty the field.`);
}

/**
 * Returns the number that a field holds, null for none, and the text itself where it is no number, for the API to say.
 * @param {string} text
 */
function number(text) {
  const bare = text.trim().replace(",", ".");
  return bare === "" ? null : Number.isNaN(Number(bare)) ? bare : Number(bare);
}
