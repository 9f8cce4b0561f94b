// @ts-check
// Who this device is to the server: an API key, or somebody who signed in.

import { Refused, Unreachable, ask, askJson, newKey } from "../../client/index.js";

const CREDENTIAL = "credential";
const EARLY_MS = 60_000; // before the end of a token, the next is fetched

/**
 * @typedef {{key: string} | {token: string, until: number, refresh: string, once: string}}
 *   Credential `once` is the key with which the refresh token is used, however often.
 */

export class Device {
  /** @param {import("./vault.js").Vault} vault */
  constructor(vault) {
    this.vault = vault;
    /** @type {Credential | null} */
    this.credential = null;
    /** @type {Promise<void> | null} */
    this.renewing = null;
  }

  /** @returns {Promise<boolean>} whether it is anybody */
  async load() {
    this.credential = await this.vault.get(CREDENTIAL);
    return this.credential !== null;
  }

  /** Be a device with a key of its own. @param {string} key */
  async pair(key) {
    await this.keep({ key: key.trim() });
  }

  /** Be a manager. @param {string} email @param {string} password */
  async signIn(email, password) {
    await this.take(await askJson("/v1/auth/login", { method: "POST", body: { email, password } }));
  }

  async forget() {
    this.credential = null;
    await this.vault.remove(CREDENTIAL);
  }

  /** @returns {Promise<string>} what says who this is, for a websocket */
  async secret() {
    if (this.credential === null) throw new Error("Nobody is here.");
    if ("key" in this.credential) return this.credential.key;
    if (Date.now() > this.credential.until - EARLY_MS) await this.renew();
    return /** @type {any} */ (this.credential).token;
  }

  /**
   * Send a request. Throws `Refused`, and `Unreachable` where nobody answered in time.
   * @param {string} path @param {import("../../client/http.js").Asked} [asked]
   * @returns {Promise<Response>}
   */
  async ask(path, asked = {}) {
    const secret = await this.secret();
    try {
      return await this.send(path, asked, secret);
    } catch (error) {
      if (asked.signal?.aborted) throw new Unreachable("Nobody answered in time.");
      const over = error instanceof Refused && error.status === 401;
      if (!over || this.credential === null || "key" in this.credential) throw error;
      await this.renew();
      return this.send(path, asked, await this.secret());
    }
  }

  /**
   * As `ask`; return the document.
   * @param {string} path @param {import("../../client/http.js").Asked} [asked]
   * @returns {Promise<any>}
   */
  async askJson(path, asked) {
    const answer = await this.ask(path, asked);
    try {
      return await answer.json();
    } catch (error) {
      throw new Unreachable("The answer was cut off.", { cause: error });
    }
  }

  /**
   * @param {string} path @param {import("../../client/http.js").Asked} asked
   * @param {string} secret
   */
  send(path, asked, secret) {
    const isKey = this.credential !== null && "key" in this.credential;
    const headers = { ...asked.headers, ...(isKey ? { "X-API-Key": secret } : {}) };
    // Nothing of it goes into the browser's own cache, which is not encrypted.
    return ask(path, { ...asked, cache: "no-store", token: isKey ? null : secret, headers });
  }

  renew() {
    this.renewing ??= this.refresh().finally(() => (this.renewing = null));
    return this.renewing;
  }

  async refresh() {
    const { refresh, once } = /** @type {any} */ (this.credential);
    const body = { refresh_token: refresh };
    await this.take(await askJson("/v1/auth/refresh", { method: "POST", body, key: once }));
  }

  /** @param {any} answer */
  take(answer) {
    const until = Date.now() + answer.expires_in * 1_000;
    const { access_token: token, refresh_token: refresh } = answer;
    return this.keep({ token, until, refresh, once: newKey() });
  }

  /** @param {Credential} credential */
  async keep(credential) {
    this.credential = credential;
    await this.vault.put(CREDENTIAL, credential);
  }
}
