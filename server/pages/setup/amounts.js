// @ts-check
// Amounts and shares as people type them.

import { exponentOf } from "../words/format.js";
import { locale } from "../words/index.js";

const PPM = 10_000; // of a per cent

/** @param {number} value @param {number} digits behind the point, at least and at most @param {number} [least] */
const written = (value, digits, least = digits) =>
  new Intl.NumberFormat(locale, {
    useGrouping: false, minimumFractionDigits: least, maximumFractionDigits: digits,
  }).format(value);

/** @param {number} amount in minor units @param {string} currency @returns {string} as it is typed */
export function typedAmount(amount, currency) {
  const digits = exponentOf(currency);
  return written(amount / 10 ** digits, digits);
}

/** @param {string} text @returns {string | null} a decimal number with a point */
function plain(text) {
  const number = text.trim().replace(",", ".");
  return /^\d+(\.\d*)?$/.test(number) ? number : null;
}

/**
 * @param {string} text as "45", "45.00", "45,00" @param {string} currency
 * @returns {number | null} in minor units; null for what is no amount of that currency
 */
export function amountIn(text, currency) {
  const digits = exponentOf(currency);
  const number = plain(text);
  if (number === null) return null;
  const [whole, part = ""] = number.split(".");
  if (part.length > digits) return null;
  return Number(whole + part.padEnd(digits, "0"));
}

/** @param {number} ppm @returns {string} per cent, as it is typed */
export const typedShare = (ppm) => written(ppm / PPM, 4, 0);

/** @param {string} text of per cent @returns {number | null} in parts per million */
export function shareIn(text) {
  const number = plain(text);
  return number === null ? null : Math.round(Number(number) * PPM);
}
