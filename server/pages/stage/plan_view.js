// @ts-check
// The map of a venue, as buyers will see it, while nothing is sold.

import { EventState } from "../client/index.js";
import { SeatMap } from "../map/seat_map.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {any} map @returns {EventState} in which all is free */
function freeState(map) {
  const state = new EventState(map.seats.length);
  for (const { label, capacity } of map.areas) {
    state.areas.set(label, { free: capacity, held: 0, booked: 0, blocked: 0 });
  }
  return state;
}

/**
 * @param {{t: Translate, map: any, onPick?: (label: string) => void, chosen?: string[]}} props
 *   `chosen` seats are drawn as one's own
 */
export function PlanView({ t, map, onPick = () => {}, chosen = [] }) {
  const root = useRef(/** @type {any} */ (null));
  const view = useRef(/** @type {SeatMap | null} */ (null));
  const state = useMemo(() => freeState(map), [map]);
  const pick = useRef(onPick);
  pick.current = onPick;
  useLayoutEffect(() => {
    const made = new SeatMap(root.current, { t });
    made.onPick = (_, label) => pick.current(label);
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    view.current?.show(map, state);
    view.current?.setMine(chosen);
  }, [map, chosen.join("\n")]);
  return html`<div class="plan" ref=${root}></div>`;
}

/** How many seats and areas a map has. @param {{t: Translate, map: any}} props */
export function Counts({ t, map }) {
  const places = map.areas.reduce(
    (/** @type {number} */ sum, /** @type {any} */ one) => sum + one.capacity, map.seats.length);
  const accessible = map.seats.filter((/** @type {any} */ one) => one.accessible).length;
  return html`<p class="quiet" data-testid="counts" data-seats=${map.seats.length}
    data-areas=${map.areas.length}>${[
      t("stage.seats", { n: map.seats.length }),
      map.areas.length > 0 && t("stage.areas", { n: map.areas.length }),
      t("stage.places", { n: places }),
      accessible > 0 && t("stage.accessibleSeats", { n: accessible }),
    ].filter(Boolean).join(" · ")}</p>`;
}
