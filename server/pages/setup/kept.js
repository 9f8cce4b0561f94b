// @ts-check
// What somebody typed into an event's form and has not saved: kept by the browser.

import { newKey, ofBrowser } from "../client/index.js";

/** @typedef {import("./terms.js").Values} Values */

/** @param {string} event or "new" */
const placeOf = (event) => `onsale.event.${event}`;

/**
 * @param {string} event or "new"
 * @returns {{base: Values, values: Values, key: string} | null} `base` is what it was changed
 *   from; `key` makes a new event once
 */
export const keptForm = (event) => ofBrowser.read(placeOf(event));

/** @param {string} event @param {Values} base @param {Values} values @param {string} [key] */
export function keepForm(event, base, values, key = newKey()) {
  ofBrowser.write(placeOf(event), { base, values, key });
}

/** @param {string} event */
export const forgetForm = (event) => ofBrowser.write(placeOf(event), null);
