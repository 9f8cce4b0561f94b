// @ts-check
// Parts of an order's page: what it cost, when and where it is, and its tickets.

import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { amountText, moneyText, momentText } from "../words/format.js";
import { qrOf } from "./copies.js";
import { download, useWork } from "./forms.js";
import { placeOf } from "./place.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {{t: Translate, order: any, place: import("./place.js").Place | null}} props */
export function Bill({ t, order, place }) {
  const { lines, currency, total } = order;
  if (!lines.length) return null;
  const live = lines.filter((/** @type {any} */ one) => one.state !== "gone");
  const sum = (/** @type {string} */ name, /** @type {any[]} */ of) =>
    of.reduce((all, one) => all + one[name], 0);
  const fees = sum("fee", live);
  const tax = sum("tax", live);
  const back = sum("gross", lines.filter((/** @type {any} */ one) => one.state !== "live"));
  const less = sum("discount", live);
  const codes = order.promotions.map((/** @type {any} */ one) => one.name).join(", ");
  const told = [
    less && t("own.discountInside", { sum: amountText(less, currency), codes }),
    fees && t("own.feesInside", { sum: amountText(fees, currency) }),
    tax && t("own.taxInside", { sum: amountText(tax, currency) }),
    back && order.refund !== "none" && t("own.givenBackSum", { sum: amountText(back, currency) }),
  ].filter(Boolean);
  return html`<table class="bill">
    <thead><tr><th scope="col">${t("own.what")}</th>
      <th scope="col">${t("own.price")}</th></tr></thead>
    <tbody>${lines.map((/** @type {any} */ line) =>
      html`<${Line} key=${line.line} t=${t} line=${line} place=${place}
        currency=${currency} />`)}</tbody>
    <tfoot><tr><th scope="row">${t("own.total")}</th>
      <td>${total === null ? t("common.free") : moneyText(total)}</td></tr></tfoot>
  </table>
  ${told.length > 0 &&
    html`<div class="quiet small">${told.map((text) => html`<p>${text}</p>`)}</div>`}`;
}

/**
 * @param {{t: Translate, line: any, currency: string | null,
 *   place: import("./place.js").Place | null}} props
 */
function Line({ t, line, currency, place }) {
  const fee = line.kind === "fee";
  const name = place?.categories.get(line.category) ?? "";
  const told = fee || name === line.label ? "" : name;
  const spared = line.discount > 0 && currency !== null &&
    t("own.discount", { sum: amountText(line.discount, currency) });
  const gone = { leaving: t("own.lineLeaving"), gone: t("own.lineGone") };
  const state = gone[/** @type {keyof gone} */ (line.state)];
  const type = line.type && (place?.types.get(line.type) ?? line.type);
  const more = [type, told, spared, state].filter(Boolean);
  return html`<tr class=${line.state}>
    <td><bdi>${fee ? line.label || t("own.fee") : line.label}</bdi>
      ${more.map((one) => html`<small> · <bdi>${one}</bdi></small>`)}</td>
    <td>${currency === null ? t("common.free") : amountText(line.gross, currency)}</td>
  </tr>`;
}

/**
 * When and where an event is.
 * @param {{t: Translate, event: any, place: import("./place.js").Place | null,
 *   token: string}} props
 */
export function When({ t, event, place, token }) {
  const work = useWork(t);
  const path = `/v1/events/${encodeURIComponent(event.id)}`;
  const save = () => work.run(() => download(`${path}/calendar.ics`, "event.ics", token));
  return html`
    <p><time datetime=${event.starts_at}>${momentText(event.starts_at, event.timezone)}</time></p>
    ${place?.name && html`<p class="quiet"><bdi>${place.name}</bdi>
      ${place.address && html`<br /><bdi>${place.address}</bdi>`}</p>`}
    <${Wrong} text=${work.trouble} />
    <div class="row"><${Button} busy=${work.busy} onClick=${save}>${t("own.calendar")}<//>
      <a class="button" href=${`/events/${encodeURIComponent(event.id)}`}>
        ${t("own.toEvent")}</a></div>`;
}

/** @param {string} event @returns {import("./place.js").Place | null} null until it is known */
export function usePlace(event) {
  const [place, setPlace] = useState(/** @type {import("./place.js").Place | null} */ (null));
  useEffect(() => {
    placeOf(event).then(setPlace);
  }, [event]);
  return place;
}

/**
 * @param {{t: Translate, tickets: any[], token: string, own: boolean}} props `own` says that
 *   who looks bought them
 */
export const Tickets = ({ t, tickets, token, own }) =>
  html`<ul class="tickets">${tickets.map((one) => html`<li key=${one.ticket}>
    <${Ticket} t=${t} ticket=${one} token=${token} own=${own} /></li>`)}</ul>`;

/** @param {{t: Translate, ticket: any, token: string, own: boolean}} props */
function Ticket({ t, ticket, token, own }) {
  const [qr, setQr] = useState("");
  useEffect(() => {
    setQr("");
    if (ticket.code === null) return;
    // Without it, the ticket's own page still shows one.
    qrOf(ticket.ticket, ticket.code, token).then(setQr, () => setQr(""));
  }, [ticket.ticket, ticket.code, token]);
  const states = {
    offered: t("own.ticketOffered"), locked: t("own.ticketLocked"), revoked: t("own.ticketRevoked"),
  };
  const passed = own && ticket.status === "valid" && ticket.code === null;
  const state = passed ? t("own.ticketPassed") : states[/** @type {keyof states} */ (ticket.status)];
  return html`<a href=${`/tickets/${encodeURIComponent(ticket.ticket)}`}>
    <span class="picture">
      ${ticket.status === "revoked" && html`<span aria-hidden="true">✕</span>`}
      ${qr && html`<img data-testid="ticket-qr" src=${qr} width="120" height="120"
        alt=${t("own.qrOf", { number: ticket.number })} />`}</span>
    <span><bdi class="label">${ticket.label}</bdi>
      <span class="number" data-testid="ticket-number">${ticket.number}</span>
      ${state && html`<small>${state}</small>`}</span>
  </a>`;
}
