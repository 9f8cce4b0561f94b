// @ts-check
// What the promotions of an event brought, and each of their codes: for those who run it.

import { sessionToken } from "../client/index.js";
import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { download, useWork } from "../own/forms.js";
import { askOwnJson } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { moneyText, numberText } from "../words/format.js";
import { words } from "../words/index.js";

const t = await words("own", "organise", "promo");
const event = named("events");
const home = `/v1/events/${encodeURIComponent(event)}`;
const numbers = `${home}/analytics/promotions`;

function Promotions() {
  const work = useRead(t, async () => {
    const [about, told] = await Promise.all([askOwnJson(home), askOwnJson(numbers)]);
    return { name: about.name, items: /** @type {any[]} */ (told.items) };
  });
  const items = work.known?.items ?? [];
  return html`<${Desk} t=${t} title=${t("promo.title")} about=${work.known?.name} work=${work}
      tabs=${tabsOfEvent(event)} here="promotions" beside=${items.length > 0 && html`<${Table} />`}>
    ${items.length === 0 ? html`<p class="empty">${t("promo.none")}</p>`
      : html`<ul class="promotions">${items.map((one) => html`<li key=${one.promotion}>
        <${Promotion} one=${one} /></li>`)}</ul>`}
  <//>`;
}

/** All codes as a table for a spreadsheet. */
function Table() {
  const work = useWork(t);
  const take = () => work.run(async () => {
    // Who was signed out meanwhile is told so by this.
    await askOwnJson(numbers);
    await download(`${home}/exports/promotions.csv`, "promotions.csv", sessionToken());
  });
  return html`<div class="stack"><${Button} busy=${work.busy} onClick=${take}>${t("promo.table")}<//>
    <${Wrong} text=${work.trouble} /></div>`;
}

/** @param {{amount: number, currency: string}[]} sums @returns {string} by currency */
const sumsText = (sums) => (sums.length ? sums.map(moneyText).join(" + ") : "–");

/** @param {{one: any}} props */
function Promotion({ one }) {
  return html`<section class="card stack" data-testid="promotion" data-promotion=${one.promotion}>
    <h2 dir="auto">${one.name}</h2>
    <dl class="sums">
      <div><dt>${t("promo.uses")}</dt><dd data-testid="uses">${numberText(one.uses)}</dd></div>
      <div><dt>${t("promo.gross")}</dt><dd>${sumsText(one.gross)}</dd></div>
      <div><dt>${t("promo.discount")}</dt><dd data-testid="discount">${sumsText(one.discount)}</dd></div>
      <div><dt>${t("promo.returned")}</dt><dd>${sumsText(one.returned)}</dd></div>
      <div><dt>${t("promo.net")}</dt><dd data-testid="net">${sumsText(one.net)}</dd></div>
    </dl>
    <p class="quiet small">${[
      one.reserved && t("promo.reserved", { n: one.reserved }),
      one.given_back && t("promo.givenBack", { n: one.given_back }),
    ].filter(Boolean).join(" ")}</p>
    <${Codes} promotion=${one.promotion} />
  </section>`;
}

/**
 * The codes of a promotion, a page at a time, once somebody wants to see them.
 * @param {{promotion: string}} props
 */
function Codes({ promotion }) {
  const [rows, setRows] = useState(/** @type {any[] | null} */ (null));
  const [next, setNext] = useState("");
  const work = useWork(t);
  const more = () => work.run(async () => {
    const cursor = next && `&cursor=${encodeURIComponent(next)}`;
    const page = await askOwnJson(`${numbers}/${encodeURIComponent(promotion)}?limit=50${cursor}`);
    setRows([...(rows ?? []), ...page.items]);
    setNext(page.next_cursor ?? "");
  });
  return html`${rows?.length === 0 && html`<p class="quiet">${t("promo.noCodes")}</p>`}
    ${rows !== null && rows.length > 0 && html`<ul class="codes" aria-label=${t("promo.codes")}>
      ${rows.map((one) => html`<${Code} key=${one.code} one=${one} />`)}</ul>`}
    <${Wrong} text=${work.trouble} />
    ${(rows === null || next) && html`<div class="row"><${Button} busy=${work.busy} onClick=${more}
      data-testid="show-codes">${t(rows === null ? "promo.showCodes" : "promo.more")}<//></div>`}`;
}

/** @param {{one: any}} props */
function Code({ one }) {
  return html`<li data-testid="code-numbers" data-code=${one.code}>
    <div><strong dir="auto">${one.label ?? t("promo.noLabel")}</strong>
      <p class="quiet small">${one.code}</p></div>
    <div><p>${one.limit === null ? t("promo.used", { n: one.uses })
      : t("promo.usedOf", { n: one.uses, limit: one.limit })}</p>
      <p class="quiet small">${t("promo.brought", { net: sumsText(one.net),
        discount: sumsText(one.discount) })}</p></div>
  </li>`;
}

show(html`<${Promotions} />`);
