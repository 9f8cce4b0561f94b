// @ts-check
// The orders of an event: found by what somebody knows of them, and one of them in full.

import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { useWork } from "../own/forms.js";
import { askOwnJson } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText, moneyText, numberText } from "../words/format.js";
import { words } from "../words/index.js";
import { Cancelling } from "./cancel.js";
import { Order, pillOf } from "./order.js";

const t = await words("own", "organise", "office");
const event = named("events");
const home = `/v1/events/${encodeURIComponent(event)}`;
const STATUSES = /** @type {const} */ ([
  "initiated", "payment_pending", "confirmed", "completed", "cancelled", "refunded"]);
const RETURNS = /** @type {const} */ (["none", "part", "full"]);
const PAGE = 50;

/** What is searched for, which the address keeps: a reload shows it again. */
function kept() {
  const query = new URLSearchParams(location.search);
  const one = (/** @type {string} */ name) => query.get(name) ?? "";
  return { q: one("q"), status: one("status"), refund: one("refund") };
}

/** @returns {string} the order that the address names */
const chosen = () => decodeURIComponent(location.hash.slice(1));

/** @param {{q: string, status: string, refund: string}} wanted */
function queryOf(wanted) {
  const named = Object.entries(wanted).filter(([, value]) => value.trim());
  return new URLSearchParams(named.map(([name, value]) => [name, value.trim()])).toString();
}

function Orders() {
  const [wanted, setWanted] = useState(kept);
  const [open, setOpen] = useState(chosen);
  const [more, setMore] = useState(/** @type {{items: any[], next: string | null} | null} */ (null));
  const work = useRead(t, async () => {
    const query = queryOf(kept());
    const [about, page] = await Promise.all([askOwnJson(home),
      askOwnJson(`${home}/orders?limit=${PAGE}&count=true${query && `&${query}`}`)]);
    setMore(null);
    return { about, page };
  });
  const further = useWork(t);
  useEffect(() => {
    const turn = () => setOpen(chosen());
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  const search = (/** @type {Event} */ given) => {
    given.preventDefault();
    const query = queryOf(wanted);
    history.replaceState(null, "", `${location.pathname}${query && `?${query}`}`);
    setOpen("");
    work.load();
  };
  const known = work.known;
  const items = [...(known?.page.items ?? []), ...(more?.items ?? [])];
  const next = more === null ? known?.page.next_cursor : more.next;
  const turnPage = () => further.run(async () => {
    const query = queryOf(kept());
    const cursor = encodeURIComponent(next ?? "");
    const page = await askOwnJson(`${home}/orders?limit=${PAGE}&cursor=${cursor}${query && `&${query}`}`);
    setMore({ items: [...(more?.items ?? []), ...page.items], next: page.next_cursor });
  });
  const put = (/** @type {string} */ name) => (/** @type {any} */ { target }) =>
    setWanted({ ...wanted, [name]: target.value });
  return html`<${Desk} t=${t} title=${t("office.orders")} about=${known?.about.name} work=${work}
      tabs=${tabsOfEvent(event)} here="orders">
    ${known !== null && html`<${Cancelling} t=${t} event=${known.about} home=${home}
      onChange=${work.load} />`}
    <form class="card search" role="search" onSubmit=${search}>
      <label class="field"><span>${t("office.search")}</span>
        <input type="search" name="q" maxlength="200" data-testid="search" value=${wanted.q}
          onInput=${put("q")} /></label>
      <label class="field"><span>${t("office.status")}</span>
        <select data-testid="status" onChange=${put("status")}><option value="">${t("office.any")}</option>
          ${STATUSES.map((one) => html`<option key=${one} value=${one}
            selected=${wanted.status === one}>${t(`office.is_${one}`)}</option>`)}</select></label>
      <label class="field"><span>${t("office.refund")}</span>
        <select onChange=${put("refund")}><option value="">${t("office.any")}</option>
          ${RETURNS.map((one) => html`<option key=${one} value=${one}
            selected=${wanted.refund === one}>${t(`office.refund_${one}`)}</option>`)}</select></label>
      <button class="button first" data-testid="search-go">${t("office.find")}</button>
    </form>
    ${open && html`<${Order} key=${open} t=${t} order=${open} onClose=${() => {
      history.replaceState(null, "", location.pathname + location.search);
      setOpen("");
      work.load();
    }} />`}
    ${known !== null && html`<section class="card stack" aria-labelledby="found-title">
      <h2 id="found-title" data-testid="found">${t("office.found", { n: known.page.total })}</h2>
      ${items.length === 0 && html`<p class="empty">${t("office.none")}</p>`}
      <ul class="things">${items.map((one) => html`<li key=${one.id} data-testid="found-order">
        <a href=${`#${encodeURIComponent(one.id)}`}>
          <strong class="number">${one.reference}</strong>
          <span dir="auto">${one.buyer.name ?? one.buyer.email ?? t("office.nobody")}</span>
          <span class="quiet small">${t("office.places", { n: placesOf(one) })} ·
            ${" "}${dayText(Date.parse(one.created_at))}</span></a>
        <span class="row"><b class="number">${one.total === null ? "" : moneyText(one.total)}</b>
          <span class=${`pill ${pillOf(one.status)}`}>${t(`office.is_${one.status}`)}</span></span>
      </li>`)}</ul>
      <${Wrong} text=${further.trouble} />
      ${next && html`<div class="row"><${Button} busy=${further.busy} onClick=${turnPage}>
        ${t("office.more", { n: numberText(known.page.total - items.length) })}<//></div>`}
    </section>`}
  <//>`;
}

/** @param {any} order @returns {number} */
const placesOf = (order) =>
  order.lines.filter((/** @type {any} */ one) => one.kind !== "fee").length;

show(html`<${Orders} />`);
