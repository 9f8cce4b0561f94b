// @ts-check
// Who this browser is to the server.
//
// What a guest bought is found again only with the token that bought it. So a token that
// holds something outlives the tab; before that it need not, since the server forgets a
// guest who holds nothing within an hour. Who signs in does so for the tab, or for the
// browser where they say so, and the guest stays beside that: both may have bought. Orders
// that were opened with a secret from a mail have tokens of their own, which read that
// order and nothing else.

import { Refused, ask, askJson } from "./http.js";
import { ofBrowser, ofTab } from "./storage.js";

const GUEST = "onsale.visitor";
const SESSION = "onsale.session";
const OPENED = "onsale.opened";
const PASSING_MS = 50 * 60_000;
const EARLY_MS = 60_000; // before its end a token is exchanged for the next one
const OPENED_MAX = 20;

/** @typedef {{token: string, until: number, lasts: number}} KeptGuest */
/**
 * @typedef {{token: string, until: number, refresh: string, lasts: number, user: any}} KeptSession
 *   `until` its token is good, `lasts` how long the session can go on with `refresh`
 */

/** @param {typeof ofTab} storage @returns {KeptGuest | null} */
function guestIn(storage) {
  const kept = storage.read(GUEST);
  return kept !== null && kept.until > Date.now() ? kept : null;
}

/** @param {typeof ofTab} storage @returns {KeptSession | null} */
function sessionIn(storage) {
  const kept = storage.read(SESSION);
  return kept !== null && kept.lasts > Date.now() ? kept : null;
}

/** Where the session of this tab is kept; null where nobody is signed in. */
const placeOfSession = () => [ofTab, ofBrowser].find((one) => sessionIn(one) !== null) ?? null;

/** @type {Promise<string> | null} */
let asking = null;
/** @type {Promise<void> | null} */
let refreshing = null;

/** @returns {string[]} the tokens of this browser's guests */
export const guestTokens = () =>
  [guestIn(ofTab), guestIn(ofBrowser)].flatMap((kept) => kept?.token ?? []);

/** @returns {string | null} the token of who is signed in, as it was last */
export const sessionToken = () => sessionIn(placeOfSession() ?? ofTab)?.token ?? null;

/** @returns {string[]} all tokens of this browser: who is signed in, then guests */
export const tokens = () => [sessionToken(), ...guestTokens()].flatMap((one) => one ?? []);

/** @returns {{id: string, role: string} | null} who is signed in */
export const signedIn = () => sessionIn(placeOfSession() ?? ofTab)?.user ?? null;

/**
 * Forget a token that the server does not know any more. A session may go on with another.
 * @param {string} token
 */
export function forget(token) {
  ofTab.write(OPENED, opened().filter((one) => one.token !== token));
  for (const storage of [ofTab, ofBrowser]) {
    if (guestIn(storage)?.token === token) storage.write(GUEST, null);
    const session = sessionIn(storage);
    if (session?.token !== token) continue;
    // Its time may have come early, where a clock is wrong; else its next token fails, too.
    storage.write(SESSION, session.until === 0 ? null : { ...session, until: 0 });
  }
}

/**
 * Make sure that the token of who is signed in is good for a while.
 *
 * Throws `Unreachable`, and `Refused` but for a session that has ended: that is forgotten.
 */
export function freshen() {
  refreshing ??= refresh().finally(() => (refreshing = null));
  return refreshing;
}

async function refresh() {
  const place = placeOfSession();
  const kept = place && sessionIn(place);
  if (!place || !kept || kept.until - EARLY_MS > Date.now()) return;
  try {
    const body = { refresh_token: kept.refresh };
    keepSession(place, await askJson("/v1/auth/refresh", { method: "POST", body }));
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    // Another tab may have been first.
    if (sessionIn(place)?.refresh === kept.refresh) place.write(SESSION, null);
  }
}

/**
 * Forget a token that may be a session's, and go on with the session if there is one.
 * @param {string} token @returns {Promise<string | null>} the session's token by then
 */
export async function renew(token) {
  const before = sessionToken();
  forget(token);
  // Another tab may have gone on with it.
  if (token === before) await freshen();
  const next = sessionToken();
  return next === token ? null : next;
}

/** @returns {Promise<string>} the token to buy with: a new guest's, where there is none */
export async function visitorToken() {
  await freshen();
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
  ofTab.write(GUEST, { token, until: now + PASSING_MS, lasts });
  return token;
}

/**
 * To be called before a guest holds something.
 *
 * Where another tab's guest does so already, this one stays with its tab: neither may lose
 * what it holds to the other.
 */
export function outliveTheTab() {
  const kept = guestIn(ofTab);
  if (kept === null || signedIn() !== null) return;
  const alone = guestIn(ofBrowser) === null;
  (alone ? ofBrowser : ofTab).write(GUEST, { ...kept, until: kept.lasts });
  if (alone) ofTab.write(GUEST, null);
}

/**
 * Be the guest of a place in a line that was opened here: in this tab only, where the
 * browser's guest holds something.
 * @param {any} answer of `POST /v1/auth/place`
 */
export function keepGuest(answer) {
  const lasts = Date.now() + answer.expires_in * 1_000;
  const alone = guestIn(ofBrowser) === null;
  ofTab.write(GUEST, null);
  (alone ? ofBrowser : ofTab).write(GUEST, { token: answer.access_token, until: lasts, lasts });
}

