// @ts-check
// Taking the money of a customer, and what they have then: tickets to print.

import { sessionToken } from "../client/index.js";
import { download, useWork } from "../own/forms.js";
import { askOwnJson } from "../own/owner.js";
import { amountOf } from "../parts/amounts.js";
import { Ask } from "../parts/dialog.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { amountText, moneyText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./till.js").Till} Till */

const AGAIN_MS = 500; // tickets are made within a moment

/**
 * Asks once: Enter is yes.
 * @param {{t: Translate, till: Till, paid: import("./till.js").Paid, onClose: () => void}} props
 */
export function Paying({ t, till, paid, onClose }) {
  const [given, setGiven] = useState("");
  const [sum] = useState(till.quote.total);
  const [busy, setBusy] = useState(false);
  const yes = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => yes.current?.querySelector("button")?.focus(), []);
  const change = sum && given ? (amountOf(given, sum.currency) ?? -1) - sum.amount : null;
  const text = sum === null ? "" : moneyText(sum);
  const sell = async (/** @type {any} */ fields) => {
    if (busy) return;
    setBusy(true);
    const { email, name, reason } = fields;
    const buyer = { ...(email ? { email } : {}), ...(name ? { name } : {}) };
    const why = paid === "free" && reason ? { reason } : {};
    await till.sell(paid, { ...(email || name ? { buyer } : {}), ...why });
    onClose();
  };
  const title = paid === "free" ? t("counter.askFree") : t(`counter.ask_${paid}`, { sum: text });
  return html`<${Ask} title=${title} onClose=${onClose}>
    <${Form} onSend=${sell} data-testid="paying">
      ${paid === "cash" && sum !== null && html`<${Field} label=${t("counter.given")} name="given"
        inputmode="decimal" autocomplete="off" value=${given}
        onInput=${(/** @type {any} */ { target }) => setGiven(target.value)} />
        <p role="status" data-testid="change">${change === null ? "" : change < 0
          ? t("counter.tooLittle") : t("counter.change", { sum: amountText(change, sum.currency) })}</p>`}
      ${paid === "free" && html`<${Field} label=${t("counter.reason")} name="reason" maxlength="100"
        autocomplete="off" hint=${t("counter.reasonHint")} />`}
      <details><summary>${t("counter.buyer")}</summary><div class="stack">
        <${Field} label=${t("buy.name")} name="name" maxlength="200" autocomplete="off" />
        <${Field} label=${t("buy.email")} name="email" type="email" autocomplete="off"
          hint=${t("counter.emailHint")} /></div></details>
      <div class="row" ref=${yes}>
        <button class="button first" aria-disabled=${busy} data-testid="paid-yes">
          ${t(`counter.yes_${paid}`)}</button>
        <${Button} onClick=${onClose}>${t("counter.back")}<//>
      </div>
    <//>
  <//>`;
}

/** The order that was made: its tickets, and the next customer. @param {{t: Translate, till: Till}} props */
export function Sold({ t, till }) {
  const { sold } = till;
  const [order, setOrder] = useState(sold);
  const work = useWork(t);
  const path = `/v1/orders/${encodeURIComponent(sold.order)}`;
  const many = order.lines.filter((/** @type {any} */ one) => one.kind !== "fee").length;
  const whole = order.tickets.length >= many;
  useEffect(() => {
    if (whole) return undefined;
    const timer = setTimeout(
      () => askOwnJson(path).then(setOrder, () => setOrder({ ...order })), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [order]);
  const actions = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    /** @type {HTMLElement | null | undefined} */ (
      actions.current?.querySelector(".first"))?.focus({ preventScroll: true });
  }, [whole]);
  const print = () => work.run(() =>
    download(`${path}/tickets.pdf`, `${order.reference}.pdf`, sessionToken()));
  const places = order.lines.filter((/** @type {any} */ one) => one.kind !== "fee")
    .map((/** @type {any} */ one) => one.label).join(", ");
  const [attempt] = order.attempts;
  const how = t(`counter.was_${attempt?.provider ?? "free"}`,
    { sum: order.total === null ? "" : moneyText(order.total) });
  return html`<section class="stack" aria-labelledby="sold-title" data-testid="sold"
      data-order=${order.order} data-status=${order.status}>
    <h2 id="sold-title">${t("counter.sold", { n: many })}</h2>
    <p role="status">${how} <bdi>${places}</bdi></p>
    <p class="quiet">${t("own.reference")} <b class="number">${order.reference}</b></p>
    <${Wrong} text=${work.trouble} />
    <div class="row" ref=${actions}>
      ${whole ? html`<${Button} kind="first" busy=${work.busy} data-testid="print" onClick=${print}>
          ${t("counter.print", { n: many })}<//>`
        : html`<p class="quiet" role="status">${t("own.ticketsSoon")}</p>`}
      <${Button} data-testid="next-customer" onClick=${() => till.next()}>
        ${t("counter.next")} <kbd aria-hidden="true">F2</kbd><//>
      <a class="button" href=${`/organise/events/${encodeURIComponent(order.event.id)}/orders#${
        encodeURIComponent(order.order)}`}>${t("counter.toOrder")}</a>
    </div>
  </section>`;
}
