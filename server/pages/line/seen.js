// @ts-check
// Whether an event's line is there to be seen, and fetching what shows it: most tickets are
// bought without one.

import { Refused, Unreachable, askJson, keepGuest, ofBrowser, signedIn } from "../client/index.js";
import { html, useEffect, useReducer, useState } from "../vendor/preact/standalone.js";

const JOINED = "onsale.lines"; // events in whose lines this browser has had a place
const JOINED_MAX = 50;
const AGAIN_MS = 2_000;
const WAITS = new Set(["scheduled", "on_sale", "paused"]);

/** @typedef {import("../buy/sale.js").Sale} Sale */

/** Whether it takes a turn to take places of an event. @param {any} event */
export const isGated = (event) => event?.line !== null && event?.line?.mode !== "list";

/** Whether nothing can be taken for want of a turn. @param {Sale} sale */
export const isBarred = (sale) => isGated(sale.event) && sale.turn === null;

/** Whether nothing is free, as far as that is known. @param {Sale} sale */
export const isSoldOut = ({ state }) => Boolean(state?.position) && state?.counts().free === 0;

/** Note that this browser has a place in an event's line. @param {string} event */
export function noteJoined(event) {
  const others = (ofBrowser.read(JOINED) ?? []).filter((/** @type {string} */ one) => one !== event);
  ofBrowser.write(JOINED, [...others, event].slice(-JOINED_MAX));
}

/**
 * Take the place of another device that the address has behind its #, which leaves the
 * address bar first. What it cannot open is a place no more: then one looks as who one is.
 * @param {string} event
 */
export async function takePlace(event) {
  const [kind, place] = location.hash.slice(1).split("=", 2);
  if (kind !== "place" || !place) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    keepGuest(await askJson("/v1/auth/place", { method: "POST", body: { place } }));
    noteJoined(event);
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
  }
}

/** @param {Sale} sale @returns {boolean} */
function isSeen(sale) {
  const { id, event, trouble } = sale;
  if (event === null || !(event.line || event.waitlist)) return false;
  if (isGated(event)) return WAITS.has(event.status);
  // A waitlist is for what is not to be had now, and for who waits already.
  const asked = signedIn() !== null || (ofBrowser.read(JOINED) ?? []).includes(id);
  const none = isSoldOut(sale) || trouble?.code === "not_enough_seats";
  return event.status === "on_sale" && (none || asked);
}

/**
 * The part of the page that shows the line; nothing where there is none to be seen.
 * @param {{sale: Sale}} props
 */
export function Line({ sale }) {
  const [Part, setPart] = useState(/** @type {any} */ (null));
  const [tries, again] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const seen = isSeen(sale);
  useEffect(() => {
    if (!seen || Part !== null) return undefined;
    let timer = 0;
    import("./part.js").then(
      (module) => setPart(() => module.Part),
      () => {
        timer = setTimeout(again, AGAIN_MS);
      },
    );
    return () => clearTimeout(timer);
  }, [seen, Part, tries]);
  if (Part !== null) return html`<${Part} sale=${sale} />`;
  return seen && html`<div class="skeleton line" aria-hidden="true"></div>`;
}
