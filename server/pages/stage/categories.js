// @ts-check
// The price groups of a venue: their names and colours.

import { Button, Field } from "../parts/forms.js";
import { html } from "../vendor/preact/standalone.js";
import { newCategory } from "./draft.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./make.js").Plan} Plan */

/** A colour as `<input type="color">` takes it; others are shown by it as grey. */
const HEX = /^#[0-9a-f]{6}$/i;

/** @param {any} map @returns {Set<string>} the categories of which there is something */
const usedIn = (map) =>
  new Set([...map.seats, ...map.areas].map((/** @type {any} */ { category }) => category));

/** @param {{t: Translate, plan: Plan, map: any, change: (plan: Plan) => void}} props */
export function Categories({ t, plan, map, change }) {
  const used = usedIn(map);
  for (const one of plan.blocks) if (one.kind !== "drawn") used.add(one.category);
  const set = (/** @type {string} */ key, /** @type {any} */ fields) => change({
    ...plan, categories: plan.categories.map((one) => (one.key === key ? { ...one, ...fields } : one)),
  });
  const add = () => {
    const name = t("stage.newCategory", { n: plan.categories.length + 1 });
    change({ ...plan, categories: [...plan.categories, newCategory(name, plan.categories)] });
  };
  const remove = (/** @type {string} */ key) =>
    change({ ...plan, categories: plan.categories.filter((one) => one.key !== key) });
  return html`<ul class="categories">${plan.categories.map(({ key, label, color }) =>
    html`<li key=${key} data-testid="category-row">
      <${Field} label=${t("stage.categoryName")} value=${label} maxlength="100" data-field="label"
        onChange=${(/** @type {any} */ { target }) => target.value.trim() && set(key, { label: target.value.trim() })} />
      <${Field} label=${t("stage.colour")} type="color" value=${HEX.test(color) ? color : "#808080"}
        onChange=${(/** @type {any} */ { target }) => set(key, { color: target.value })} />
      ${used.has(key) ? html`<span class="quiet small">${t("stage.categoryUsed")}</span>`
        : html`<${Button} kind="bare" aria-label=${t("stage.removeNamed", { title: label })}
          onClick=${() => remove(key)}>${t("stage.remove")}<//>`}
    </li>`)}</ul>
    <div class="row"><${Button} data-testid="add-category" onClick=${add}>${t("stage.addCategory")}<//></div>`;
}
