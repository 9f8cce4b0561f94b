// @ts-check
// Amounts, moments and lengths of time, as people write them.

import { locale } from "./index.js";

// By their digits behind the point; all others have two. What browsers think of it differs.
const NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND";

/** @typedef {{amount: number, currency: string}} Money in minor units */

/** @param {string} currency @returns {number} its digits behind the point */
export function exponentOf(currency) {
  if (NO_DIGITS.split(" ").includes(currency)) return 0;
  return THREE_DIGITS.split(" ").includes(currency) ? 3 : 2;
}

/** @param {number} amount in minor units @param {string} currency */
export function amountText(amount, currency) {
  const digits = exponentOf(currency);
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
}

/** @param {Money} money */
export const moneyText = ({ amount, currency }) => amountText(amount, currency);

/**
 * A moment on the clocks of a zone.
 * @param {string | number} at @param {string} zone of IANA @param {Intl.DateTimeFormatOptions} form
 */
export function momentIn(at, zone, form) {
  try {
    return new Intl.DateTimeFormat(locale, { ...form, timeZone: zone }).format(new Date(at));
  } catch (error) {
    // A zone that is newer than this browser.
    if (!(error instanceof RangeError)) throw error;
    return `${new Intl.DateTimeFormat(locale, { ...form, timeZone: "UTC" }).format(new Date(at))} UTC`;
  }
}

/** A moment in full, with its zone. @param {string} at @param {string} zone */
export function momentText(at, zone) {
  const text = momentIn(at, zone, { dateStyle: "full", timeStyle: "short" });
  return `${text} (${zone.replaceAll("_", " ")})`;
}

/** The time on the reader's own clock: for what is over in minutes. @param {number} ms */
export const clockText = (ms) =>
  new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(ms));

/** @param {number} ms since 1970 */
export const dayText = (ms) =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(ms));

/** What is left of a time, as 4:05. @param {number} ms */
export function leftText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {number} ppm parts per million */
export const percentText = (ppm) =>
  new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 }).format(
    ppm / 1_000_000,
  );

/** @param {number} number */
export const numberText = (number) => new Intl.NumberFormat(locale).format(number);
