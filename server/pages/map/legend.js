// @ts-check
// Categories with colour, price and what is free; pressing some shows only those as
// choosable. Below, what the signs on the map mean.

import { html, useEffect, useMemo, useState } from "../vendor/preact/standalone.js";
import { moneyText } from "../words/format.js";
import { themeOf } from "./colors.js";
import { ACCESSIBLE, RESTRICTED, modelOf } from "./model.js";
import { FREE } from "./tally.js";

/** @typedef {{amount: number, currency: string}} Money */
/** @typedef {{name: string, prices?: Record<string, Money>}} Type */

const SIGNS = [
  ["free", "isFree"], ["held", "isHeld"], ["booked", "isBooked"], ["mine", "isMine"],
];

/** The signs that a map needs. @param {any} map @returns {string[][]} */
function signsOf(map) {
  const { flags, count } = modelOf(map);
  if (count === 0) return [];
  const special = [["wheelchair", "accessible", ACCESSIBLE], ["restricted", "restricted", RESTRICTED]];
  const used = special.filter(([, , flag]) => flags.some((one) => (one & Number(flag)) !== 0));
  return [...SIGNS, ...used.map(([sign, word]) => [String(sign), String(word)])];
}

/** Free places by category's place. @param {any} map @param {any} state */
function freeByCategory(map, state) {
  const model = modelOf(map);
  const free = new Uint32Array(model.categories.length);
  for (let i = 0; i < model.count; i++) if (state.seats[i] === FREE) free[model.category[i]]++;
  for (const area of model.areas) free[area.category] += state.areas.get(area.label)?.free ?? 0;
  return free;
}

/** The categories of which there is a place, each with where it stands in the map's list.
 * @param {any} map @returns {any[]} */
function usedCategories(map) {
  const { category, areas } = modelOf(map);
  const used = new Set([...category, ...areas.map((area) => area.category)]);
  return map.categories
    .map((/** @type {any} */ one, /** @type {number} */ i) => ({ ...one, i }))
    .filter((/** @type {any} */ { i }) => used.has(i));
}

/** The price of a category, or the span of its types'.
 * @param {string} key @param {Record<string, Money>} prices @param {Type[]} types
 * @param {(money: Money) => string} format @param {import("../words/index.js").Translate} t */
function priceOf(key, prices, types, format, t) {
  const own = prices[key];
  if (own === undefined) return "";
  const all = [own, ...types.map((type) => type.prices?.[key] ?? own)];
  all.sort((a, b) => a.amount - b.amount);
  const [least, most] = [all[0], all[all.length - 1]];
  if (least.amount === most.amount) return format(least);
  return t("map.range", { least: format(least), most: format(most) });
}

/** What a press on a category makes of the filter; none left is all.
 * @param {Set<string> | null} filter @param {string} key @returns {Set<string> | null} */
export function pressed(filter, key) {
  const next = new Set(filter ?? []);
  if (!next.delete(key)) next.add(key);
  return next.size === 0 ? null : next;
}

/**
 * Show it again with the same props after the state changed: it counts by itself.
 * @param {{map: any, state: any, prices?: Record<string, Money>, types?: Type[],
 *   filter: Set<string> | null, onFilter: (filter: Set<string> | null) => void,
 *   t: import("../words/index.js").Translate, format?: (money: Money) => string}} props
 */
export function Legend({
  map, state, prices = {}, types = [], filter, onFilter, t, format = moneyText,
}) {
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const listener = () => setDark(scheme.matches);
    scheme.addEventListener("change", listener);
    return () => scheme.removeEventListener("change", listener);
  }, []);
  const colors = useMemo(() => paperColors(map.categories), [map, dark]);
  const free = freeByCategory(map, state);
  const signs = useMemo(() => signsOf(map), [map]);
  const categories = useMemo(() => usedCategories(map), [map]);
  return html`<section class="map-legend" aria-label=${t("map.legend")}>
    <ul>${categories.map((/** @type {any} */ { key, label, i }) => html`<li key=${key}>
      <button type="button" aria-pressed=${String(filter?.has(key) ?? false)}
        class=${filter !== null && !filter.has(key) ? "faint" : ""}
        onClick=${() => onFilter(pressed(filter, key))}>
        <span class="map-swatch" style=${{ background: colors[i] }}></span>
        <span class="legend-name" dir="auto">${label}</span>
        <span class="legend-facts number">
          <span class="legend-price">${priceOf(key, prices, types, format, t)}</span>
          <span class="legend-free">${free[i] ? t("map.free", { n: free[i] }) : t("map.soldOut")}</span>
        </span>
      </button></li>`)}
    </ul>
    ${filter !== null && html`<button type="button" class="button bare" onClick=${() => onFilter(null)}>
      ${t("map.all")}</button>`}
    <ul class="legend-signs" aria-label=${t("map.meaning")}>${signs.map(([sign, word]) => html`
      <li key=${sign}><span class=${`legend-sign ${sign}`} aria-hidden="true"></span>${t(`map.${word}`)}</li>`)}
    </ul>
  </section>`;
}

/** @param {any[]} categories */
function paperColors(categories) {
  // Names of the map's colours stand on its own elements: one that is there for a moment.
  const probe = document.createElement("div");
  probe.className = "map-legend";
  probe.hidden = true;
  document.body.append(probe);
  const { full } = themeOf(probe, categories);
  probe.remove();
  return full;
}
