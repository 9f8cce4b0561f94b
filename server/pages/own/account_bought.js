// @ts-check
// What somebody bought: orders and tickets, the latest first.

import { Refused, Unreachable, askJson, forget, freshen, sessionToken } from "../client/index.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { momentIn, moneyText } from "../words/format.js";
import { troubleText } from "./forms.js";
import { LOOKS, statusText } from "./order_words.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const SHOWN = 10;

/**
 * One list, which goes on where its reader wants more.
 * @param {string} path @param {string | null} token a guest's; null is who is signed in
 * @param {Translate} t
 */
function useList(path, token, t) {
  const [items, setItems] = useState(/** @type {any[] | null} */ (null));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  const [trouble, setTrouble] = useState("");
  const more = async () => {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    if (token === null) await freshen();
    const whose = token ?? sessionToken();
    try {
      const page = await askJson(`${path}?limit=${SHOWN}${from}`, { token: whose });
      setItems((/** @type {any[] | null} */ known) => [...(known ?? []), ...page.items]);
      setCursor(page.next_cursor);
      setTrouble("");
    } catch (error) {
      // A guest who is none any more has nothing.
      if (error instanceof Refused && error.status === 401 && token !== null) {
        forget(token);
        return setItems([]);
      }
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      setTrouble(troubleText(t, error));
    }
  };
  useEffect(() => { more(); }, []);
  return { items, trouble, more, hasMore: cursor !== null };
}

/**
 * @param {{t: Translate, token?: string | null, guest?: boolean, children?: any}} props
 *   `children` are for who has something
 */
export function Bought({ t, token = null, guest = false, children }) {
  const orders = useList("/v1/orders", token, t);
  const tickets = useList("/v1/tickets", token, t);
  const nothing = !orders.items?.length && !tickets.items?.length;
  // Most guests only looked; nobody needs to hear of them.
  if (guest && nothing) return null;
  return html`${children}
    <section class="card stack" data-testid=${guest ? "bought-here" : "bought"}>
    <h2>${guest ? t("own.boughtHere") : t("own.orders")}</h2>
    ${guest && html`<p class="quiet">${t("own.boughtHereWords")}</p>`}
    <${List} t=${t} list=${orders} empty=${t("own.noOrders")} item=${Order} />
    <h3>${t("own.tickets")}</h3>
    <${List} t=${t} list=${tickets} empty=${t("own.noTickets")} item=${Ticket} />
  </section>`;
}

/** Registrations of who is signed in, where there are any. @param {{t: Translate}} props */
export function Registrations({ t }) {
  const list = useList("/v1/me/registrations", null, t);
  if (!list.items?.length) return null;
  return html`<section class="card stack"><h2>${t("own.registrations")}</h2>
    <${List} t=${t} list=${list} empty="" item=${Attendance} /></section>`;
}

/** @param {{t: Translate, list: ReturnType<typeof useList>, empty: string, item: any}} props */
function List({ t, list, empty, item: Item }) {
  const { items, trouble, more, hasMore } = list;
  if (items === null && !trouble) return html`<div class="skeleton block" aria-busy="true"></div>`;
  return html`<${Wrong} text=${trouble} />
    ${items?.length === 0 && html`<p class="quiet">${empty}
      ${" "}<a href="/">${t("own.toEvents")}</a></p>`}
    ${items && items.length > 0 && html`<ul class="things">${items.map((/** @type {any} */ one) =>
      html`<${Item} key=${one.id ?? one.ticket} t=${t} one=${one} />`)}</ul>`}
    ${(hasMore || trouble) && html`<div class="row"><${Button} onClick=${more}>
      ${trouble ? t("common.again") : t("own.more")}<//></div>`}`;
}

/** @param {any} event */
const dateOf = (event) =>
  momentIn(event.starts_at, event.timezone, { dateStyle: "medium", timeStyle: "short" });

/** @param {{t: Translate, one: any}} props */
function Order({ t, one }) {
  const look = LOOKS[/** @type {keyof LOOKS} */ (one.status)] ?? "";
  return html`<li>
    <a href=${`/orders/${encodeURIComponent(one.order)}`}>
      <strong dir="auto">${one.event.name}</strong>
      <span class="quiet small">${dateOf(one.event)} · ${one.reference}${
        one.total && ` · ${moneyText(one.total)}`}</span></a>
    <span class=${`pill ${look}`}>${statusText(t, one.status)}</span>
  </li>`;
}

/** @param {{t: Translate, one: any}} props */
function Ticket({ t, one }) {
  const void_ = one.status === "revoked" || one.status === "locked";
  return html`<li>
    <a href=${`/tickets/${encodeURIComponent(one.ticket)}`}><strong dir="auto">${one.label}</strong>
      <span class="quiet small"><bdi>${one.event.name}</bdi> · ${dateOf(one.event)}</span></a>
    ${void_ ? html`<span class="pill bad">✕ ${t("own.revoked")}</span>` :
      one.status === "offered" ? html`<span class="pill wait">⇄ ${t("own.offered")}</span>` :
      one.entered_at !== null && html`<span class="pill wait">↦ ${t("own.used")}</span>`}
  </li>`;
}

/** @param {{t: Translate, one: any}} props */
function Attendance({ t, one }) {
  const states = {
    pending: t("own.attendancePending"), registered: t("own.attendanceRegistered"),
    cancelled: t("own.attendanceCancelled"),
  };
  const state = states[/** @type {keyof states} */ (one.status)] ?? one.status;
  return html`<li><a href=${`/events/${encodeURIComponent(one.event)}`}>
      <strong dir="auto">${one.name}</strong>
      <span class="quiet small">${one.reference ?? ""}</span></a>
    <span class="pill">${state}</span></li>`;
}
