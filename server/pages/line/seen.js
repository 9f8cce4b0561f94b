// @ts-check
// Whether an event's line is there to be seen, and fetching what shows it: most tickets are
// bought without one.

import { ofBrowser, signedIn } from "../client/index.js";
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

/** Note that this browser has a place in an event's line. @param {string} event */
export function noteJoined(event) {
  const others = (ofBrowser.read(JOINED) ?? []).filter((/** @type {string} */ one) => one !== event);
  ofBrowser.write(JOINED, [...others, event].slice(-JOINED_MAX));
}

/** @param {Sale} sale @returns {boolean} */
function isSeen({ id, event, state, trouble }) {
  if (event === null || !(event.line || event.waitlist)) return false;
  if (isGated(event)) return WAITS.has(event.status);
  // A waitlist is for what is not to be had now, and for who waits already.
  const none = state?.position && state.counts().free === 0;
  const asked = signedIn() !== null || (ofBrowser.read(JOINED) ?? []).includes(id);
  return event.status === "on_sale" && (none || asked || trouble?.code === "not_enough_seats");
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
