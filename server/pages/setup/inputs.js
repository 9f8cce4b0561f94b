// @ts-check
// The fields of an event's form, tied to its values.

import { Check, Lines, Select } from "../parts/fields.js";
import { Field } from "../parts/forms.js";
import { html } from "../vendor/preact/standalone.js";

/** @typedef {import("./terms.js").Values} Values */
/** @typedef {(changes: Values) => void} Set */

/**
 * Makers of fields that show a value by its name, and change it.
 * @param {Values} values @param {Set} set
 */
export function inputsOf(values, set) {
  const tied = (/** @type {string} */ name) => ({
    value: values[name], "data-testid": `event-${name.replaceAll("_", "-")}`,
  });
  const typed = (/** @type {string} */ name) => (/** @type {any} */ { target }) => set({ [name]: target.value });
  return {
    text: (/** @type {string} */ name, /** @type {string} */ label, more = {}) =>
      html`<${Field} label=${label} ...${tied(name)} onInput=${typed(name)} ...${more} />`,
    lines: (/** @type {string} */ name, /** @type {string} */ label, more = {}) =>
      html`<${Lines} label=${label} ...${tied(name)} onInput=${typed(name)} ...${more} />`,
    choice: (/** @type {string} */ name, /** @type {string} */ label, /** @type {[string, string][]} */ options, more = {}) =>
      html`<${Select} label=${label} ...${tied(name)} options=${options} onChange=${typed(name)} ...${more} />`,
    tick: (/** @type {string} */ name, /** @type {string} */ label) =>
      html`<${Check} label=${label} checked=${values[name]} data-testid=${tied(name)["data-testid"]}
        onChange=${(/** @type {boolean} */ yes) => set({ [name]: yes })} />`,
    number: (/** @type {string} */ name, /** @type {string} */ label, more = {}) =>
      html`<${Field} label=${label} inputmode="decimal" ...${tied(name)} onInput=${typed(name)} ...${more} />`,
  };
}
