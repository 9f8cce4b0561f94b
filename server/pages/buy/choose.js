// @ts-check
// Saying what one wants without the map: the best places by number and category, and how
// many of each area.

import { html, useMemo, useState } from "../vendor/preact/standalone.js";
import { moneyText } from "../words/format.js";
import { companionPairs, holdFirst } from "./wishes.js";

const PAIR = 2;

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */

/** @param {any} map @returns {any[]} categories that have seats, in the map's order */
export function seatedCategories(map) {
  const seated = new Set(map.seats.map((/** @type {any} */ seat) => seat.category));
  return map.categories.filter((/** @type {any} */ one) => seated.has(one.key));
}

/** @param {any} event @param {string} category @param {Translate} t */
const told = (event, category, t) => {
  const price = event.prices[category];
  if (price === undefined) return "";
  return price.amount === 0 ? t("common.free") : moneyText(price);
};

/** @param {string} name @param {string} price */
export const both = (name, price) =>
  price ? `${name} – ${price}` : name;

/**
 * What can be wished for: any seat, one category, or places of an area.
 * @param {Translate} t @param {any} event @param {any} map @param {any[]} seated
 * @returns {{value: string, text: string}[]}
 */
function wishesOf(t, event, map, seated) {
  const seats = seated.map((one) => ({
    value: `c ${one.key}`,
    text: both(one.label, told(event, one.key, t)),
  }));
  if (seats.length > 1) seats.unshift({ value: "any", text: t("buy.anySeat") });
  const areas = map.areas.map((/** @type {any} */ area) => ({
    value: `a ${area.label}`,
    text: both(nameOfArea(t, area.label), told(event, area.category, t)),
  }));
  return [...seats, ...areas];
}

/** @param {Translate} t @param {string} label */
export const nameOfArea = (t, label) => (label === "GA" ? t("buy.admission") : label);

/**
 * One choice after the other, of which each is wished for once.
 * @param {{t: Translate, wishes: {value: string, text: string}[], chosen: string[],
 *   onChoose: (chosen: string[]) => void}} props
 */
function Wishes({ t, wishes, chosen, onChoose }) {
  const free = wishes.filter(({ value }) => !chosen.includes(value));
  // Who wants a seat wants another before a place to stand.
  const next = free.find(({ value }) => value.startsWith("c ")) ?? free[0];
  const put = (/** @type {number} */ at, /** @type {string} */ value) =>
    onChoose(chosen.map((one, i) => (i === at ? value : one)));
  return html`${chosen.map(
    (wish, at) => html`<div key=${at} class=${at ? "field otherwise" : "field"}>
      <label for=${`wish-${at}`}>${t(at ? "buy.otherwise" : "buy.where")}</label>
      <div class="row"><select id=${`wish-${at}`} data-testid=${at ? "otherwise" : "category"}
        onChange=${(/** @type {any} */ { target }) => put(at, target.value)}>
        ${wishes
          .filter(({ value }) => value === wish || !chosen.includes(value))
          .map(({ value, text }) => html`<option key=${value} value=${value}
            selected=${value === wish}>${text}</option>`)}
      </select>
      ${
        at > 0 &&
        html`<button type="button" class="button" aria-label=${t("buy.notThis")}
        onClick=${() => onChoose(chosen.filter((_, i) => i !== at))}>×</button>`
      }</div></div>`,
  )}
  ${
    // After any seat there is no other.
    next !== undefined &&
    chosen[chosen.length - 1] !== "any" &&
    html`<button type="button" class="button bare" data-testid="add-otherwise"
      onClick=${() => onChoose([...chosen, next.value])}>
      ${t("buy.addOtherwise")}</button>`
  }`;
}

/**
 * @param {{label: string, checked: boolean, onCheck: (checked: boolean) => void}} props
 */
export const Tick = ({ label, checked, onCheck }) =>
  html`<label class="tick"><input type="checkbox" checked=${checked}
    onChange=${(/** @type {any} */ { target }) => onCheck(target.checked)} /> ${label}</label>`;

