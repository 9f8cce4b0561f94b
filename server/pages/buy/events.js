// @ts-check
// The page with the events: looked for, filtered, in pages. What is asked for stands in the
// address, so that going back finds it again.

import { Refused, read } from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { Picture, SalePill, priceText, saleWords, whenText } from "./facts.js";

const t = await words("buy");
const PAGE = 60;
const TYPING_MS = 250;
const NAMES = ["q", "when", "category", "tag", "sale"];

/** @typedef {Record<string, string>} Wish by the names that stand in the address */

/** @returns {Wish} */
function wishOfAddress() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
}

/** @param {Wish} wish */
function writeAddress(wish) {
  const query = new URLSearchParams(Object.entries(wish).filter(([, value]) => value));
  const text = query.size ? `?${query}` : location.pathname;
  history.replaceState(null, "", text);
}

/** The days that a choice of time means, on the reader's clocks. @param {string} when */
function daysOf(when) {
  const today = new Date();
  today.setHours(0, 0, 0, 0);
  const at = (/** @type {number} */ days) => {
    const day = new Date(today);
    day.setDate(day.getDate() + days);
    return day.toISOString();
  };
  const untilSaturday = (6 - today.getDay() + 7) % 7;
  if (when === "today") return { to: at(1) };
  if (when === "week") return { to: at(7) };
  if (when === "month") return { to: at(30) };
  if (when !== "weekend") return {};
  // On a Sunday the weekend is today.
  return today.getDay() === 0
    ? { to: at(1) }
    : { from: at(untilSaturday), to: at(untilSaturday + 2) };
}

/** @param {Wish} wish @param {string | null} cursor @returns {string} */
function pathOf(wish, cursor) {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (wish.when === "past") {
    query.set("upcoming", "false");
    query.set("sort", "-starts_at");
  } else query.set("upcoming", "true");
  for (const [name, value] of Object.entries(daysOf(wish.when))) query.set(name, value);
  if (wish.q.trim()) query.set("q", wish.q.trim());
  if (wish.category) query.set("category", wish.category);
  if (wish.tag) query.set("tag", wish.tag);
  if (wish.sale === "now") query.set("status", "on_sale");
  if (wish.sale === "free") query.set("free", "true");
  if (cursor) query.set("cursor", cursor);
  return `/v1/events?${query}`;
}

/** @typedef {{items: any[] | null, cursor: string | null, trouble: string}} Listed */

/** The events of a wish; what comes late of another wish is dropped. @param {Wish} wish */
function useEvents(wish) {
  const [listed, setListed] = useState(
    /** @type {Listed} */ ({ items: null, cursor: null, trouble: "" }),
  );
  const turn = useRef(0);
  const load = async (/** @type {Listed | null} */ former) => {
    const mine = ++turn.current;
    try {
      const answer = await read(pathOf(wish, former?.cursor ?? null));
      if (mine !== turn.current) return;
      const items = [...(former?.items ?? []), ...answer.items];
      setListed({ items, cursor: answer.next_cursor, trouble: "" });
    } catch (error) {
      if (mine !== turn.current) return;
      const trouble = error instanceof Refused ? error.message : t("common.unreachable");
      setListed({ ...(former ?? { items: null, cursor: null }), trouble });
    }
  };
  const key = JSON.stringify(wish);
  useEffect(() => {
    const timer = setTimeout(() => load(null), listed.items === null ? 0 : TYPING_MS);
    return () => clearTimeout(timer);
  }, [key]);
  return { ...listed, more: () => load(listed), again: () => load(null) };
}

/** @param {{event: any}} props */
function Card({ event }) {
  const sale = saleWords(t, event, event.places - event.registrations);
  return html`<li>
    <a class="card event" data-testid="event-card"
      href=${`/events/${encodeURIComponent(event.id)}`}>
      <${Picture} image=${event.image} />
      <span class="told">
        <strong class="name" dir="auto">${event.name}</strong>
        <time datetime=${event.starts_at}>${whenText(event)}</time>
        ${event.venue_name && html`<span class="quiet" dir="auto">${event.venue_name}</span>`}
        <span class="row apart foot-of-card">
          <span>${priceText(t, event)}</span><${SalePill} words=${sale} />
        </span>
      </span>
    </a></li>`;
}

/** @param {{label: string, name: string, wish: Wish, choices: [string, string][],
 *   onWish: (wish: Wish) => void}} props */
function Choice({ label, name, wish, choices, onWish }) {
  const change = (/** @type {any} */ event) => onWish({ ...wish, [name]: event.target.value });
  return html`<label class="field"><span>${label}</span>
    <select name=${name} onChange=${change}>
      ${choices.map(
        ([value, text]) =>
          html`<option key=${value} value=${value} selected=${wish[name] === value}>
            ${text}</option>`,
      )}
    </select></label>`;
}

