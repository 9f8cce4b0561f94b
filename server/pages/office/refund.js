// @ts-check
// Giving back: some places with what they cost, or an amount. What comes back is told first,
// by the rules that do it, and each asking has a key, so that it happens once.

import { newKey } from "../client/index.js";
import { amountOf } from "../parts/amounts.js";
import { askOwnJson } from "../own/owner.js";
import { Ask } from "../parts/dialog.js";
import { Button, Field, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { amountText, moneyText } from "../words/format.js";
import { meaning, useDeed } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/**
 * What would go back; null until it is known.
 * @param {Translate} t @param {string} path @param {any} asked null where nothing is
 */
function usePreview(t, path, asked) {
  const [told, setTold] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState("");
  const wanted = JSON.stringify(asked);
  useEffect(() => {
    setTold(null);
    setTrouble("");
    if (asked === null) return undefined;
    let late = false;
    askOwnJson(`${path}/preview`, { method: "POST", body: asked }).then(
      (found) => late || setTold(found),
      (error) => late || setTrouble(meaning(t, error)),
    );
    return () => void (late = true);
  }, [wanted]);
  return { told, trouble };
}

/**
 * @param {{t: Translate, order: any, lines: any[], what: string,
 *   refundable: {amount: number, currency: string} | null,
 *   onClose: () => void, onDone: (text: string) => Promise<void>}} props `what` is "lines" or "amount"
 */
export function Returning({ t, order, lines, what, refundable, onClose, onDone }) {
  const [chosen, setChosen] = useState(/** @type {number[]} */ (lines.length === 1 ? [lines[0].line] : []));
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [keep, setKeep] = useState(false);
  const [key] = useState(newKey);
  const deed = useDeed(t);
  const path = `/v1/orders/${encodeURIComponent(order.id)}/refunds`;
  const number = order.currency && amountOf(amount, order.currency);
  const asked = what === "lines" ? (chosen.length ? { lines: chosen } : null)
    : number ? { amount: { amount: number, currency: order.currency } } : null;
  const { told, trouble } = usePreview(t, path, asked);
  const give = () => asked !== null && told !== null && deed.run(async () => {
    const body = { ...asked, ...(reason.trim() ? { reason: reason.trim() } : {}),
      ...(keep && what === "lines" ? { seats: "keep" } : {}) };
    const made = await askOwnJson(path, { method: "POST", body, key });
    const sum = made.total?.amount ? moneyText(made.total) : "";
    await onDone(sum ? t("office.givenSum", { sum }) : t("office.givenNothing"));
  });
  const toggle = (/** @type {number} */ line) => setChosen(chosen.includes(line)
    ? chosen.filter((one) => one !== line) : [...chosen, line].sort((a, b) => a - b));
  const sum = told === null ? "" : told.total?.amount ? t("office.comesBack", { sum: moneyText(told.total) })
    : t("office.nothingBack");
  return html`<${Ask} title=${t(what === "lines" ? "office.giveLines" : "office.giveAmount")} onClose=${onClose}>
    ${what === "lines" ? html`<p>${t("office.linesWords")}</p>
      <div class="row"><${Button} kind="bare" data-testid="all-lines"
        onClick=${() => setChosen(lines.map(({ line }) => line))}>${t("office.all")}<//></div>
      <ul class="choices">${lines.map((one) => html`<li key=${one.line}><label class="check">
        <input type="checkbox" checked=${chosen.includes(one.line)} onChange=${() => toggle(one.line)} />
        <span><bdi>${one.label}</bdi></span>
        <span class="number">${order.currency && amountText(one.gross, order.currency)}</span></label></li>`)}</ul>
      <label class="check"><input type="checkbox" checked=${keep} data-testid="keep-seats"
        onChange=${() => setKeep(!keep)} /> ${t("office.keepSeats")}</label>`
    : html`<p>${t("office.amountWords")}</p>
      <${Field} label=${t("office.amount", { currency: order.currency })} inputmode="decimal"
        data-testid="amount" autocomplete="off" value=${amount}
        hint=${refundable ? t("office.atMost", { sum: moneyText(refundable) }) : ""}
        onInput=${(/** @type {any} */ { target }) => setAmount(target.value)} />`}
    <${Field} label=${t("office.reason")} maxlength="500" autocomplete="off" value=${reason}
      hint=${t("office.reasonHint")} data-testid="reason"
      onInput=${(/** @type {any} */ { target }) => setReason(target.value)} />
    <div role="status" data-testid="preview" data-known=${told === null ? "no" : "yes"} class="stack">
      ${told !== null && html`<p><b>${sum}</b></p>
        ${told.lines.length > 1 && html`<ul class="small quiet">${told.lines.map((/** @type {any} */ one) =>
          html`<li key=${one.line}><bdi>${one.label}</bdi>: ${order.currency
            ? amountText(one.amount, order.currency) : ""}</li>`)}</ul>`}
        <p class="quiet small">${t(what === "lines" ? keepWords(order, lines, chosen) : "office.amountFees")}</p>`}
    </div>
    <${Wrong} text=${deed.trouble || trouble} />
    <div class="row"><${Button} onClick=${onClose}>${t("office.back")}<//>
      <${Button} kind="danger" busy=${deed.busy || told === null} data-testid="refund-yes" onClick=${give}>
        ${told?.total?.amount ? t("office.giveSum", { sum: moneyText(told.total) }) : t("office.give")}<//></div>
  <//>`;
}

/** What becomes of fees. @param {any} order @param {any[]} lines @param {number[]} chosen */
function keepWords(order, lines, chosen) {
  const alone = order.lines.some((/** @type {any} */ one) => one.kind === "fee" && one.state === "live");
  if (alone) return "office.feesStay";
  return lines.some((one) => chosen.includes(one.line) && one.fee > 0) ? "office.feesReturn" : "office.asItCost";
}

/**
 * A refund that waits for somebody: handed over, or returned by another way.
 * @param {{t: Translate, order: string, refund: any, retries: boolean,
 *   onDone: (text: string) => Promise<void>}} props
 */
export function HandOver({ t, order, refund, retries, onDone }) {
  const [asks, setAsks] = useState(false);
  const [note, setNote] = useState("");
  const deed = useDeed(t);
  const path = `/v1/orders/${encodeURIComponent(order)}/refunds/${encodeURIComponent(refund.refund)}`;
  const retry = () => deed.run(async () => {
    await askOwnJson(`${path}/retry`, { method: "POST", key: newKey() });
    await onDone(t("office.triedAgain"));
  });
  const noted = () => deed.run(async () => {
    const body = { note: note.trim() || t("office.handedOver") };
    await askOwnJson(`${path}/by-hand`, { method: "POST", body });
    setAsks(false);
    await onDone(t("office.handedOverSum", { sum: moneyText(refund.amount) }));
  });
  return html`<span class="row">
    ${retries && html`<${Button} busy=${deed.busy} onClick=${retry}>${t("office.retry")}<//>`}
    <${Button} data-testid="hand-over" onClick=${() => setAsks(true)}>${t("office.byHand")}<//>
    ${!asks && html`<${Wrong} text=${deed.trouble} />`}
    ${asks && html`<${Ask} title=${t("office.byHandTitle", { sum: moneyText(refund.amount) })}
        onClose=${() => setAsks(false)}>
      <p>${t("office.byHandWords")}</p>
      <${Field} label=${t("office.note")} maxlength="500" autocomplete="off" value=${note}
        onInput=${(/** @type {any} */ { target }) => setNote(target.value)} />
      <${Wrong} text=${deed.trouble} />
      <div class="row"><${Button} onClick=${() => setAsks(false)}>${t("office.back")}<//>
        <${Button} kind="first" busy=${deed.busy} data-testid="hand-over-yes" onClick=${noted}>
          ${t("office.byHandYes")}<//></div>
    <//>`}</span>`;
}
