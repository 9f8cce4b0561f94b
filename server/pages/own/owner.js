// @ts-check
// Requests of who is signed in, about what is theirs.

import { Refused, ask, freshen, renew, sessionToken, signOut } from "../client/index.js";

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
  if (token === null) throw ended();
  try {
    return await ask(path, { ...asked, token });
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
  const next = await renew(token);
  if (next === null) throw ended();
  try {
    return await ask(path, { ...asked, token: next });
  } catch (error) {
    if (isUnknown(error)) throw ended();
    throw error;
  }
}

/** @param {unknown} error */
const isUnknown = (error) => error instanceof Refused && error.status === 401;

/** Forget who signed in, and say so. @returns {Refused} as the server would put it */
function ended() {
  signOut();
  session.dispatchEvent(new Event("ended"));
  return new Refused(401, { code: "unauthenticated" });
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
