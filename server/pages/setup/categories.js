// @ts-check
// The categories that an event has prices for.

/** @typedef {import("../words/index.js").Translate} Translate */

/** What an event with just a capacity has, as in the server. */
const GA = "GA";

/** @param {Translate} t @param {any[] | null} ofVenue @returns {{key: string, label: string}[]} */
export const categoriesOf = (t, ofVenue) => ofVenue ?? [{ key: GA, label: t("setup.ga") }];

/**
 * Which category or type the path of a field is of: `prices.9.amount` is "Stalls".
 * @param {any} values @param {{key: string, label: string}[]} categories
 */
export const nameIn = (values, categories) => (/** @type {string} */ field) => {
  const [top, key] = field.split(".");
  if (top === "prices") return categories.find((one) => one.key === key)?.label ?? key ?? "";
  if (top === "types") return values.types.find((/** @type {any} */ one) => one.key === key)?.name ?? key ?? "";
  return "";
};
