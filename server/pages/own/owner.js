// @ts-check
// Requests of who is signed in, about what is theirs.

import { Refused, ask, forget, freshen, sessionToken } from "../client/index.js";

/** Hears `ended` when the session turns out to be over. */
export const session = new EventTarget();

/** @typedef {import("../client/http.js").Asked} Asked */

/**
 * Send a request as who is signed in. Throws as `ask` does.
 * @param {string} path @param {Asked} [asked]
 */
export async function askOwn(path, asked = {}) {
  await freshen();
  const token = sessionToken();
  try {
    return await ask(path, { ...asked, token });
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      if (token !== null) forget(token);
      session.dispatchEvent(new Event("ended"));
    }
    throw error;
  }
}

/** @param {string} path @param {Asked} [asked] @returns {Promise<any>} the document */
export const askOwnJson = async (path, asked) => (await askOwn(path, asked)).json();

/**
 * Read a list to its end.
 * @param {string} path @param {(path: string) => Promise<any>} readPage
 * @returns {Promise<any[]>}
 */
export async function readAll(path, readPage) {
  const items = [];
  for (let cursor = ""; ;) {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page = await readPage(`${path}?limit=200${more}`);
    items.push(...page.items);
    if (page.next_cursor === null) return items;
    cursor = page.next_cursor;
  }
}
