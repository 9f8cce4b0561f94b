// @ts-check
// The scans of this device that the server has not heard of, or that the bundle does not
// know yet. Each is kept before anybody sees its result.

import { Refused } from "../../client/index.js";

/**
 * @typedef {object} Scan
 * @property {string} nonce
 * @property {string} event
 * @property {string} list
 * @property {string} gate
 * @property {import("./judge.js").Direction} direction
 * @property {string} code
 * @property {string | null} number of the ticket; null for what is no code
 * @property {string} label
 * @property {number} at by our clock, in ms since 1970
 * @property {number} offset_ms what has to be added to it
 * @property {string} saw what the staff saw
 * @property {import("./judge.js").Standing} before where its holder was
 * @property {number} sent when the server had it, by our clock; 0 is not yet
 * @property {string} stuck why the server did not keep it, or ""
 * @property {"" | "wanted" | "done"} undo
 */
/** @typedef {{nonce: string, label: string, number: string | null, outcome: string, gate: string,
 *   at: number, other: {gate: string, at: string} | null}} Alarm */

const SCANS_MAX = 200; // of one upload; the server takes 500
const ALARMS = new Set([
  "double_entry", "entered_revoked", "unknown", "bad_signature", "wrong_event",
]);
const NOT_KEPT = new Set(["nonce_reused", "list_not_found", "event_not_found", "forbidden"]);

export class Ledger {
  /**
   * @param {import("./vault.js").Vault} vault @param {import("./device.js").Device} device
   * @param {string} event @param {string} list
   */
  constructor(vault, device, event, list) {
    this.vault = vault;
    this.device = device;
    this.event = event;
    this.list = list;
    /** @type {Map<string, Scan>} by nonce, in their order */
    this.scans = new Map();
    /** @type {Alarm[]} what people have to look into */
    this.alarms = [];
    /** @type {Promise<void> | null} */
    this.sending = null;
  }

  async load() {
    const kept = await this.vault.all(`scan ${this.event} `);
    kept.sort((one, other) => one.at - other.at);
    this.scans = new Map(kept.map((one) => [one.nonce, one]));
    this.alarms = (await this.vault.get(`alarms ${this.event}`)) ?? [];
  }

  /** @param {Scan} scan */
  async keep(scan) {
    this.scans.set(scan.nonce, scan);
    await this.vault.put(`scan ${this.event} ${scan.nonce}`, scan);
  }

  /** @returns {Scan[]} what has to be sent */
  get waiting() {
    const all = [...this.scans.values()];
    return all.filter((one) => !one.stuck && (!one.sent || one.undo === "wanted"));
  }

  /** @returns {Scan[]} what the server did not keep */
  get stuck() {
    return [...this.scans.values()].filter((one) => one.stuck);
  }

  /**
   * Where the holder of a ticket is by what was scanned here, and by which scan.
   * @param {string} number
   * @returns {{standing: import("./judge.js").Standing, scan: Scan} | null}
   */
  standing(number) {
    let found = null;
    for (const scan of this.scans.values()) {
      if (scan.number !== number || scan.list !== this.list || scan.saw !== "ok") continue;
      found = { standing: scan.undo ? scan.before : scan.direction, scan };
    }
    return found;
  }

  /** Forget what a bundle of later knows. @param {number} at by our clock */
  async forgetBefore(at) {
    for (const scan of [...this.scans.values()]) {
      if (!scan.sent || scan.undo === "wanted" || scan.stuck || scan.sent >= at) continue;
      this.scans.delete(scan.nonce);
      await this.vault.remove(`scan ${this.event} ${scan.nonce}`);
    }
  }

  /** Try what was not kept once more: by another key, say. */
  async loosen() {
    for (const scan of this.stuck) await this.keep({ ...scan, stuck: "" });
  }

  /** Send all that waits, in its order. Throws what `Device.ask` does, and sends the rest later. */
  send() {
    this.sending ??= this.sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  async sendAll() {
    let most = SCANS_MAX;
    for (;;) {
      const scans = this.waiting.filter((one) => !one.sent).slice(0, most);
      if (scans.length === 0) break;
      try {
        await this.upload(scans);
      } catch (error) {
        if (!isForGood(error)) throw error;
        // One of them is at fault; which one is found by asking for each.
        if (scans.length > 1) most = 1;
        else await this.keep({ ...scans[0], stuck: codeOf(error) });
      }
    }
    for (const scan of this.waiting) await this.sendUndo(scan);
  }

  /** @param {Scan[]} scans */
  async upload(scans) {
    const body = { scans: scans.map(asSent) };
    const signal = AbortSignal.timeout(30_000);
    const asked = { method: "POST", body, signal };
    const answer = await this.device.askJson("/v1/checkin/uploads", asked);
    const told = answer.scans;
    for (const [place, scan] of scans.entries()) await this.take(scan, told[place]);
    await this.vault.put(`alarms ${this.event}`, this.alarms);
  }

  /** @param {Scan} scan @param {any} told */
  async take(scan, told) {
    if (NOT_KEPT.has(told.outcome)) return this.keep({ ...scan, stuck: told.outcome });
    // It may have been undone here while it was on its way.
    await this.keep({ .../** @type {Scan} */ (this.scans.get(scan.nonce)), sent: Date.now() });
    // Of two entries the first is told of the other as well.
    const outcome = told.outcome === "entry" && told.other !== null ? "double_entry" : told.outcome;
    if (scan.saw !== "ok" || scan.undo || !ALARMS.has(outcome)) return;
    if (this.alarms.some((one) => one.nonce === scan.nonce)) return;
    const { nonce, number, gate, at } = scan;
    const label = told.label ?? scan.label;
    this.alarms.push({ nonce, label, number, outcome, gate, at, other: told.other });
  }

  /** @param {Scan} scan */
  async sendUndo(scan) {
    const body = { event: this.event, reason: "Undone at the gate" };
    const path = `/v1/checkin/scans/${encodeURIComponent(scan.nonce)}/undo`;
    try {
      await this.device.ask(path, { method: "POST", body, signal: AbortSignal.timeout(10_000) });
    } catch (error) {
      // Nothing to undo, or no such scan: then nobody is in by it.
      if (!isForGood(error)) throw error;
    }
    await this.keep({ ...scan, undo: "done", sent: Date.now() });
  }

  /** Somebody looked into it. @param {string} nonce */
  async settle(nonce) {
    this.alarms = this.alarms.filter((one) => one.nonce !== nonce);
    await this.vault.put(`alarms ${this.event}`, this.alarms);
  }
}

/** Whether asking again would be refused again. @param {unknown} error */
function isForGood(error) {
  return error instanceof Refused && [400, 404, 409, 413, 422].includes(error.status);
}

/** @param {unknown} error @returns {string} */
const codeOf = (error) => (error instanceof Refused && error.code) || "refused";

/** @param {Scan} scan */
function asSent({ event, code, nonce, list, gate, direction, at, saw, offset_ms }) {
  const clock_offset_ms = Math.round(offset_ms);
  return {
    event, code, nonce, list, gate, direction, saw, clock_offset_ms, at: new Date(at).toISOString(),
  };
}
