// @ts-check
// One order as who runs the event sees it: who bought, what, how it was paid, what went back.

import { sessionToken } from "../client/index.js";
import { named } from "../organise/frame.js";
import { download, useWork } from "../own/forms.js";
import { Bill, usePlace } from "../own/order_parts.js";
import { askOwnJson } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { dayText, moneyText } from "../words/format.js";
import { Beside } from "./letters.js";
import { HandOver, Returning } from "./refund.js";
import { meaning } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const AGAIN_MS = 2_000; // while something is on its way
const MOVING = new Set(["initiated", "payment_pending"]);
const PENDING = new Set(["requested", "sent"]);
export const BY_HAND = new Set(["cash", "card"]);

/** The look of a state. @param {string} status */
export const pillOf = (status) => (status === "confirmed" || status === "completed" ? "good"
  : MOVING.has(status) ? "wait" : status === "refunded" ? "" : "bad");

/**
 * @param {Translate} t @param {string} name
 * @returns {{order: any, refunds: any, trouble: string, load: () => Promise<void>}}
 */
function useOrder(t, name) {
  const [known, setKnown] = useState(/** @type {any} */ ({ order: null, refunds: null }));
  const [trouble, setTrouble] = useState("");
  const path = `/v1/orders/${encodeURIComponent(name)}`;
  const load = async () => {
    try {
      const [order, refunds] = await Promise.all([askOwnJson(path), askOwnJson(`${path}/refunds`)]);
      setKnown({ order, refunds });
      setTrouble("");
    } catch (error) {
      setTrouble(meaning(t, error));
    }
  };
  useEffect(() => void load(), [name]);
  useEffect(() => {
    const { order, refunds } = known;
    const moves = trouble || MOVING.has(order?.status)
      || order?.lines.some((/** @type {any} */ one) => one.state === "leaving")
      || refunds?.items.some((/** @type {any} */ one) => PENDING.has(one.status));
    if (!moves) return undefined;
    const timer = setTimeout(load, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [known, trouble]);
  return { ...known, trouble, load };
}

/** @param {{t: Translate, order: string, onClose: () => void}} props */
export function Order({ t, order: name, onClose }) {
  const { order, refunds, trouble, load } = useOrder(t, name);
  const place = usePlace(named("events"));
  const [asks, setAsks] = useState("");
  const [told, setTold] = useState("");
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => title.current?.focus(), [order !== null]);
  const live = (order?.lines ?? []).filter(
    (/** @type {any} */ one) => one.kind !== "fee" && one.state === "live");
  const given = order?.status === "confirmed" || order?.status === "completed";
  return html`<section class="card stack" aria-labelledby="order-title" data-testid="order"
      data-order=${name} data-status=${order?.status}>
    <div class="row apart"><h2 id="order-title" tabindex="-1" ref=${title}>
        ${t("office.order")} <span class="number">${order?.reference ?? "…"}</span></h2>
      <${Button} kind="bare" onClick=${onClose}>${t("common.close")}<//></div>
    <${Wrong} text=${trouble} />
    <p role="status" data-testid="order-told" class=${told ? "note good" : ""}>${told}</p>
    ${order === null ? html`<div class="skeleton block"></div>` : html`
      <${Who} t=${t} order=${order} />
      <${Bill} t=${t} order=${order} place=${place} />
      <${Paid} t=${t} order=${order} />
      ${refunds !== null && refunds.items.length > 0 && html`<${Refunds} t=${t} order=${order}
        refunds=${refunds} onDone=${async (/** @type {string} */ text) => {
          setTold(text);
          await load();
        }} />`}
      <div class="row">
        ${given && live.length > 0 && html`<${Button} kind="danger" data-testid="give-lines"
          onClick=${() => setAsks("lines")}>${t("office.giveLines")}<//>`}
        ${refunds?.refundable?.amount > 0 && html`<${Button} data-testid="give-amount"
          onClick=${() => setAsks("amount")}>${t("office.giveAmount")}<//>`}
        ${order.tickets.length > 0 && html`<${Print} t=${t} order=${order} />`}
      </div>
      <${Beside} t=${t} order=${order} />
      ${asks && html`<${Returning} t=${t} order=${order} lines=${live} what=${asks}
        refundable=${refunds?.refundable} onClose=${() => setAsks("")}
        onDone=${async (/** @type {string} */ text) => {
          setAsks("");
          setTold(text);
          await load();
          title.current?.focus();
        }} />`}`}
  </section>`;
}

/** Who bought, and when. @param {{t: Translate, order: any}} props */
function Who({ t, order }) {
  const rows = [
    [t("office.status"), html`<span class=${`pill ${pillOf(order.status)}`}>${
      t(`office.is_${order.status}`)}</span>`],
    [t("office.buyer"), html`<bdi>${order.buyer.name ?? t("office.nobody")}</bdi>`],
    order.buyer.email && [t("own.email"), html`<bdi>${order.buyer.email}</bdi>`],
    [t("office.made"), dayText(Date.parse(order.created_at))],
    order.confirmed_at && [t("office.confirmed"), dayText(Date.parse(order.confirmed_at))],
    order.due && [t("office.due"), html`<b>${moneyText(order.due)}</b>`],
  ].filter(Boolean);
  return html`<dl class="ledger">${rows.map(([name, value]) => html`<div key=${name}>
    <dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** How it was paid. @param {{t: Translate, order: any}} props */
function Paid({ t, order }) {
  if (!order.attempts.length) return null;
  return html`<div><h3>${t("office.payments")}</h3><ul class="things">${order.attempts.map(
    (/** @type {any} */ one) => html`<li key=${one.attempt} data-testid="attempt">
      <span class="told"><b class="number">${moneyText(one.captured ?? one.amount)}</b>
        <small class="quiet">${BY_HAND.has(one.provider) ? t(`office.by_${one.provider}`)
          : t("office.byProvider", { name: one.provider })}
          ${one.use && one.use !== "accepted" && ` · ${t(`office.use_${one.use}`)}`}
          ${one.disputed && ` · ${t(`office.disputed_${one.disputed}`)}`}</small></span>
      <span class=${`pill ${one.status === "captured" ? "good" : ""}`}>${
        t(`office.attempt_${one.status}`)}</span></li>`)}</ul></div>`;
}

/** What went back, and what is to be done about it.
 * @param {{t: Translate, order: any, refunds: any, onDone: (text: string) => Promise<void>}} props */
function Refunds({ t, order, refunds, onDone }) {
  const hands = new Set(order.attempts.filter((/** @type {any} */ one) => BY_HAND.has(one.provider))
    .map((/** @type {any} */ one) => one.attempt));
  const again = new Set(refunds.items.map((/** @type {any} */ one) => one.instead_of));
  const labels = new Map(order.lines.map((/** @type {any} */ one) => [one.line, one.label]));
  return html`<div><h3>${t("office.refunds")}</h3><ul class="things">${refunds.items.map(
    (/** @type {any} */ one) => {
      const byHand = hands.has(one.attempt) && PENDING.has(one.status);
      const failed = one.status === "failed" && !again.has(one.refund);
      const what = one.lines.map((/** @type {number} */ line) => labels.get(line)).join(", ");
      return html`<li key=${one.refund} data-testid="refund" data-state=${one.status}>
        <span class="told"><b class="number">${moneyText(one.amount)}</b>
          <small class="quiet">${t(`office.reason_${one.reason}`)}${what && html` · <bdi>${what}</bdi>`}
            ${" · "}${dayText(Date.parse(one.at))}</small>
          ${one.note && html`<small dir="auto">${one.note}</small>`}</span>
        <span class=${`pill ${one.status === "settled" || one.status === "by_hand" ? "good"
          : one.status === "failed" ? "bad" : "wait"}`}>${
          byHand ? t("office.toHandOver") : t(`office.refundIs_${one.status}`)}</span>
        ${(byHand || failed) && html`<${HandOver} t=${t} order=${order.id} refund=${one}
          retries=${failed} onDone=${onDone} />`}</li>`;
    })}</ul></div>`;
}

/** @param {{t: Translate, order: any}} props */
function Print({ t, order }) {
  const work = useWork(t);
  const path = `/v1/orders/${encodeURIComponent(order.id)}`;
  const print = () => work.run(async () => {
    await askOwnJson(path);
    await download(`${path}/tickets.pdf`, `${order.reference}.pdf`, sessionToken());
  });
  return html`<${Button} busy=${work.busy} data-testid="print" onClick=${print}>${t("office.print")}<//>
    <${Wrong} text=${work.trouble} />`;
}
