// @ts-check
// The line of an event on its page: joining, waiting, one's turn, and what came of it.

import { serverNow, signedIn } from "../client/index.js";
import { html, useEffect, useLayoutEffect, useReducer, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { words } from "../words/index.js";
import { Fair } from "./fair.js";
import { Place } from "./place.js";
import { isBarred, isGated, isSoldOut } from "./seen.js";
import { Turn } from "./turn.js";
import { Waits, untilText } from "./waits.js";
import { WishForm } from "./wish.js";

const t = await words("line");
const TICK_MS = 1_000;

/** @typedef {import("../buy/sale.js").Sale} Sale */

/** Come again each second, while something is counted down. @param {boolean} counts */
function useTick(counts) {
  const [, tick] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useEffect(() => {
    if (!counts) return undefined;
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [counts]);
}

/** @param {{sale: Sale}} props */
export function Part({ sale }) {
  const [place] = useState(() => new Place(sale));
  const [, update] = useReducer((/** @type {number} */ n) => n + 1, 0);
  // At once, since what is asked for may be answered before anything is painted.
  useLayoutEffect(() => {
    place.addEventListener("update", update);
    return () => {
      place.removeEventListener("update", update);
      place.end();
    };
  }, []);
  useTick(place.phase === "gathering" || place.phase === "drawing" || place.phase === "off");
  if (place.line === null || place.state === null) {
    return html`<div class="stack" aria-busy="true"><div class="skeleton line title"></div>
      <div class="skeleton line half"></div></div>`;
  }
  const gated = isGated(sale.event);
  if (!gated && !place.has && !isWanted(place) && place.why === null) return null;
  return html`<section class=${isBarred(sale) ? "stack line bars" : "stack line"}
    aria-label=${t(gated ? "line.title" : "line.listTitle")} data-testid="line"
    data-phase=${place.phase} data-state=${place.state}>
    ${place.message && html`<div class="note" role="status" data-testid="line-message"><p class="quiet small">
      ${t("line.fromOrganiser")}</p><p dir="auto">${
        place.message.texts[document.documentElement.lang] ?? place.message.text}</p></div>`}
    <${Shown} place=${place} />
    <${Trouble} place=${place} />
    <${Fair} t=${t} place=${place} />
  </section>`;
}

/** @param {{place: Place}} props */
function Shown({ place }) {
  if (place.state === "turn") return html`<${Turn} t=${t} place=${place} />`;
  if (place.has) return html`<${Waits} t=${t} place=${place} />`;
  return html`<${Over} place=${place} /><${Join} place=${place} />`;
}

/** What became of the last place. @param {{place: Place}} props */
function Over({ place }) {
  const { why, sale } = place;
  if (place.state === "none" || why === null || sale.hold !== null) return null;
  const again = why === "left" || mayAgain(place);
  const texts = {
    booked: t("line.overBooked"),
    ran_out: t("line.overRanOut"),
    left: t("line.overLeft"),
    sale: t("line.overSale"),
  };
  return html`<div class=${why === "booked" ? "note good" : "note wait"} role="status"
    data-testid="line-over" data-why=${why}>
    <p>${texts[/** @type {keyof texts} */ (why)] ?? t("line.overSale")}</p>
    ${why === "ran_out" && html`<p>${t(again ? "line.againYes" : "line.againNo")}</p>`}</div>`;
}

/** Whether a waitlist has a use: nothing fits, and nothing is in hand. @param {Place} place */
function isWanted({ sale }) {
  const none = isSoldOut(sale) || sale.trouble?.code === "not_enough_seats";
  return none && sale.hold === null;
}

/** Whether who had a turn may join anew. @param {Place} place */
const mayAgain = ({ sale }) => sale.event.line === null || sale.event.line.again;

/** @param {{place: Place}} props */
function Join({ place }) {
  const { phase, sale, line } = place;
  const gated = isGated(sale.event);
  if (!gated && !isWanted(place)) return null;
  if (place.state === "done" && !mayAgain(place)) return null;
  if (phase === "over") {
    return gated && place.why === null && html`<p class="note">${t("line.isOver")}</p>`;
  }
  if (phase === "off" && !opensByJoining(sale)) {
    const at = sale.event.line?.gather_at;
    return html`<h2>${t("line.title")}</h2><p>${
      at ? t("line.opensAt", { at: dayText(Date.parse(at)) }) : t("line.opensSoon")}</p>`;
  }
  const account = gated && sale.event.line.identity !== "any" && signedIn() === null;
  const told = gated ? toldBefore(place) : [t("line.listWords")];
  const join = (/** @type {any} */ wish) => place.join(wish, document.documentElement.lang);
  return html`<h2>${t(gated ? "line.title" : "line.listTitle")}</h2>
    ${told.map((text) => html`<p>${text}</p>`)}
    ${line.counts.waiting > 0 && html`<p class="quiet small">
      ${t("line.waiting", { n: line.counts.waiting })}</p>`}
    ${account ? html`<p class="note wait" data-testid="line-account">${t("line.needsAccount")}
        ${" "}<a href="/account">${t("common.account")}</a></p>`
      : html`<${WishForm} t=${t} place=${place} onWish=${join}
        button=${t(gated ? "line.join" : "line.joinList")}
        testid=${gated ? "join-line" : "join-waitlist"} />`}`;
}

/** Whether who comes first opens the line. @param {Sale} sale */
function opensByJoining({ event }) {
  if (!isGated(event)) return true;
  return event.line.gather_at !== null && Date.parse(event.line.gather_at) <= serverNow();
}

/** What somebody is told who has not joined. @param {Place} place @returns {string[]} */
function toldBefore({ phase, line }) {
  if (phase === "gathering" || phase === "off") {
    if (line.mode !== "draw") return [t("line.fifoWords")];
    const closes = line.rules?.closes_at_ms;
    return [t("line.gatherWords"), ...(closes ? [t("line.gatherUntil", { left: untilText(closes) })] : [])];
  }
  if (phase === "drawing") return [t("line.drawingLate")];
  return [t(phase === "waitlist" ? "line.wishesOnly" : "line.openLate")];
}

const KNOWN = new Set([
  "line_not_open", "line_over", "sale_not_open", "sale_paused", "already_waiting", "bad_wish",
  "turn_over", "forbidden", "proof_needed", "captcha", "insecure", "too_many_places",
  "extend_limit", "place_not_found", "overloaded", "unavailable", "outcome_unknown",
  "rate_limited", "unreachable",
]);

/** @param {{place: Place}} props */
function Trouble({ place }) {
  const { trouble } = place;
  const text = trouble && (KNOWN.has(trouble.code) ? t(`line.no_${trouble.code}`) :
    trouble.detail ?? t("line.no_unknown"));
  return html`<div role="alert">${text && html`<div class="note wait stack"
    data-testid="line-trouble"><p>${text}</p></div>`}</div>`;
}
