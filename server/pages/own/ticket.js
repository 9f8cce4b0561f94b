// @ts-check
// The page of one ticket: its code for the gate, and how it stands.
//
// What was last seen of it is kept, so that it can be shown at a door without a network.

import {
  Refused, Unreachable, isOpened, readOwn, serverNow, sessionToken, signedIn,
} from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { keepForLater } from "../parts/worker.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { dayText, momentText } from "../words/format.js";
import { words } from "../words/index.js";
import { Away } from "./away.js";
import { copyOf, forgetCopy, keepCopy, keepWhere, qrOf } from "./copies.js";
import { download, toTitle, troubleText, useWork } from "./forms.js";
import { Gate } from "./gate.js";
import { Offered, PassOn } from "./pass_on.js";
import { placeOf } from "./place.js";

const t = await words("own");
const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const path = `/v1/tickets/${encodeURIComponent(id)}`;

/**
 * @typedef {{ticket: any, token: string | null, qr: string, told: string, away: any,
 *   where: import("./copies.js").Where}} Seen
 *   `told` says how old it is, where it is a copy
 */

/** @returns {Promise<Seen>} */
async function look() {
  try {
    const found = await readOwn(path);
    if (found === null) return copied(t("own.copyNoToken"), "nobody");
    const { token, document: ticket } = found;
    keepCopy(ticket, serverNow());
    const [qr, where] = await Promise.all([
      ticket.code === null ? "" : qrOf(id, ticket.code, token), whereOf(ticket),
    ]);
    keepWhere(id, where);
    return { ticket, token, qr, told: "", away: null, where };
  } catch (error) {
    if (error instanceof Unreachable) return copied(t("own.copyOffline"), null);
    if (!(error instanceof Refused)) throw error;
    if (error.status === 404 && await passedOn()) {
      forgetCopy(id);
      return { ...copied("", null), told: t("own.passedAway") };
    }
    // Guests are forgotten after some days, and events may be weeks away.
    if ([401, 404].includes(error.status)) return copied(t("own.copyNoToken"), error);
    return copied(troubleText(t, error), null);
  }
}

/** Whether who looks had the ticket, and gave it to somebody. @returns {Promise<boolean>} */
async function passedOn() {
  if (copyOf(id) === null) return false;
  try {
    return (await readOwn(`${path}/transfer`))?.document.status === "accepted";
  } catch (error) {
    if (error instanceof Refused || error instanceof Unreachable) return false;
    throw error;
  }
}

const NOWHERE = { address: "", category: "" };

/** @param {any} ticket @returns {Promise<import("./copies.js").Where>} */
async function whereOf(ticket) {
  const place = await placeOf(ticket.event.id);
  if (place === null) return copyOf(id)?.where ?? NOWHERE;
  const category = place.categories.get(ticket.category) ?? "";
  return { address: place.address ?? "", category: category === ticket.label ? "" : category };
}

/** @param {string} why @param {any} away @returns {Seen} what was last seen, if anything was */
function copied(why, away) {
  const copy = copyOf(id);
  if (!copy?.ticket) {
    const told = away ? "" : t("own.noCopy");
    return { ticket: null, token: null, qr: "", told, away, where: NOWHERE };
  }
  const qr = copy.code === copy.ticket.code ? copy.qr ?? "" : "";
  const told = t("own.copyOf", { why, time: dayText(copy.at ?? 0) });
  const where = copy.where ?? NOWHERE;
  return { ticket: copy.ticket, token: null, qr, told, away: null, where };
}

function TicketPage() {
  const [seen, setSeen] = useState(/** @type {Seen | null} */ (null));
  const load = () => look().then(setSeen);
  useEffect(() => {
    load();
    const onVisible = () => document.visibilityState === "visible" && load();
    document.addEventListener("visibilitychange", onVisible);
    addEventListener("online", load);
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      removeEventListener("online", load);
    };
  }, []);
  return html`<${Page} t=${t} narrow><${Shown} seen=${seen} load=${load} /><//>`;
}

/** @param {{seen: Seen | null, load: () => Promise<void>}} props */
function Shown({ seen, load }) {
  useEffect(() => {
    const { ticket } = seen ?? { ticket: null };
    entitle(ticket ? `${ticket.label}, ${ticket.event.name}` : t("own.ticket"));
  }, [seen]);
  if (seen === null) return html`<${Waiting} />`;
  if (seen.away) {
    return html`<${Away} t=${t} title=${t("own.ticketAway")} why=${seen.away}
      onDone=${() => load().then(toTitle)} />`;
  }
  if (seen.ticket === null) {
    return html`<div class="stack"><h1>${t("own.ticket")}</h1>
      <p class="note wait" role="status">${seen.told}</p>
      <div class="row"><${Button} onClick=${load}>${t("common.again")}<//></div></div>`;
  }
  return html`<${Ticket} seen=${seen} load=${load} />`;
}

const Waiting = () => html`<div class="card stack" aria-busy="true">
  <h1 class="unseen">${t("own.loading")}</h1>
  <div class="skeleton line"></div><div class="skeleton title"></div>
  <div class="skeleton square"></div></div>`;

/** @param {any} ticket @returns {string} valid, offered, locked, revoked, or used */
const stateOf = (ticket) =>
  ticket.entered_at !== null && ticket.status !== "revoked" ? "used" : ticket.status;

/**
 * A sign, a look, a name, and what it means: never the colour alone.
 * @param {string} state @returns {[string, string, string, string]}
 */
