// @ts-check
// What one holds: each place with its price, as which type, how long, and what it comes to.

import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { amountText, leftText, moneyText } from "../words/format.js";
import { both, nameOfArea } from "./choose.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */
/** @typedef {{label: string, area: boolean, place: number, category: string}} Item */

const WARNING_MS = 60_000;
const TICK_MS = 250;

/**
 * The places of a hold, one by one: those of areas are counted.
 * @param {Sale} sale
 * @returns {Item[]}
 */
export function itemsOf(sale) {
  const { hold, map, indexes } = sale;
  if (hold === null) return [];
  const seats = hold.seats.map((label) => ({
    label,
    area: false,
    place: 0,
    category: map.seats[indexes?.get(label) ?? 0].category,
  }));
  const areas = Object.entries(hold.areas).flatMap(([label, count]) => {
    const { category } = map.areas.find((/** @type {any} */ one) => one.label === label);
    return Array.from({ length: count }, (_, place) => ({ label, area: true, place, category }));
  });
  return [...seats, ...areas];
}

/** What a place is bought as; places of an area are told apart by their turn.
 * @param {Sale} sale @param {Item} item @returns {string} the type's key, or "" */
export function kindOf(sale, item) {
  const kind = sale.kinds[item.label];
  if (kind === undefined || typeof kind === "string") return typeof kind === "string" ? kind : "";
  return Object.entries(kind).flatMap(([key, count]) => Array(count).fill(key))[item.place] ?? "";
}

/** @param {Sale} sale @param {Item} item @param {string} key */
function setKind(sale, item, key) {
  const kinds = { ...sale.kinds };
  if (!item.area) {
    delete kinds[item.label];
    if (key) kinds[item.label] = key;
  } else {
    const all = itemsOf(sale)
      .filter((one) => one.area && one.label === item.label)
      .map((one) => (one.place === item.place ? key : kindOf(sale, one)));
    /** @type {Record<string, number>} */
    const counts = {};
    for (const one of all) if (one) counts[one] = (counts[one] ?? 0) + 1;
    delete kinds[item.label];
    if (Object.keys(counts).length) kinds[item.label] = counts;
  }
  sale.setKinds(kinds);
}

/**
 * What each place costs as the server says; null while that is not known.
 * @param {Sale} sale @param {Item[]} items @returns {(number | null)[]}
 */
function pricesOf(sale, items) {
  const lines = [...(sale.quote?.lines ?? [])];
  return items.map((item) => {
    const kind = kindOf(sale, item) || null;
    const at = lines.findIndex((line) => line.label === item.label && line.type === kind);
    return at < 0 ? null : lines.splice(at, 1)[0].unit;
  });
}

/** The time that is left of a hold, in ms. @param {import("./sale.js").Hold | null} hold */
export function useLeft(hold) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (hold === null) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), TICK_MS);
    return () => clearInterval(timer);
  }, [hold?.hold]);
  return hold === null ? 0 : hold.until - performance.now();
}

/** @param {{t: Translate, sale: Sale}} props */
function Clock({ t, sale }) {
  const left = useLeft(sale.hold);
  const soon = left < WARNING_MS;
  return html`<div class=${soon ? "clock soon" : "clock"}>
    <p><span>${t("buy.yoursFor")}</span>${" "}
      <b class="number" role="timer" data-testid="hold-countdown">${leftText(left)}</b></p>
    <div role="alert">${
      soon &&
      left > 0 &&
      html`<p class="row apart">
      <span>${t("buy.hurry")}</span>
      <button type="button" class="button" onClick=${() => sale.extend()}>
        ${t("buy.moreTime")}</button></p>`
    }
    ${left <= 0 && html`<p>${t("buy.timeIsOver")}</p>`}</div>
  </div>`;
}

