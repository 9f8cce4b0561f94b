// @ts-check
// One's turn: told so that it is not missed, for how long it is, and how to have more time.

import { Button } from "../parts/forms.js";
import { entitle } from "../parts/page.js";
import { html, useEffect, useReducer, useRef } from "../vendor/preact/standalone.js";
import { leftText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./place.js").Place} Place */

const WARNING_MS = 60_000;
const TICK_MS = 250;

/** @param {{t: Translate, place: Place}} props */
export function Turn({ t, place }) {
  const { turn, sale } = place;
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const [, tick] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, []);
  // Once for each turn: it is told where somebody is, and in the name of the tab.
  useEffect(() => {
    if (turn === null) return undefined;
    title.current?.focus();
    entitle(`${t("line.turn")} ${sale.event.name}`);
    return () => entitle(sale.event.name);
  }, [turn === null]);
  if (turn === null) return html`<p class="note good" role="status">${t("line.turn")}</p>`;
  const left = turn.until - performance.now();
  const held = sale.hold !== null;
  return html`<div class="note good stack" data-testid="line-turn">
    <h2 ref=${title} tabindex="-1">${
      t(turn.returned ? "line.offerTitle" : "line.turn")}</h2>
    <p role="alert">${t(turn.offered ? "line.turnHeld" : "line.turnChoose")}</p>
    ${!held && html`<${Clock} t=${t} place=${place} left=${left} />`}
    ${turn.offered && html`<div class="row"><${Button} data-testid="line-leave" busy=${place.busy}
      onClick=${() => place.leave()}>${t("line.turnDecline")}<//></div>`}
  </div>`;
}

/** @param {{t: Translate, place: Place, left: number}} props */
function Clock({ t, place, left }) {
  const soon = left < WARNING_MS;
  return html`<div class=${soon ? "clock soon" : "clock"}>
    <p>${t("line.turnFor")}${" "}<b class="number" role="timer" data-testid="turn-countdown">
      ${leftText(left)}</b></p>
    <div role="alert">${soon && left > 0 && html`<p>${t("line.turnHurry")}</p>`}</div>
    <div class="row"><${Button} data-testid="turn-more" busy=${place.busy}
      onClick=${() => place.moreTime()}>${t("line.turnMore")}<//></div>
  </div>`;
}