/** @param {{wish: Wish, categories: string[], onWish: (wish: Wish) => void}} props */
function Filters({ wish, categories, onWish }) {
  const times = /** @type {[string, string][]} */ (
    ["", "today", "weekend", "week", "month", "past"].map((one) => [
      one,
      t(`buy.when_${one || "any"}`),
    ])
  );
  const sales = /** @type {[string, string][]} */ (
    ["", "now", "free"].map((one) => [one, t(`buy.sale_${one || "any"}`)])
  );
  const kinds = /** @type {[string, string][]} */ ([
    ["", t("buy.category_any")],
    ...categories.map((one) => [one, one]),
  ]);
  const type = (/** @type {any} */ event) => onWish({ ...wish, q: event.target.value });
  return html`<form class="filters" role="search"
    onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <label class="field wide"><span>${t("buy.search")}</span>
      <input type="search" name="q" value=${wish.q} maxlength="100" onInput=${type}
        placeholder=${t("buy.searchHint")} /></label>
    <${Choice} label=${t("buy.when")} name="when" wish=${wish} choices=${times} onWish=${onWish} />
    ${
      (categories.length > 1 || wish.category) &&
      html`<${Choice} label=${t("buy.kind")} name="category"
      wish=${wish} choices=${kinds} onWish=${onWish} />`
    }
    <${Choice} label=${t("buy.sale")} name="sale" wish=${wish} choices=${sales} onWish=${onWish} />
    ${
      wish.tag &&
      html`<button type="button" class="button" onClick=${() => onWish({ ...wish, tag: "" })}>
      <span dir="auto">#${wish.tag}</span> <span aria-hidden="true">✕</span>
      <span class="unseen">${t("buy.dropTag")}</span></button>`
    }
  </form>`;
}

/** @param {{wish: Wish, onWish: (wish: Wish) => void}} props */
function Nothing({ wish, onWish }) {
  const asked = NAMES.some((name) => wish[name]);
  const all = Object.fromEntries(NAMES.map((name) => [name, ""]));
  return html`<div class="empty">
    <h2>${t(asked ? "buy.noneFound" : "buy.none")}</h2>
    <p>${t(asked ? "buy.noneFoundHint" : "buy.noneHint")}</p>
    ${
      asked
        ? html`<button class="button" onClick=${() => onWish(all)}>${t("buy.showAll")}</button>`
        : html`<button class="button" onClick=${() => onWish({ ...all, when: "past" })}>
          ${t("buy.showPast")}</button>`
    }
  </div>`;
}

function Skeletons() {
  return html`<ul class="events" aria-hidden="true">${[1, 2, 3, 4, 5, 6].map(
    (one) =>
      html`<li key=${one}><div class="card event"><div class="picture skeleton"></div>
      <div class="told"><span class="skeleton line"></span><span class="skeleton line half"></span>
        </div>
    </div></li>`,
  )}</ul>`;
}

function Events() {
  const [wish, setWish] = useState(wishOfAddress);
  const [categories, setCategories] = useState(/** @type {string[]} */ ([]));
  const { items, cursor, trouble, more, again } = useEvents(wish);
  const onWish = (/** @type {Wish} */ next) => {
    writeAddress(next);
    setWish(next);
  };
  useEffect(() => {
    // Those of what was seen: none of them is lost by filtering.
    const seen = new Set([...categories, ...(items ?? []).flatMap((one) => one.category ?? [])]);
    if (seen.size !== categories.length) setCategories([...seen].sort());
  }, [items]);
  return html`<${Page} t=${t} here="events">
    <h1>${t("buy.events")}</h1>
    <${Filters} wish=${wish} categories=${categories} onWish=${onWish} />
    <div aria-busy=${items === null}>
      ${
        trouble &&
        html`<div class="note bad row apart" role="alert"><span>${trouble}</span>
        <button class="button" onClick=${items ? more : again}>${t("common.again")}</button></div>`
      }
      ${items === null && !trouble && html`<${Skeletons} />`}
      ${items?.length === 0 && html`<${Nothing} wish=${wish} onWish=${onWish} />`}
      ${
        items &&
        items.length > 0 &&
        html`<ul class="events">
        ${items.map((event) => html`<${Card} key=${event.id} event=${event} />`)}</ul>`
      }
      ${items && cursor && html`<p class="more"><button class="button" onClick=${more}>
        ${t("buy.more")}</button></p>`}
    </div>
    <p class="unseen" role="status">${items && t("buy.found", { n: items.length })}</p>
  <//>`;
}

entitle(t("buy.events"));
show(html`<${Events} />`);