/** @param {{t: Translate, sale: Sale, enabled: boolean}} props */
export function Choose({ t, sale, enabled }) {
  const { event, map } = sale;
  const seated = useMemo(() => seatedCategories(map), [map]);
  const hasAccessible = useMemo(
    () => map.seats.some((/** @type {any} */ seat) => seat.accessible),
    [map],
  );
  const hasCompanions = useMemo(
    () => event.max_per_booking >= PAIR && companionPairs(map).length > 0,
    [map, event.max_per_booking],
  );
  const wishes = wishesOf(t, event, map, seated);
  const [chosen, setChosen] = useState([wishes[0]?.value ?? "any"]);
  const [quantity, setQuantity] = useState(Math.min(PAIR, event.max_per_booking));
  const [accessible, setAccessible] = useState(false);
  const [companion, setCompanion] = useState(false);
  const [together, setTogether] = useState(true);
  const [told, setTold] = useState("");
  const seats = chosen.some((wish) => !wish.startsWith("a "));
  const paired = hasCompanions && accessible && companion && seats;
  const submit = async (/** @type {Event} */ given) => {
    given.preventDefault();
    // A second tap would take as many again.
    if (sale.busy > 0) return;
    setTold("");
    const how = { quantity, accessible, adjacent: together, companion: paired };
    const taken = await holdFirst(sale, chosen, how);
    if (taken === null || taken === chosen[0]) return;
    const name = (/** @type {string} */ wish) => wishes.find(({ value }) => value === wish)?.text;
    setTold(t("buy.tookOther", { wish: name(chosen[0]) ?? "", taken: name(taken) ?? "" }));
  };
  return html`<form class="choose" onSubmit=${submit}>
    <label class="field few"><span>${t("buy.quantity")}</span>
      <input data-testid="quantity" type="number" inputmode="numeric" min="1"
        max=${event.max_per_booking} required disabled=${paired}
        value=${paired ? PAIR : quantity}
          onInput=${(/** @type {any} */ { target }) => setQuantity(target.valueAsNumber)} /></label>
    <${Wishes} t=${t} wishes=${wishes} chosen=${chosen} onChoose=${setChosen} />
    ${
      seats &&
      map.seats.length > 0 &&
      html`<div class="row ticks">
      <${Tick} label=${t("buy.together")} checked=${together} onCheck=${setTogether} />
      ${
        hasAccessible &&
        html`<${Tick} label=${t("buy.accessible")} checked=${accessible}
          onCheck=${setAccessible} />`
      }
      ${
        hasCompanions &&
        accessible &&
        html`<${Tick} label=${t("buy.companion")} checked=${companion}
          onCheck=${setCompanion} />`
      }
    </div>`
    }
    <button class=${sale.hold ? "button" : "button first"} data-testid="best-available"
      disabled=${!enabled} aria-disabled=${sale.busy > 0}>
        ${t(seats ? "buy.best" : "buy.takePlaces")}</button>
    <p class=${told ? "note small" : "unseen"} role="status" data-testid="taken">${told}</p>
  </form>`;
}

/**
 * Places without numbers: how many of each.
 * @param {{t: Translate, sale: Sale, enabled: boolean}} props
 */
export function Areas({ t, sale, enabled }) {
  const { event, map, state, hold } = sale;
  const none = Object.keys(hold?.areas ?? {}).length === 0;
  if (map.areas.length === 0 || map.seats.length === 0 || (none && !enabled)) return null;
  return html`<section class="areas stack" aria-labelledby="areas-title">
    <h3 id="areas-title">${t("buy.areas")}</h3>
    <ul class="stack">${map.areas.map((/** @type {any} */ area) => {
      const mine = hold?.areas[area.label] ?? 0;
      const free = state?.areas.get(area.label)?.free ?? 0;
      const more = enabled && free > 0;
      return html`<li key=${area.label} class="row apart stepper-row" data-area=${area.label}>
        <span><bdi>${area.label}</bdi><small class="quiet">${[
          told(event, area.category, t),
          t("buy.freeHere", { n: free }),
        ]
          .filter(Boolean)
          .join(" · ")}</small></span>
        <span class="stepper">
          <button type="button" class="button" disabled=${mine === 0}
            aria-label=${t("buy.oneLess", { area: area.label })}
            onClick=${() => sale.changeArea(area.label, -1)}>−</button>
          <output aria-live="off">${mine}</output>
          <button type="button" class="button" disabled=${!more}
            aria-label=${t("buy.oneMore", { area: area.label })}
            onClick=${() => sale.changeArea(area.label, 1)}>+</button>
        </span></li>`;
    })}</ul>
  </section>`;
}

/** Show the stepper of an area that was tapped on the map. @param {string} label */
export function showStepper(label) {
  const row = [...document.querySelectorAll("[data-area]")].find(
    (one) => /** @type {HTMLElement} */ (one).dataset.area === label,
  );
  row?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  /** @type {HTMLElement | null | undefined} */ (
    row?.querySelector("button:last-of-type:enabled")
  )?.focus({
    preventScroll: true,
  });
}
