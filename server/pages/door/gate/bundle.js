// @ts-check
// What a device takes along for when there is no network: keys, tickets, and who is in.

import { Unreachable } from "../../client/index.js";

/**
 * @typedef {{etag: string, cursor: string, body: {event_mark: string, name: string,
 *   list: import("./judge.js").List, keys: {key: string, public_key: string}[],
 *   tickets: import("./judge.js").Ticket[], next_cursor: string | null}}} KeptPage
 */

const bodyOf = async (/** @type {Response} */ answer) => {
  try {
    return await answer.json();
  } catch (error) {
    throw new Unreachable("The bundle was cut off.", { cause: error });
  }
};
const BY_PLACE = new Intl.Collator(undefined, { numeric: true });
const place = (/** @type {number} */ number) => String(number).padStart(4, "0");

export class Bundle {
  /**
   * @param {import("./vault.js").Vault} vault @param {import("./device.js").Device} device
   * @param {string} event @param {string} list
   */
  constructor(vault, device, event, list) {
    this.vault = vault;
    this.device = device;
    this.path = `/v1/events/${encodeURIComponent(event)}/checkin/bundle`;
    this.list = list;
    this.kept = `bundle ${event} ${list} `;
    /** When it was taken, by our clock, in ms since 1970; 0 where there is none. */
    this.takenAt = 0;
    /** @type {KeptPage[]} */
    this.pages = [];
    /** @type {Map<string, import("./judge.js").Ticket>} */
    this.tickets = new Map();
    /** @type {Map<string, string>} */
    this.keys = new Map();
  }

  /** What it was when it was taken last, also before a reload. */
  async load() {
    const pages = await this.vault.all(`${this.kept}page `);
    const taken = await this.vault.get(`${this.kept}taken`);
    // It was interrupted while it was kept for the first time.
    if (taken === null || pages.length < taken.pages) return;
    this.open(pages.slice(0, taken.pages), taken.at);
  }

  /** Take what changed. Throws what `Device.ask` does. */
  async refresh() {
    const at = Date.now();
    /** @type {KeptPage[]} */
    const pages = [];
    let cursor = "";
    do {
      const page = await this.page(cursor, this.pages[pages.length]);
      if (page !== this.pages[pages.length]) {
        await this.vault.put(`${this.kept}page ${place(pages.length)}`, page);
      }
      pages.push(page);
      cursor = page.body.next_cursor ?? "";
    } while (cursor !== "");
    await this.vault.put(`${this.kept}taken`, { pages: pages.length, at });
    this.open(pages, at);
  }

  /** @param {string} cursor @param {KeptPage | undefined} known @returns {Promise<KeptPage>} */
  async page(cursor, known) {
    const query = new URLSearchParams({ list: this.list });
    if (cursor !== "") query.set("cursor", cursor);
    /** @type {Record<string, string>} */
    const headers = known?.cursor === cursor ? { "If-None-Match": known.etag } : {};
    const signal = AbortSignal.timeout(60_000);
    const answer = await this.device.ask(`${this.path}?${query}`, { headers, signal });
    if (answer.status === 304 && known !== undefined) return known;
    return { etag: answer.headers.get("ETag") ?? "", cursor, body: await bodyOf(answer) };
  }

  /** @param {KeptPage[]} pages @param {number} at */
  open(pages, at) {
    this.pages = pages;
    this.takenAt = at;
    const tickets = pages.flatMap((page) => page.body.tickets);
    this.tickets = new Map(tickets.map((one) => [one.number, one]));
    this.keys = new Map(pages[0].body.keys.map((one) => [one.key, one.public_key]));
  }

  /** What it says of the event and the list; null where there is none. */
  get facts() {
    return this.pages[0]?.body ?? null;
  }

  /** @returns {number} how many tickets may come in by this list */
  get expected() {
    let count = 0;
    for (const one of this.tickets.values()) {
      if (one.listed && one.status !== "revoked") count++;
    }
    return count;
  }

  /** Tickets whose number or place has this in it. @param {string} text @param {number} most */
  find(text, most) {
    const wanted = text.trim().toUpperCase();
    const found = [];
    for (const one of wanted === "" ? [] : this.tickets.values()) {
      if (!one.number.includes(wanted) && !one.label.toUpperCase().includes(wanted)) continue;
      found.push(one);
    }
    // Who looks for A-1 sees it before A-10.
    const exact = (/** @type {any} */ one) =>
      Number(one.label.toUpperCase() === wanted || one.number === wanted);
    found.sort((one, other) =>
      exact(other) - exact(one) || BY_PLACE.compare(one.label, other.label));
    return { found: found.slice(0, most), more: Math.max(0, found.length - most) };
  }
}
