// @ts-check
// What a device without a network decides, by what it has taken along. The rules are those
// of `server/shop/checkin/rules.py`; docs/shop.md tells them.

/** @typedef {"never" | "in" | "out"} Standing */
/** @typedef {"in" | "out"} Direction */
/** @typedef {{number: string, generation: number, status: string, label: string,
 *   standing: Standing, listed: boolean}} Ticket */
/** @typedef {{id: string, name: string, reentry: boolean, opens_at: string | null}} List */

const GOOD = new Set(["valid", "offered"]);

/**
 * Decide about a code with a good signature of the event.
 * @param {{ticket: Ticket | undefined, generation: number, list: List, standing: Standing,
 *   direction: Direction, now: number}} seen
 * @returns {string} the result; only `ok` lets somebody through
 */
export function judge({ ticket, generation, list, standing, direction, now }) {
  // One that is not known was sold since.
  if (ticket !== undefined) {
    if (ticket.status === "revoked" || generation !== ticket.generation) return "revoked";
    if (!GOOD.has(ticket.status)) return "locked";
    if (!ticket.listed) return "wrong_list";
  }
  if (direction === "out") {
    if (!list.reentry) return "wrong_list";
    return standing === "in" ? "ok" : "not_in";
  }
  if (list.opens_at !== null && now < Date.parse(list.opens_at)) return "too_early";
  return standing === "never" || (standing === "out" && list.reentry) ? "ok" : "already_in";
}