/** Whether who this browser is may hold something: not a guest who only looked. */
export function mayHold() {
  const kept = guestIn(ofTab) ?? guestIn(ofBrowser);
  return signedIn() !== null || (kept !== null && kept.until === kept.lasts);
}

/**
 * Be from now on who holds something in another tab of this browser.
 * @returns {boolean} whether that is somebody else than before
 */
export function joinBrowser() {
  if (mayHold() || guestIn(ofTab) === null || guestIn(ofBrowser) === null) return false;
  ofTab.write(GUEST, null);
  return true;
}

/** Call what is given when another tab's guest begins to hold something.
 * @param {() => void} work @returns {() => void} which ends that */
export function onOtherTab(work) {
  const heard = (/** @type {StorageEvent} */ event) => {
    if (event.key === GUEST && joinBrowser()) work();
  };
  addEventListener("storage", heard);
  return () => removeEventListener("storage", heard);
}

/**
 * Sign in with an address and a password.
 * @param {string} email @param {string} password
 * @param {boolean} [stays] in all tabs of this browser, and after it was closed
 */
export async function signIn(email, password, stays = false) {
  const body = { email, password };
  keepSignedIn(await askJson("/v1/auth/login", { method: "POST", body }), stays);
}

/**
 * Make an account and sign in. What a guest of this browser has is the account's then.
 * @param {{email: string, password: string, name: string, locale?: string}} body @param {boolean} [stays]
 */
export async function register(body, stays = false) {
  // The one who may have bought something, where there are two.
  const token = guestTokens().at(-1);
  keepSignedIn(await askJson("/v1/auth/register", { method: "POST", body, token }), stays);
  if (token !== undefined) forget(token);
}

/**
 * Keep what signing in, or registering, was answered with.
 * @param {any} answer @param {boolean} [stays]
 */
export function keepSignedIn(answer, stays = false) {
  signOut();
  keepSession(stays ? ofBrowser : ofTab, answer);
}

/** Keep the answer to a changed password, where the session was kept. @param {any} answer */
export function keepNewSession(answer) {
  keepSession(placeOfSession() ?? ofTab, answer);
}

/** @param {typeof ofTab} storage @param {any} answer */
function keepSession(storage, answer) {
  const now = Date.now();
  storage.write(SESSION, {
    token: answer.access_token,
    until: now + answer.expires_in * 1_000,
    refresh: answer.refresh_token,
    lasts: now + answer.refresh_expires_in * 1_000,
    user: answer.user,
  });
}

/** Forget who signed in; the guest of this browser stays. */
export function signOut() {
  for (const storage of [ofTab, ofBrowser]) storage.write(SESSION, null);
}

/** @returns {{token: string, until: number, paths: string[]}[]} `paths` it is known to open */
function opened() {
  return (ofTab.read(OPENED) ?? []).filter((/** @type {any} */ one) => one.until > Date.now());
}

/** @param {string} token @returns {boolean} whether it is that of an opened order */
export const isOpened = (token) => opened().some((one) => one.token === token);

/** Keep the token of an order that was opened with a secret. @param {any} answer */
export function keepOpened(answer) {
  const until = Date.now() + answer.expires_in * 1_000;
  const paths = [`/v1/orders/${answer.order}`];
  const kept = [...opened(), { token: answer.access_token, until, paths }];
  ofTab.write(OPENED, kept.slice(-OPENED_MAX));
}

/**
 * Note what else the token of an opened order reads.
 * @param {string} token @param {string[]} more paths
 */
export function keepPaths(token, more) {
  ofTab.write(OPENED, opened().map((one) =>
    one.token === token ? { ...one, paths: [...new Set([...one.paths, ...more])] } : one));
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
  await freshen();
  let refused = null;
  // Those of the very order first: so nobody is asked in vain.
  const apart = opened().filter(({ paths }) => paths.includes(path));
  const others = opened().filter((one) => !apart.includes(one));
  const known = [...apart, ...tokens().map((token) => ({ token })), ...others];
  let mayRenew = true;
  for (const { token } of known) {
    try {
      return { token, document: await askJson(path, { token }) };
    } catch (error) {
      if (!(error instanceof Refused) || ![401, 404].includes(error.status)) throw error;
      refused = error;
      if (error.status !== 401) continue;
      const next = await renew(token);
      if (next === null || !mayRenew || known.some((one) => one.token === next)) continue;
      mayRenew = false;
      known.push({ token: next });
    }
  }
  if (refused !== null) throw refused;
  return null;
}

/**
 * Read what everybody may see, as who this browser is, if it is anybody: nobody becomes a
 * guest for looking.
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function read(path) {
  await freshen();
  const [token] = tokens();
  try {
    return await askJson(path, { token });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    if (token !== undefined) forget(token);
    return askJson(path, { token: await visitorToken() });
  }
}

/**
 * Read what everybody may see as nobody, so that it may have been fetched with the page.
 * What nobody is shown may still be there for who this browser is.
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function readFirst(path) {
  try {
    return await askJson(path, { cache: "default" });
  } catch (error) {
    if (!(error instanceof Refused) || tokens().length === 0) throw error;
    return read(path);
  }
}

/** Send a request as the visitor. @param {string} path @param {import("./http.js").Asked} asked */
export async function askAsVisitor(path, asked) {
  return ask(path, { ...asked, token: await visitorToken() });
}