/** @param {{t: Translate, sale: Sale, item: Item, price: number | null}} props */
function Row({ t, sale, item, price }) {
  const { event, hold, quote } = sale;
  const types = /** @type {[string, any][]} */ (Object.entries(event.types));
  const told = (/** @type {any} */ price) =>
    price === undefined ? "" : price.amount === 0 ? t("common.free") : moneyText(price);
  const name = item.area ? nameOfArea(t, item.label) : item.label;
  const drop = () =>
    sale.giveBack(item.area ? { areas: { [item.label]: 1 } } : { seats: [item.label] });
  const choose = (/** @type {any} */ { target }) => setKind(sale, item, target.value);
  const category = sale.map.categories.find((/** @type {any} */ one) => one.key === item.category);
  return html`<li class="held">
    <span class="what"><bdi>${name}</bdi>
      ${!item.area && category && html`<small class="quiet" dir="auto">
        ${category.label}</small>`}</span>
    ${
      types.length > 0 &&
      html`<select class="type" aria-label=${t("buy.typeOf", { seat: name })} onChange=${choose}>
      <option value="" selected=${kindOf(sale, item) === ""}>
        ${both(t("buy.normal"), told(event.prices[item.category]))}</option>
      ${types.map(
        ([key, type]) => html`<option key=${key} value=${key}
        selected=${kindOf(sale, item) === key}>${both(
          type.name,
          told(type.prices[item.category] ?? event.prices[item.category]),
        )}</option>`,
      )}
    </select>`
    }
    <span class="number price">${
      price === null || hold?.total === null ? "" : amountText(price, quote.currency)
    }</span>
    <button type="button" class="button bare drop"
      aria-label=${t("buy.drop", { seat: name })} onClick=${drop}>
      <span aria-hidden="true">✕</span></button>
  </li>`;
}

/** What the places cost without fees, by their types where those are known.
 * @param {import("./sale.js").Hold} hold @param {any} quote */
function placesTotal(hold, quote) {
  if (!quote?.currency) return hold.total;
  const amount = quote.lines.reduce(
    (/** @type {number} */ sum, /** @type {any} */ line) => sum + line.unit,
    0,
  );
  return { amount, currency: quote.currency };
}

/** What it comes to. @param {{t: Translate, sale: Sale}} props */
export function Sum({ t, sale }) {
  const { hold, quote, event } = sale;
  if (hold === null) return null;
  const places = placesTotal(hold, quote);
  const tax = quote?.tax;
  const added = !event.tax.included;
  const same = !quote?.total || quote.total.amount === places?.amount;
  return html`<dl class="sum">
    <div><dt>${t(same ? "buy.total" : "buy.places")}</dt>
      <dd class="number" data-testid="hold-total">
        ${places?.amount ? moneyText(places) : t("common.free")}</dd></div>
    ${
      quote?.discount?.amount > 0 &&
      html`<div class="less"><dt>${t("buy.discount")}</dt>
      <dd class="number" data-testid="quote-discount">−${moneyText(quote.discount)}</dd></div>`
    }
    ${
      quote?.fees?.amount > 0 &&
      html`<div class="less"><dt>${t("buy.fees")}</dt>
      <dd class="number">${moneyText(quote.fees)}</dd></div>`
    }
    ${
      tax?.amount > 0 &&
      added &&
      html`<div class="less"><dt>${event.tax.name || t("buy.tax")}</dt>
      <dd class="number">${moneyText(tax)}</dd></div>`
    }
    ${
      !same &&
      html`<div class="all"><dt>${t("buy.toPay")}</dt>
      <dd class="number" data-testid="quote-total">${moneyText(quote.total)}</dd></div>`
    }
    ${
      tax?.amount > 0 &&
      !added &&
      html`<p class="quiet small">${t("buy.taxInside", {
        tax: moneyText(tax),
        name: event.tax.name || t("buy.tax"),
      })}</p>`
    }
  </dl>`;
}

/** @param {{t: Translate, sale: Sale, sums?: boolean}} props `sums` what it comes to */
export function Held({ t, sale, sums = true }) {
  const items = itemsOf(sale);
  const prices = pricesOf(sale, items);
  return html`<div class="stack">
    <${Clock} t=${t} sale=${sale} />
    <ul class="held-list" data-testid="hold-seats" aria-label=${t("buy.yourPlaces")}>
      ${items.map(
        (item, index) => html`<${Row} key=${`${item.label} ${item.place}`} t=${t} sale=${sale}
        item=${item} price=${prices[index]} />`,
      )}</ul>
    ${sums && html`<${Sum} t=${t} sale=${sale} />`}
  </div>`;
}
