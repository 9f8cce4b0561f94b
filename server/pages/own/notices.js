// @ts-check
// What somebody is told of what they have: the latest first, live, and what is new of it.

import {
  Connection, Refused, Unreachable, ask, askJson, freshen, sessionToken, tokens,
} from "../client/index.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { amountText, dayText } from "../words/format.js";
import { troubleText } from "./forms.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const SHOWN = 5;
const MORE = 50;
const DISPUTES = {
  open: "own.newsDisputed", won: "own.newsDisputeWon", lost: "own.newsDisputeLost",
};

/** @param {Translate} t @param {any} one a notice @returns {string} what it says */
function saidOf(t, { kind, data }) {
  const { reference = "", number = "", labels = [] } = data;
  const sum = data.amount && data.currency ? amountText(data.amount, data.currency) : "";
  switch (kind) {
    case "order_confirmed": return t("own.newsConfirmed", { reference });
    case "order_cancelled":
      return t(data.part ? "own.newsPart" : "own.newsCancelled", {
        reference, labels: labels.join(", ") });
    case "refund_sent": return t("own.newsRefund", { reference, sum });
    case "refund_failed": return t("own.newsRefundFailed", { reference, sum });
    case "ticket_transferred":
      return t(data.side === "received" ? "own.newsReceived" : "own.newsGiven", { number });
    case "event_changed": return t(data.place ? "own.newsPlace" : "own.newsMoved");
    case "event_cancelled": return t("own.newsEventCancelled");
    case "payment_disputed":
      return t(DISPUTES[/** @type {keyof DISPUTES} */ (data.state)] ?? DISPUTES.open, {
        reference, sum });
    case "join_requested": return t("own.newsJoin");
    case "turn": return t("own.newsTurn", { time: dayText(data.until_ms) });
    case "offer": return t("own.newsOffer", { time: dayText(data.until_ms), n: data.quantity });
    case "offer_over": return t(data.held ? "own.newsOfferOver" : "own.newsTurnOver");
    case "reminder": return t("own.newsReminder");
    default: return kind.replaceAll("_", " ");
  }
}

/** @param {any} one @returns {string | null} the page that shows more of it */
function pageOf({ kind, event, data }) {
  if (kind === "ticket_transferred") {
    return data.side === "received" ? `/tickets/${encodeURIComponent(data.ticket)}` : null;
  }
  if (data.order) return `/orders/${encodeURIComponent(data.order)}`;
  return event && `/events/${encodeURIComponent(event)}`;
}

/**
 * What there is, and how much of it is new; asked for anew whenever the server tells more.
 * @param {Translate} t @param {string | null} guest a guest's token; null is who is signed in
 */
function useNotices(t, guest) {
  const [known, setKnown] = useState(/** @type {any} */ (null));
  const [limit, setLimit] = useState(SHOWN);
  const [trouble, setTrouble] = useState("");
  const whose = async () => {
    if (guest === null) await freshen();
    const token = guest ?? sessionToken();
    // Forgotten meanwhile, here or in another tab.
    if (token === null || !tokens().includes(token)) throw new Refused(401, {});
    return token;
  };
  const load = async () => {
    try {
      const token = await whose();
      const [page, fresh] = await Promise.all(
        [`limit=${limit}`, "unread=true&limit=1&count=true"].map((query) =>
          askJson(`/v1/notices?${query}`, { token })),
      );
      setKnown({ items: page.items, more: page.next_cursor !== null, unread: fresh.total });
      setTrouble("");
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      // Who is nobody any more is told so by what stands beside this.
      setTrouble(error instanceof Refused && error.status === 401 ? "" : troubleText(t, error));
    }
  };
  useEffect(() => {
    load();
  }, [limit]);
  useEffect(() => {
    const line = new Connection(whose);
    const look = () => load();
    line.addEventListener("notice", look);
    let connected = 0;
    // What was told while this line was broken.
    line.addEventListener("state", (state) => {
      if (/** @type {CustomEvent} */ (state).detail === "live" && connected++ > 0) look();
    });
    return () => line.end();
  }, []);
  /** @param {string[]} [some] all where absent */
  const read = async (some) => {
    try {
      const body = some === undefined ? {} : { notices: some };
      // It goes on though a link leads away meanwhile.
      const asked = { method: "POST", token: await whose(), body, keepalive: true };
      await ask("/v1/notices/read", asked);
      await load();
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      setTrouble(troubleText(t, error));
    }
  };
  return { known, trouble, read, load, more: () => setLimit(MORE) };
}

/** @param {{t: Translate, token?: string | null}} props a guest's token; else the session's */
export function Notices({ t, token = null }) {
  const { known, trouble, read, load, more } = useNotices(t, token);
  // Most guests were told nothing; nobody needs to hear of that.
  if (token !== null && !known?.items.length) return null;
  return html`<section class="card stack" data-testid="notices">
    <div class="row apart"><h2>${t(token === null ? "own.news" : "own.newsHere")}</h2>
      ${known?.unread > 0 && html`<span class="pill good" data-testid="unread"
        data-count=${known.unread}>${t("own.newsUnread", { n: known.unread })}</span>`}</div>
    ${known === null && !trouble && html`<div class="skeleton block" aria-busy="true"></div>`}
    ${known?.items.length === 0 && html`<p class="quiet">${t("own.newsNone")}</p>`}
    <${Wrong} text=${trouble} />
    ${known?.items.length > 0 && html`<ul class="things news" aria-live="polite">
      ${known.items.map((/** @type {any} */ one) =>
        html`<${Item} key=${one.id} t=${t} one=${one} onRead=${read} />`)}</ul>`}
    ${(trouble || known?.unread > 0 || known?.more) && html`<div class="row">
      ${trouble && html`<${Button} onClick=${load}>${t("common.again")}<//>`}
      ${known?.unread > 0 && html`<${Button} data-testid="read-all" onClick=${() => read()}>
        ${t("own.newsRead")}<//>`}
      ${known?.more && known.items.length < MORE && html`<${Button} onClick=${more}>
        ${t("own.more")}<//>`}</div>`}
  </section>`;
}

/** @param {{t: Translate, one: any, onRead: (some: string[]) => any}} props */
function Item({ t, one, onRead }) {
  const page = pageOf(one);
  const fresh = one.read_at === null;
  const body = html`<span><strong dir="auto">${one.event_name ?? t(one.kind === "join_requested"
      ? "own.newsOrganisation" : "own.order")}</strong>
      ${fresh && html` <span class="dot">${t("own.newsFresh")}</span>`}</span>
    <span>${saidOf(t, one)}</span>
    <span class="quiet small">${dayText(Date.parse(one.at))}</span>`;
  const open = () => fresh && onRead([one.id]);
  return html`<li data-testid="notice" data-kind=${one.kind} data-read=${fresh ? "no" : "yes"}>${
    page ? html`<a href=${page} onClick=${open}>${body}</a>` : html`<div class="told">${body}</div>`
  }</li>`;
}
