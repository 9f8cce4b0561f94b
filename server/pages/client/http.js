// @ts-check
// Requests to the interface, and what it says no to.

import { learnTime } from "./clock.js";

/** What the server said no to; `code` and `detail` are the problem's, where it has one. */
export class Refused extends Error {
  /** @param {number} status @param {Record<string, any>} problem */
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    /** @type {string | null} a stable code, as `seat_not_free` */
    this.code = problem.code ?? null;
    /** All that it said, as the seats that were taken and the alternatives. */
    this.problem = problem;
  }
}

/** Nobody answered: no network, or no server. */
export class Unreachable extends Error {}

/**
 * @typedef {{token?: string | null, method?: string, body?: unknown, key?: string,
 *   headers?: Record<string, string>, signal?: AbortSignal, cache?: RequestCache,
 *   keepalive?: boolean}} Asked
 *   `body` is sent as JSON, or as the form that it is. `key` makes repeating a request
 *   harmless: the idempotency key of what is made. With `keepalive` it goes on where the
 *   page is left meanwhile. Who asks with an ETag of their own (`If-None-Match`) takes a
 *   304 as well.
 */

/**
 * Send a request; return the response of one that was accepted.
 *
 * Throws `Refused`, and `Unreachable` where nobody answered.
 * @param {string} path
 * @param {Asked} [asked]
 */
export async function ask(path, asked = {}) {
  const { token, method = "GET", body, key, headers, signal, cache = "no-cache", keepalive } = asked;
  const sent = new Headers(headers);
  if (token) sent.set("Authorization", `Bearer ${token}`);
  if (key) sent.set("Idempotency-Key", key);
  // The browser says of a form itself what is in it.
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) sent.set("Content-Type", "application/json");
  const text = body === undefined || isForm ? body : JSON.stringify(body);
  const options = { method, headers: sent, body: text, cache, signal, keepalive };
  const response = await reach(path, /** @type {RequestInit} */ (options));
  learnTime(response);
  if (response.ok || response.status === 304) return response;
  const kind = response.headers.get("Content-Type") ?? "";
  throw new Refused(response.status, kind.includes("json") ? await response.json() : {});
}

/** @param {string} path @param {Asked} [asked] @returns {Promise<any>} the document */
export async function askJson(path, asked) {
  return (await ask(path, asked)).json();
}

/** @param {string} path @param {RequestInit} options */
async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable("The server cannot be reached.", { cause: error });
  }
}

/** @returns {string} a key that nobody else has, for one command and its repetitions */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
