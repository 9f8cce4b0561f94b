// @ts-check
// Where an event is, and what its categories are called there.

import { Refused, Unreachable, read } from "../client/index.js";

/**
 * @typedef {{name: string, address: string | null, categories: Map<string, string>}} Place
 *   names of categories by their keys
 */

/**
 * Where an event is; null where that is not told. It is good to know, and no reason not to
 * show the rest.
 * @param {string} event @returns {Promise<Place | null>}
 */
export async function placeOf(event) {
  try {
    const { venue } = await read(`/v1/events/${encodeURIComponent(event)}`);
    if (venue === null) return null;
    const told = await read(`/v1/venues/${encodeURIComponent(venue)}`);
    const named = told.categories.map((/** @type {any} */ one) => [one.key, one.label]);
    return { name: told.name, address: told.address, categories: new Map(named) };
  } catch (error) {
    if (error instanceof Refused || error instanceof Unreachable) return null;
    throw error;
  }
}
