// @ts-check
// Who this browser is to the server.
//
// What a guest bought is found again only with the token that bought it. So a token that
// holds something outlives the tab; before that it need not, since the server forgets a
// guest who holds nothing within an hour. Who signs in does so for the tab, and the guest
// of the browser stays beside that: both may have bought. Orders that were opened with a
// secret from a mail have tokens of their own, which read that order and nothing else.

import { Refused, ask, askJson } from "./http.js";
import { ofBrowser, ofTab } from "./storage.js";

const TOKEN = "onsale.visitor";
const OPENED = "onsale.opened";
const PASSING_MS = 50 * 60_000;
const OPENED_MAX = 20;

/** @typedef {{token: string, until: number, lasts: number, user: any}} KeptToken */

/** @param {typeof ofTab} storage @returns {KeptToken | null} */
function aliveIn(storage) {
  const kept = storage.read(TOKEN);
  return kept !== null && kept.until > Date.now() ? kept : null;
}

/** @type {Promise<string> | null} */
let asking = null;

/** @returns {string[]} all tokens of this browser: that of the tab, then the browser's */
export function tokens() {
  return [aliveIn(ofTab), aliveIn(ofBrowser)].flatMap((kept) => kept?.token ?? []);
}

/** @returns {{id: string, role: string, name?: string} | null} who is signed in */
export function signedIn() {
  const user = aliveIn(ofTab)?.user ?? null;
  return user === null || user.role === "guest" ? null : user;
}

/** Forget a token that the server does not know any more. @param {string} token */
export function forget(token) {
  ofTab.write(OPENED, opened().filter((one) => one.token !== token));
  for (const storage of [ofTab, ofBrowser]) {
    if (aliveIn(storage)?.token === token) storage.write(TOKEN, null);
  }
}

/** @returns {Promise<string>} the token to buy with: a new guest's, where there is none */
export async function visitorToken() {
  const [kept] = tokens();
  if (kept !== undefined) return kept;
  asking ??= newGuest().finally(() => (asking = null));
  return asking;
}

async function newGuest() {
  const answer = await askJson("/v1/auth/guest", { method: "POST" });
  const now = Date.now();
  const lasts = now + answer.expires_in * 1_000;
  const token = answer.access_token;
  ofTab.write(TOKEN, { token, until: now + PASSING_MS, lasts, user: answer.user });
  return token;
}

/** To be called once a guest holds something. */
export function outliveTheTab() {
  const kept = aliveIn(ofTab);
  if (kept === null || kept.lasts === kept.until) return;
  ofBrowser.write(TOKEN, { ...kept, until: kept.lasts });
  ofTab.write(TOKEN, null);
}

/** Sign in with an address and a password. @param {string} email @param {string} password */
export async function signIn(email, password) {
  keepSignedIn(await askJson("/v1/auth/login", { method: "POST", body: { email, password } }));
}

/** Keep what signing in, or registering, was answered with. @param {any} answer */
export function keepSignedIn(answer) {
  const until = Date.now() + answer.expires_in * 1_000;
  ofTab.write(TOKEN, { token: answer.access_token, until, lasts: until, user: answer.user });
}

/** Forget who signed in; the guest of this browser stays. */
export function signOut() {
  if (signedIn() !== null) ofTab.write(TOKEN, null);
}

/** @returns {{token: string, until: number}[]} */
function opened() {
  return (ofTab.read(OPENED) ?? []).filter((/** @type {any} */ one) => one.until > Date.now());
}

/** @param {string} token @returns {boolean} whether it is that of an opened order */
export const isOpened = (token) => opened().some((one) => one.token === token);

/** Keep the token of an order that was opened with a secret. @param {any} answer */
export function keepOpened(answer) {
  const until = Date.now() + answer.expires_in * 1_000;
  const kept = [...opened(), { token: answer.access_token, until }];
  ofTab.write(OPENED, kept.slice(-OPENED_MAX));
}

/**
 * Read what is somebody's own, as any of those who this browser is.
 *
 * Returns the token that was right and the document; null where this browser is nobody.
 * Throws the last refusal.
 * @param {string} path
 * @returns {Promise<{token: string, document: any} | null>}
 */
export async function readOwn(path) {
  let refused = null;
  for (const token of [...tokens(), ...opened().map((one) => one.token)]) {
    try {
      return { token, document: await askJson(path, { token }) };
    } catch (error) {
      if (!(error instanceof Refused) || ![401, 404].includes(error.status)) throw error;
      if (error.status === 401) forget(token);
      refused = error;
    }
  }
  if (refused !== null) throw refused;
  return null;
}

/**
 * Read what everybody may see. Reads need a token too where the server says so; asking
 * with one is always right.
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function read(path) {
  const token = await visitorToken();
  try {
    return await askJson(path, { token });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    forget(token);
    return askJson(path, { token: await visitorToken() });
  }
}

/** Send a request as the visitor. @param {string} path @param {import("./http.js").Asked} asked */
export async function askAsVisitor(path, asked) {
  return ask(path, { ...asked, token: await visitorToken() });
}
