// Who this browser is to the server, and how it asks.
//
// What a guest bought is found again only with the token that bought it. So a token that
// holds something outlives the tab; before that it need not, since the server forgets a
// guest who holds nothing within an hour. Who signs in does so for the tab, and the guest
// of the browser stays beside that: both may have bought.

import { forgetOpened, openedTokens } from "./opened.js";

const TOKEN = "onsale.visitor";
const PASSING_MS = 50 * 60_000;

// What the server said no to; `code` and `detail` are the problem's, where it has one.
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? null;
  }
}

// Answers with the response of a request that was accepted. Throws `Refused`, and
// whatever `fetch` throws where nobody answered.
export async function ask(path, { token, method = "GET", body } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const options = { method, headers, body: sent, cache: "no-cache" };
  const response = await fetch(path, options);
  if (response.ok) return response;
  const kind = response.headers.get("Content-Type") ?? "";
  throw new Refused(response.status, kind.includes("json") ? await response.json() : {});
}

export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

function aliveIn(storage) {
  const kept = JSON.parse(storage.getItem(TOKEN));
  return kept !== null && kept.until > Date.now() ? kept : null;
}

function keep(storage, token, until, lasts = until) {
  storage.setItem(TOKEN, JSON.stringify({ token, until, lasts }));
}

// All tokens that this browser has: that of the tab, then that of the browser.
export function tokens() {
  const kept = [aliveIn(sessionStorage), aliveIn(localStorage)];
  return kept.filter((one) => one !== null).map(({ token }) => token);
}

export function forget(token) {
  forgetOpened(token);
  for (const storage of [sessionStorage, localStorage]) {
    if (aliveIn(storage)?.token === token) storage.removeItem(TOKEN);
  }
}

// The token to buy with: a new guest's, where there is none.
export async function guestToken() {
  const [kept] = tokens();
  if (kept !== undefined) return kept;
  const answer = await askJson("/v1/auth/guest", { method: "POST" });
  const now = Date.now();
  const lasts = now + answer.expires_in * 1_000;
  keep(sessionStorage, answer.access_token, now + PASSING_MS, lasts);
  return answer.access_token;
}

// To be called once a guest holds something.
export function outliveTheTab() {
  const kept = aliveIn(sessionStorage);
  if (kept === null || kept.lasts === kept.until) return;
  keep(localStorage, kept.token, kept.lasts);
  sessionStorage.removeItem(TOKEN);
}

export async function signIn(email, password) {
  const body = { email, password };
  const answer = await askJson("/v1/auth/login", { method: "POST", body });
  keep(sessionStorage, answer.access_token, Date.now() + answer.expires_in * 1_000);
}

// Reads what is somebody's own, as whoever of this browser may. Answers with the token
// that was right, the document, and the server's time; with null where this browser is
// nobody. Throws the last refusal.
export async function readOwn(path) {
  let refused = null;
  for (const token of [...tokens(), ...openedTokens()]) {
    try {
      const response = await ask(path, { token });
      return { token, document: await response.json(), at: serverTime(response) };
    } catch (error) {
      if (!(error instanceof Refused) || ![401, 404].includes(error.status)) throw error;
      if (error.status === 401) forget(token);
      refused = error;
    }
  }
  if (refused !== null) throw refused;
  return null;
}

// Clocks of phones go wrong, and times to pay do not wait for them. The header leaves out
// what is less than a second: rather too late than too early.
function serverTime(response) {
  const told = Date.parse(response.headers.get("Date") ?? "");
  return Number.isNaN(told) ? Date.now() : told + 999;
}
