// @ts-check
// Amounts as people type them.

import { exponentOf } from "../words/format.js";

/** What somebody typed as an amount, in minor units; null where it is none, or finer than
 * the currency is.
 * @param {string} text @param {string} currency @returns {number | null} */
export function amountOf(text, currency) {
  const digits = exponentOf(currency);
  const found = /^(\d{1,9})(?:[.,](\d*))?$/.exec(text.trim());
  if (found === null || (found[2] ?? "").length > digits) return null;
  return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
}
