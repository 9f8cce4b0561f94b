// @ts-check
// What one would rather have, and what else: choices that are tried in their order until one
// has as many places as are wanted. No DOM.

import { Refused } from "../client/index.js";

const FREE = "f".charCodeAt(0);
const BESIDE = 1.5; // times the distance of a row's nearest seat: farther is not beside
const PAIRS_TRIED_MAX = 5; // others may be as fast
// What another choice may have: all else would be refused there, too.
const NONE_LEFT = new Set(["not_enough_seats", "seat_not_free"]);
const NO_PAIR = new Set([...NONE_LEFT, "orphan_seat"]);

/** @typedef {import("./sale.js").Sale} Sale */
/** @typedef {{label: string, section: string | null, row: string | null, category: string,
 *   x: number, y: number, index: number, accessible: boolean, companion: boolean}} Seat */
/**
 * @typedef {{quantity: number, accessible?: boolean, adjacent?: boolean, companion?: boolean}} How
 *   `companion` is one wheelchair place with a seat for a companion, whatever the quantity
 */

/** @param {Seat} one @param {Seat} other */
const between = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/** @param {any} map @returns {Seat[][]} the rows that have a wheelchair place */
function accessibleRows(map) {
  /** @type {Map<string, Seat[]>} */
  const rows = new Map();
  const key = (/** @type {Seat} */ { section, row }) => JSON.stringify([section, row]);
  for (const seat of map.seats) if (seat.accessible) rows.set(key(seat), []);
  if (rows.size) for (const seat of map.seats) rows.get(key(seat))?.push(seat);
  return [...rows.values()];
}

/**
 * Wheelchair places with the companion's seats beside them, those nearest to what is looked
 * at first.
 * @param {any} map as `GET /v1/events/{event}/map` has it
 * @returns {[Seat, Seat][]}
 */
export function companionPairs(map) {
  /** @type {[Seat, Seat][]} */
  const pairs = [];
  for (const row of accessibleRows(map)) {
    for (const wheelchair of row.filter((one) => one.accessible)) {
      const near = row
        .filter((one) => one !== wheelchair)
        .map((seat) => ({ seat, far: between(seat, wheelchair) }));
      const reach = Math.min(...near.map(({ far }) => far)) * BESIDE;
      for (const { seat, far } of near) {
        if (seat.companion && far <= reach) pairs.push([wheelchair, seat]);
      }
    }
  }
  const focal = map.focal_point;
  const far = (/** @type {Seat} */ seat) => (focal ? between(seat, focal) : seat.index);
  return pairs.sort(([one], [other]) => far(one) - far(other));
}

/** @param {Sale} sale @param {string} wish @returns {Promise<void>} */
async function holdPair(sale, wish) {
  const isFree = (/** @type {Seat} */ { index }) => sale.state?.seats[index] === FREE;
  const fits = (/** @type {Seat} */ { category }) => !wish.startsWith("c ") || wish === `c ${category}`;
  const pairs = companionPairs(sale.map).filter((pair) => pair.every(isFree) && fits(pair[0]));
  for (const pair of pairs.slice(0, PAIRS_TRIED_MAX)) {
    try {
      await sale.add("hold", { seats: pair.map(({ label }) => label) });
      return;
    } catch (error) {
      if (!(error instanceof Refused) || !NO_PAIR.has(error.code ?? "")) throw error;
    }
  }
  throw new Refused(0, { code: "no_companion" });
}

/** @param {Sale} sale @param {string} wish @param {How} how @returns {Promise<any>} */
function holdOne(sale, wish, { quantity, accessible, adjacent, companion }) {
  if (wish.startsWith("a ")) return sale.add("hold", { areas: { [wish.slice(2)]: quantity } });
  if (companion) return holdPair(sale, wish);
  const category = wish.startsWith("c ") ? { category: wish.slice(2) } : {};
  // Absent where it is what the server does by itself.
  const more = { ...(accessible ? { accessible } : {}), ...(adjacent === false ? { adjacent } : {}) };
  return sale.add("hold_best", { quantity, ...category, ...more });
}

/**
 * Hold the first of some choices that is to be had. Throws the first's refusal where none is.
 * @param {Sale} sale
 * @param {string[]} wishes `any` for any seat, `c KEY` for a category, `a LABEL` for an area
 * @param {How} how
 * @returns {Promise<string | null>} the one that was taken; null where the sale tells why not
 */
export async function holdFirst(sale, wishes, how) {
  /** @type {string | null} */
  let taken = null;
  await sale.queue(async () => {
    let refused = null;
    for (const wish of wishes) {
      try {
        await holdOne(sale, wish, how);
        taken = wish;
        return;
      } catch (error) {
        const none = error instanceof Refused &&
          (NONE_LEFT.has(error.code ?? "") || error.code === "no_companion");
        if (!none) throw error;
        refused ??= error;
      }
    }
    throw refused;
  });
  return taken;
}