function saidOf(state) {
  switch (state) {
    case "valid": return ["✓", "good", t("own.valid"), t("own.validWords")];
    case "used": return ["↦", "wait", t("own.used"), ""];
    case "offered": return ["⇄", "wait", t("own.offered"), t("own.offeredWords")];
    case "locked": return ["⏸", "wait", t("own.locked"), t("own.lockedWords")];
    default: return ["✕", "bad", t("own.revoked"), t("own.revokedWords")];
  }
}

/** @param {any} ticket @param {string} state @param {string} means @param {string} qr */
function meaningOf(ticket, state, means, qr) {
  if (state === "used") {
    return t("own.usedWords", { time: momentText(ticket.entered_at, ticket.event.timezone) });
  }
  if (ticket.code === null && ["valid", "offered"].includes(state)) return t("own.notHolder");
  if (ticket.code !== null && !qr) return t("own.noQr");
  return means;
}

/** @param {{seen: Seen, load: () => Promise<void>}} props */
function Ticket({ seen, load }) {
  const { ticket, qr, told, where, token } = seen;
  const state = stateOf(ticket);
  const [sign, kind, name, means] = saidOf(state);
  const said = meaningOf(ticket, state, means, qr);
  return html`<article class="stack">
    ${told && html`<p class="note wait" role="status">${told}</p>`}
    <div class=${`card stack ticket ${state}`}>
      <p role="status"><span class=${`pill ${kind}`} data-testid="ticket-status"
        data-state=${state}><span aria-hidden="true">${sign}</span>${name}</span></p>
      <h1 dir="auto">${ticket.event.name}</h1>
      <p><time datetime=${ticket.event.starts_at}>
        ${momentText(ticket.event.starts_at, ticket.event.timezone)}</time></p>
      ${ticket.event.venue && html`<p class="quiet"><bdi>${ticket.event.venue}</bdi>
        ${where.address && html`<br /><bdi>${where.address}</bdi>`}</p>`}
      <${Code} ticket=${ticket} qr=${qr} state=${state} sign=${sign} />
      <p class="number large" data-testid="ticket-number">${ticket.number}</p>
      <p class="label" dir="auto">${ticket.label}</p>
      ${where.category && html`<p class="quiet" dir="auto">${where.category}</p>`}
      ${ticket.holder.name &&
        html`<p class="quiet">${t("own.holder")} <bdi>${ticket.holder.name}</bdi></p>`}
      ${said && html`<p class=${state === "valid" ? "" : `note ${kind}`}>${said}</p>`}
      ${state === "offered" && mayPass(seen) && html`<${Offered} t=${t} path=${path} token=${token}
        onDone=${() => load().then(toTitle)} />`}
    </div>
    <${Files} seen=${seen}>${state === "valid" && mayPass(seen) && html`<${PassOn} t=${t}
      path=${path} token=${token} onDone=${() => load().then(toTitle)} />`}<//>
  </article>`;
}

/** @param {{ticket: any, qr: string, state: string, sign: string}} props */
function Code({ ticket, qr, state, sign }) {
  const [bright, setBright] = useState(false);
  if (state === "revoked" || state === "locked") {
    return html`<p class="void" aria-hidden="true">${sign}</p>`;
  }
  if (!qr) return null;
  const alt = t("own.qrOf", { number: ticket.number });
  return html`<div class="qr"><img data-testid="ticket-qr" src=${qr} alt=${alt}
      width="320" height="320" /></div>
    <div class="row centre"><${Button} kind="first" onClick=${() => setBright(true)}>
      ${t("own.bright")}<//></div>
    ${bright &&
      html`<${Gate} t=${t} ticket=${ticket} qr=${qr} onClose=${() => setBright(false)} />`}`;
}

/**
 * Whether who looks may pass the ticket on: who holds it, and who has more than the link of a
 * mail, which others may have as well. Who runs the event sees codes, too.
 * @param {Seen} seen
 */
function mayPass({ ticket, token }) {
  if (token === null || ticket.code === null || isOpened(token)) return false;
  return token !== sessionToken() || signedIn()?.id === ticket.holder.user;
}

/** @param {{seen: Seen, children?: any}} props */
function Files({ seen, children }) {
  const { ticket, token } = seen;
  const work = useWork(t);
  const busy = useRef("");
  // Of a copy there is nothing to be had: it is shown where nobody may be asked.
  if (token === null) return null;
  /** @param {string} text @param {string} address @param {string} name of the file */
  const file = (text, address, name) => {
    const get = () => {
      busy.current = name;
      return work.run(() => download(address, name, token));
    };
    const waits = work.busy && busy.current === name;
    return html`<${Button} busy=${waits} onClick=${get}>${text}<//>`;
  };
  const event = encodeURIComponent(ticket.event.id);
  const order = ticket.order && `/orders/${encodeURIComponent(ticket.order)}`;
  const name = `ticket-${ticket.number}`;
  return html`<${Wrong} text=${work.trouble} /><div class="row centre">
    ${ticket.code !== null && html`${file(t("own.pdf"), `${path}.pdf`, `${name}.pdf`)}
      ${file(t("own.wallet"), `${path}/wallet.json`, `${name}.json`)}`}
    ${file(t("own.calendar"), `/v1/events/${event}/calendar.ics`, "event.ics")}
    ${order && html`<a class="button" href=${order}>${t("own.wholeOrder")}</a>`}
    ${children}
  </div>`;
}

show(html`<${TicketPage} />`);
keepForLater("/tickets/worker.js");
