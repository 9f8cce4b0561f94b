// @ts-check
// The map and its list twin: both show what the sale knows, and hand on what is tapped.

import { SeatList } from "../map/seat_list.js";
import { SeatMap } from "../map/seat_map.js";
import { isBarred } from "../line/seen.js";
import { useEffect, useLayoutEffect, useRef } from "../vendor/preact/standalone.js";
import { showStepper } from "./choose.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Sale} Sale */

/** @type {Map<number, string>} */
const NO_REMARKS = new Map();

/** @param {Sale} sale @param {(SeatMap | SeatList)[]} views */
function showMine(sale, views) {
  const { hold } = sale;
  const areas = new Map(Object.entries(hold?.areas ?? {}));
  for (const view of views) {
    view.setMine(new Set(hold?.seats ?? []), areas);
    view.setPending(new Set(sale.pending));
    view.setPickable(sale.event.status === "on_sale" && !isBarred(sale));
  }
}

/** Once what is on the screen has been painted. @param {() => void} work */
const afterPaint = (work) => requestAnimationFrame(() => setTimeout(work));

/**
 * @param {Sale} sale @param {HTMLElement} plan @param {HTMLElement} list @param {Translate} t
 * @param {{filter: Set<string> | null}} wish as it is by then
 */
function open(sale, plan, list, t, wish) {
  /** @type {(SeatMap | SeatList)[]} */
  const views = [];
  let closed = false;
  const add = (/** @type {SeatMap | SeatList} */ view) => {
    view.show(sale.map, /** @type {any} */ (sale.state), sale.event.prices);
    view.onPick = (_, label) => sale.pick(label);
    view.onArea = showStepper;
    views.push(view);
  };
  add(new SeatMap(plan, { t }));
  // Below the map, where nobody looks first: the map does not wait for it.
  afterPaint(() => {
    if (closed) return;
    const late = new SeatList(list, { t });
    add(late);
    showMine(sale, [late]);
    late.setFilter(wish.filter);
    late.setAlternatives(sale.trouble?.alternatives ?? []);
  });
  const changed = (/** @type {any} */ { detail }) => {
    for (const view of views) view.changed(detail.seats, detail.areas);
  };
  sale.addEventListener("places", changed);
  const close = () => {
    closed = true;
    sale.removeEventListener("places", changed);
    for (const view of views) view.destroy();
  };
  return { views, close };
}

/**
 * Keep a map and its list in two elements, once the sale is open.
 * @param {Translate} t @param {Sale} sale @param {Set<string> | null} filter
 * @param {Map<number, string>} remarks what more the map says of seats, by index
 * @returns {{plan: {current: any}, list: {current: any}}} refs for the two
 */
export function usePlaces(t, sale, filter, remarks = NO_REMARKS) {
  const plan = useRef(/** @type {any} */ (null));
  const list = useRef(/** @type {any} */ (null));
  const opened = useRef(/** @type {ReturnType<typeof open> | null} */ (null));
  const wish = useRef({ filter });
  wish.current.filter = filter;
  const { hold, event, trouble, marks } = sale;
  // In the frame that shows the rest of the page, too.
  useLayoutEffect(() => {
    if (plan.current === null) return undefined;
    const both = open(sale, plan.current, list.current, t, wish.current);
    opened.current = both;
    return both.close;
  }, [sale.map]);
  const each = (/** @type {(view: SeatMap | SeatList) => void} */ work) =>
    opened.current?.views.forEach(work);
  useEffect(
    () => each((view) => view.show(sale.map, /** @type {any} */ (sale.state), event.prices)),
    [JSON.stringify(event?.prices)],
  );
  useEffect(
    () => showMine(sale, opened.current?.views ?? []),
    [sale.map, hold, event?.status, event && isBarred(sale), marks],
  );
  useEffect(() => each((view) => view.setFilter(filter)), [filter]);
  useEffect(() => each((view) => {
    if (view instanceof SeatMap) view.remarks = remarks;
  }), [sale.map, remarks]);
  useEffect(() => each((view) => view.setAlternatives(trouble?.alternatives ?? [])), [trouble]);
  return { plan, list };
}
