// @ts-check
// What an event is called by those who run it: its place, categories and kinds of tickets.

import { Refused, Unreachable, read } from "../client/index.js";

/**
 * @typedef {{name: string, address: string | null, categories: Map<string, string>,
 *   types: Map<string, string>, until: number}} Place
 *   names of categories and types by their keys; `until` when buyers may give back, in ms
 *   since 1970; `name` is empty where the event has no venue
 */

/**
 * What an order's or a ticket's page tells of its event; null where that is not told. It is
 * good to know, and no reason not to show the rest.
 * @param {string} event @returns {Promise<Place | null>}
 */
export async function placeOf(event) {
  try {
    const found = await read(`/v1/events/${encodeURIComponent(event)}`);
    const types = Object.entries(found.types).map(([key, one]) => [key, one.name]);
    const until = Date.parse(found.starts_at) - found.cancel_until_s * 1_000;
    const none = { name: "", address: null, categories: [] };
    const venue = found.venue
      ? await read(`/v1/venues/${encodeURIComponent(found.venue)}`) : none;
    const named = venue.categories.map((/** @type {any} */ one) => [one.key, one.label]);
    return {
      name: venue.name, address: venue.address, categories: new Map(named),
      types: new Map(/** @type {any} */ (types)), until,
    };
  } catch (error) {
    if (error instanceof Refused || error instanceof Unreachable) return null;
    throw error;
  }
}
