// @ts-check
// What an event took, gave back and owes, whether that adds up, and the receipt that proves it.

import { askJson, sessionToken } from "../client/index.js";
import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { download, useWork } from "../own/forms.js";
import { usePlace } from "../own/order_parts.js";
import { askOwnJson } from "../own/owner.js";
import { Button, Wrong, save } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { amountText, dayText, numberText } from "../words/format.js";
import { words } from "../words/index.js";
import { Days } from "./days.js";
import { judged } from "./receipt.js";

const t = await words("own", "organise", "office");
const event = named("events");
const home = `/v1/events/${encodeURIComponent(event)}`;
const EVERY_MS = 30_000;
const TABLES = /** @type {const} */ (["orders", "tickets", "attendees", "promotions"]);
const IN = /** @type {const} */ (["captured", "at_door"]);
const OUT = /** @type {const} */ (["returned", "pending", "due", "outside"]);
const INSIDE = /** @type {const} */ (["sold", "fees", "seller_fees", "tax"]);

function Money() {
  const work = useRead(t, async () => {
    const [about, money] = await Promise.all([askOwnJson(home), askOwnJson(`${home}/money`)]);
    return { name: about.name, zone: about.timezone, money, at: Date.now() };
  }, EVERY_MS);
  const known = work.known;
  return html`<${Desk} t=${t} title=${t("office.money")} about=${known?.name} work=${work}
      tabs=${tabsOfEvent(event)} here="money">
    ${known !== null && html`<${Books} money=${known.money} at=${known.at} />
      ${known.money.currencies.length === 0 && html`<p class="empty">${t("office.nothing")}</p>`}
      ${known.money.currencies.map((/** @type {any} */ one) => html`<${Currency}
        key=${one.currency} one=${one} />`)}
      <${Ways} ways=${known.money.ways} />
      <${Kinds} kinds=${known.money.kinds} />
      <${Days} t=${t} home=${home} zone=${known.zone} />
      <${Receipt} />
      <${Tables} />`}
  <//>`;
}

/** Whether all orders add up. @param {{money: any, at: number}} props */
function Books({ money, at }) {
  return html`<section class=${`note ${money.ok ? "good" : "bad"} stack`} data-testid="books"
      data-ok=${money.ok ? "yes" : "no"} role="status">
    <p>${t(money.ok ? "office.even" : "office.uneven", { n: money.differing })}
      ${" "}<span class="quiet small">${t("office.asOf", { time: dayText(at) })}</span></p>
    ${money.differences.length > 0 && html`<ul class="stack small">${money.differences.map(
      (/** @type {string} */ text) => html`<li key=${text}>${text}</li>`)}</ul>`}
  </section>`;
}

/** @param {{one: any}} props */
function Currency({ one }) {
  const row = (/** @type {string} */ name) => html`<div key=${name}>
    <dt>${t(`office.${name}`)}</dt>
    <dd data-testid=${name}>${amountText(one[name], one.currency)}</dd></div>`;
  const shown = (/** @type {readonly string[]} */ names) => names.filter(
    (name) => one[name] !== 0 || name === "captured" || name === "sold" || name === "returned");
  const left = one.captured - one.returned;
  return html`<section class="card stack" data-testid="currency" data-currency=${one.currency}>
    <h2>${one.currency}</h2>
    <dl class="ledger">${shown(IN).map(row)}${shown(OUT).map(row)}
      <div class="all"><dt>${t("office.left")}</dt>
        <dd data-testid="left">${amountText(left, one.currency)}</dd></div></dl>
    <h3>${t("office.ofThat")}</h3>
    <dl class="ledger">${shown(INSIDE).map(row)}</dl>
    ${one.due > 0 && html`<p class="note wait">${t("office.dueWords")}
      <a href=${`/organise/events/${encodeURIComponent(event)}/orders?refund=part`}>
        ${t("office.toOrders")}</a></p>`}
    ${one.outside > 0 && html`<p class="note wait">${t("office.outsideWords")}</p>`}
  </section>`;
}

/** A table whose first column says what, all others how much.
 * @param {{id: string, title: string, heads: string[], rows: string[][]}} props */
function Figures({ id, title, heads, rows }) {
  if (!rows.length) return null;
  return html`<section class="card stack" aria-labelledby=${id}><h2 id=${id}>${title}</h2>
    <div class="wide" tabindex="0" role="group" aria-labelledby=${id}>
      <table class="figures" data-testid=${id}>
        <thead><tr>${heads.map((one) => html`<th scope="col" key=${one}>${one}</th>`)}</tr></thead>
        <tbody>${rows.map(([name, ...cells]) => html`<tr key=${name}>
          <th scope="row" dir="auto">${name}</th>${cells.map((one) => html`<td>${one}</td>`)}</tr>`)}
        </tbody></table></div></section>`;
}

