// @ts-check
// What is told of an event before anything is bought: when, where, what it costs, whether it
// sells.

import { amountText, dayText, momentIn, momentText } from "../words/format.js";
import { html } from "../vendor/preact/standalone.js";

const FEW = 0.1; // of all places, below which the rest is few

/** @typedef {import("../words/index.js").Translate} Translate */

/**
 * The lowest and the highest price of an event, types included.
 * @param {any} event @returns {{from: number, to: number, currency: string} | null}
 */
export function priceRange(event) {
  const all = [
    ...Object.values(event.prices),
    ...Object.values(event.types).flatMap((/** @type {any} */ type) => Object.values(type.prices)),
  ];
  if (all.length === 0) return null;
  const amounts = all.map(({ amount }) => amount);
  return { from: Math.min(...amounts), to: Math.max(...amounts), currency: all[0].currency };
}

/** @param {Translate} t @param {any} event */
export function priceText(t, event) {
  const range = priceRange(event);
  if (range === null || range.to === 0) return t("common.free");
  const from = amountText(range.from, range.currency);
  return range.from === range.to ? from : t("buy.from", { price: from });
}

/** When it is, on the clocks of its zone. @param {any} event */
export function whenText({ starts_at, ends_at, timezone }) {
  if (!ends_at) return momentText(starts_at, timezone);
  const day = (/** @type {string} */ at) => momentIn(at, timezone, { dateStyle: "short" });
  const form =
    day(starts_at) === day(ends_at)
      ? { timeStyle: /** @type {const} */ ("short") }
      : { dateStyle: /** @type {const} */ ("medium"), timeStyle: /** @type {const} */ ("short") };
  const begin = momentIn(starts_at, timezone, { dateStyle: "full", timeStyle: "short" });
  return `${begin} – ${momentIn(ends_at, timezone, form)} (${timezone.replaceAll("_", " ")})`;
}

/**
 * How an event sells, in a word or two.
 * @param {Translate} t @param {any} event
 * @param {number} left how many places are free, as far as that is known
 * @returns {{text: string, tone: string}}
 */
export function saleWords(t, event, left) {
  switch (event.status) {
    case "scheduled":
      return event.on_sale_at
        ? { text: t("buy.opens", { at: dayText(Date.parse(event.on_sale_at)) }), tone: "wait" }
        : { text: t("buy.soon"), tone: "wait" };
    case "on_sale":
      if (left <= 0) return { text: t("buy.soldOut"), tone: "bad" };
      return left <= event.places * FEW && left < event.places
        ? { text: t("buy.few", { n: left }), tone: "wait" }
        : { text: t("buy.onSale"), tone: "good" };
    case "paused":
      return { text: t("buy.paused"), tone: "wait" };
    case "cancelled":
      return { text: t("buy.cancelled"), tone: "bad" };
    case "completed":
      return { text: t("buy.over"), tone: "" };
    default:
      return { text: t("buy.closed"), tone: "" };
  }
}

/** @param {{words: {text: string, tone: string}}} props */
export const SalePill = ({ words }) =>
  html`<span class=${`pill ${words.tone}`}>${words.text}</span>`;

/**
 * An event's image, or a quiet ground in its place.
 * @param {{image: any, large?: boolean}} props
 */
export function Picture({ image, large = false }) {
  if (image === null)
    return large ? null : html`<div class="picture none" aria-hidden="true"></div>`;
  return html`<img class="picture" src=${large ? image.url : image.small_url}
    width=${image.width} height=${image.height} alt=${image.caption}
    loading=${large ? "eager" : "lazy"} decoding="async" />`;
}
