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
      const changed = columns();
      const more = changed ? { columns: changed((await call(address)).columns) } : {};
      await call(address, { method: "PUT", json: { ...json, ...more } });
      window.location.reload();
    } catch (error) {
      show(/** @type {HTMLElement} */ (form.querySelector("[data-error]")), error);
      button.disabled = false;
    }
  });
}

/**
 * Returns the number that a field holds, null for none, and the text itself where it is no number, for the API to say.
 * @param {string} text
 */
function number(text) {
  const bare = text.trim().replace(",", ".");
  return bare === "" ? null : Number.isNaN(Number(bare)) ? bare : Number(bare);
}