/** @param {{ways: any[]}} props */
function Ways({ ways }) {
  const byHand = { cash: t("office.way_cash"), card: t("office.way_card") };
  return html`<${Figures} id="ways" title=${t("office.ways")}
    heads=${["way", "captured", "returned", "pending"].map((one) => t(`office.${one}`))}
    rows=${ways.map((one) => [byHand[/** @type {keyof typeof byHand} */ (one.provider)] ?? one.provider,
      ...[one.captured, one.returned, one.pending].map((sum) => amountText(sum, one.currency))])} />`;
}

/** @param {{kinds: any[]}} props */
function Kinds({ kinds }) {
  const place = usePlace(event);
  const sum = (/** @type {number} */ amount, /** @type {string | null} */ currency) =>
    currency === null ? "–" : amountText(amount, currency);
  return html`<${Figures} id="kinds" title=${t("office.kinds")}
    heads=${["kind", "count", "cost", "less"].map((one) => t(`office.${one}`))}
    rows=${kinds.map((one) => [
      [place?.categories.get(one.category) ?? one.category,
        one.type !== null && (place?.types.get(one.type) ?? one.type)].filter(Boolean).join(" · "),
      numberText(one.places), sum(one.gross, one.currency), sum(one.discount, one.currency)])} />`;
}

/** The audit of the journal: asked for by who wants it, since it takes a while. */
function Receipt() {
  const work = useWork(t);
  const [found, setFound] = useState(/** @type {any} */ (null));
  const audit = () => work.run(async () => {
    setFound(null);
    const [receipt, key] = await Promise.all([
      askOwnJson(`${home}/audit`), askJson("/v1/receipt-key")]);
    setFound({ receipt, seal: await judged(receipt, key), key });
  });
  const take = () => save(
    new Blob([JSON.stringify(found.receipt, null, 2)], { type: "application/json" }),
    `receipt-${event}.json`);
  return html`<section class="card stack" aria-labelledby="receipt-title">
    <h2 id="receipt-title">${t("office.receipt")}</h2>
    <p>${t("office.receiptWords")}</p>
    <${Wrong} text=${work.trouble} />
    <div role="status">${found !== null && html`<${Audited} found=${found} />`}</div>
    <div class="row">
      <${Button} busy=${work.busy} data-testid="audit" onClick=${audit}>
        ${t(work.busy ? "office.auditing" : "office.audit")}<//>
      ${found !== null && html`<${Button} data-testid="take-receipt" onClick=${take}>
        ${t("office.takeReceipt")}<//>`}
    </div>
  </section>`;
}

/** @param {{found: {receipt: any, seal: string, key: any}}} props */
function Audited({ found: { receipt, seal, key } }) {
  const { counts, revenue, ordered } = receipt;
  const good = seal === "good";
  return html`<div class="stack" data-testid="audited" data-ok=${receipt.ok ? "yes" : "no"} data-seal=${seal}>
    <p class=${`note ${receipt.ok ? "good" : "bad"}`}>${t(receipt.ok ? "office.agrees" : "office.differs",
      { time: dayText(Date.parse(receipt.audited_at)), version: receipt.version })}</p>
    <p class=${`note ${good ? "good" : seal === "unsigned" ? "wait" : "bad"}`}>${t(`office.seal_${seal}`,
      { key: key.key_id })}</p>
    <dl class="ledger">
      <div><dt>${t("office.booked")}</dt><dd>${numberText(counts.booked)}</dd></div>
      <div><dt>${t("office.bookings")}</dt><dd>${numberText(receipt.bookings)}</dd></div>
      ${revenue.map((/** @type {any} */ one) => html`<div key=${one.currency}>
        <dt>${t("office.revenue")}</dt><dd>${amountText(one.amount, one.currency)}</dd></div>`)}
      ${ordered.map((/** @type {any} */ one) => html`<div key=${one.currency}>
        <dt>${t("office.ordered")}</dt><dd>${amountText(one.amount, one.currency)}</dd></div>`)}
    </dl>
    <p class="small quiet wrap">${t("office.digest")} <code>${receipt.digest.state}</code></p>
    ${receipt.differences.length > 0 && html`<ul class="stack">${receipt.differences.map(
      (/** @type {string} */ text) => html`<li key=${text}>${text}</li>`)}</ul>`}
    <p class="quiet small">${t("office.verifyWords")} <code>onsale verify receipt-${event}.json</code></p>
  </div>`;
}

function Tables() {
  const work = useWork(t);
  const take = (/** @type {string} */ name) => work.run(async () => {
    // Who was signed out meanwhile is told so by this.
    await askOwnJson(home);
    await download(`${home}/exports/${name}.csv`, `${name}.csv`, sessionToken());
  });
  return html`<section class="card stack" aria-labelledby="tables-title">
    <h2 id="tables-title">${t("office.tables")}</h2>
    <${Wrong} text=${work.trouble} />
    <div class="row">${TABLES.map((name) => html`<${Button} key=${name} busy=${work.busy}
      data-testid=${`take-${name}`} onClick=${() => take(name)}>${t(`office.table_${name}`)}<//>`)}</div>
  </section>`;
}

show(html`<${Money} />`);
