// @ts-check
// A gate: it asks the server about each scan, and decides by itself where nobody answers.
// It switches by itself, says so, and sends what it decided once it is back.

import { Connection, Refused, Unreachable, newKey, serverNow } from "../../client/index.js";
import { Bundle } from "./bundle.js";
import { claimsOf, isSigned, tidied } from "./code.js";
import { judge } from "./judge.js";
import { Ledger } from "./ledger.js";

const ANSWER_MS = 3_000; // who stands in the rain waits no longer
const TICK_MS = 2_500;
const COUNTS_MS = 5_000;
const BUNDLE_MS = 120_000;

/** @typedef {{list: string, gate: string, direction: import("./judge.js").Direction}} Settings */
/**
 * What the staff see of one scan.
 * @typedef {{nonce: string, result: string, label: string, category: string, number: string | null,
 *   at: number, before: {at: number, gate: string} | null, alone: boolean, sold: boolean,
 *   direction: import("./judge.js").Direction, undone: boolean}} Told
 *   `alone`: decided without the server. `sold`: not in the bundle, so sold since.
 */
/**
 * @typedef {{in: number, out: number, double: number, revoked: number, per_min: number}}
 *   Counted
 */

/** Emits `change` whenever anything that it shows is another. */
export class Gate extends EventTarget {
  /**
   * @param {import("./vault.js").Vault} vault @param {import("./device.js").Device} device
   * @param {string} event @param {Settings} settings
   */
  constructor(vault, device, event, settings) {
    super();
    this.vault = vault;
    this.device = device;
    this.event = event;
    this.settings = settings;
    this.bundle = new Bundle(vault, device, event, settings.list);
    this.ledger = new Ledger(vault, device, event, settings.list);
    this.online = navigator.onLine;
    /** @type {Refused | null} why the server does not talk with us, as a key that was revoked */
    this.refused = null;
    /** @type {Counted | null} */
    this.counted = null;
    /** @type {(Counted & {gate: string})[]} */
    this.gates = [];
    this.countedAt = 0;
    this.offset_ms = 0;
    this.busy = false;
    /** @type {import("./ledger.js").Scan | null} the last scan: the ledger may have sent it */
    this.undoable = null;
    /** @type {Promise<any>} */
    this.last = Promise.resolve();
    /** @type {Connection | null} */
    this.line = null;
    this.timer = 0;
    this.onOnline = () => this.tick();
    this.onOffline = () => this.leave();
  }

  async start() {
    await Promise.all([this.ledger.load(), this.bundle.load()]);
    this.offset_ms = (await this.vault.get("clock")) ?? 0;
    await this.ledger.loosen();
    addEventListener("online", this.onOnline);
    addEventListener("offline", this.onOffline);
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.listen();
    this.tick();
    this.show();
  }

  stop() {
    clearInterval(this.timer);
    removeEventListener("online", this.onOnline);
    removeEventListener("offline", this.onOffline);
    this.line?.end();
  }

  show() {
    this.dispatchEvent(new Event("change"));
  }

  /** @returns {string} the path of something of this event's check-in @param {string} name */
  path(name) {
    return `/v1/events/${encodeURIComponent(this.event)}/checkin/${name}`;
  }

  // -- A scan

  /** Decide about a code; one after another. @param {string} text @returns {Promise<Told>} */
  scan(text) {
    const told = this.last.then(() => this.decide(tidied(text)));
    this.last = told.catch(() => {});
    return told;
  }

  /** @param {string} code @returns {Promise<Told>} */
  async decide(code) {
    const nonce = newKey();
    const claims = claimsOf(code);
    // No code of a ticket, as that of a poster: the server need not hear of it.
    if (claims === null) return this.told(nonce, { result: "bad_signature" });
    const before = this.standing(claims.number);
    if (this.online && this.refused === null) {
      const answer = await this.askServer(nonce, code);
      if (answer !== null) {
        const told = { ...answer, number: claims.number };
        await this.note(nonce, code, told, before.standing, Date.now());
        return told;
      }
    }
    const told = await this.decideAlone(nonce, claims, before);
    if (told.result !== "unchecked") await this.note(nonce, code, told, before.standing, 0);
    this.show();
    return told;
  }

  /** @param {string} nonce @param {string} code @returns {Promise<Told | null>} null: no answer */
  async askServer(nonce, code) {
    const body = { event: this.event, code, nonce, ...this.settings };
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      const asked = { method: "POST", body, signal };
      const answer = await this.device.askJson("/v1/checkin/scans", asked);
      const { result, label, category, at, before } = answer;
      const earlier = before && { at: Date.parse(before.at), gate: before.gate };
      return this.told(nonce, {
        result, label: label ?? "", category: category ?? "", at: Date.parse(at), before: earlier,
      });
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /**
   * @param {string} nonce @param {import("./code.js").Claims} claims
   * @param {{standing: import("./judge.js").Standing,
   *   scan: import("./ledger.js").Scan | null}} known
   * @returns {Promise<Told>}
   */
  async decideAlone(nonce, claims, { standing, scan }) {
    const { facts } = this.bundle;
    const { number, generation } = claims;
    if (facts === null) return this.told(nonce, { result: "unchecked", number, alone: true });
    const ticket = this.bundle.tickets.get(number);
    const { direction } = this.settings;
    const now = Date.now() + this.offset_ms;
    let result = "bad_signature";
    if (await isSigned(claims, this.bundle.keys)) {
      result = claims.event !== facts.event_mark ? "wrong_event"
        : judge({ ticket, generation, list: facts.list, standing, direction, now });
    }
    const earlier = result === "already_in" && scan
      ? { at: scan.at + scan.offset_ms, gate: scan.gate } : null;
    const label = ticket?.label ?? "";
    const sold = result === "ok" && ticket === undefined;
    return this.told(nonce, { result, label, number, before: earlier, alone: true, sold });
  }

  /** @param {string} nonce @param {Partial<Told>} told @returns {Told} */
  told(nonce, told) {
    return {
      result: "", label: "", category: "", number: null, at: Date.now() + this.offset_ms,
      before: null, alone: false, sold: false, undone: false, direction: this.settings.direction, ...told, nonce,
    };
  }

  /** Where the holder of a ticket is, as far as is known here. @param {string} number */
  standing(number) {
    const mine = this.ledger.standing(number);
    if (mine !== null) return mine;
    const standing = this.bundle.tickets.get(number)?.standing ?? "never";
    return { standing, scan: null };
  }

  /**
   * @param {string} nonce @param {string} code @param {Told} told
   * @param {import("./judge.js").Standing} before @param {number} sent 0 where it was not
   */
  async note(nonce, code, told, before, sent) {
    // What the server answered with no, the bundle need not learn from here.
    if (sent !== 0 && told.result !== "ok") return;
    const { number, label, result } = told;
    this.undoable = {
      nonce, event: this.event, ...this.settings, code, number, label, at: Date.now(),
      offset_ms: this.offset_ms, saw: result, before, sent, stuck: "", undo: "",
    };
    await this.ledger.keep(this.undoable);
  }

  /** Take the last scan back. @param {Told} told @returns {Promise<Told>} */
  async undo(told) {
    const scan = this.ledger.scans.get(told.nonce) ?? this.undoable;
    if (scan === null || scan.nonce !== told.nonce || scan.undo !== "") return told;
    await this.ledger.keep({ ...scan, undo: "wanted" });
    // What is being sent at this moment does not have it yet.
    await this.ledger.sending?.catch(() => {});
    await this.catchUp();
    this.show();
    return { ...told, undone: true };
  }

  // -- The connection

  /** Nobody is there; the rest is decided here. */
  leave() {
    if (!this.online) return;
    this.online = false;
    this.show();
  }

  /** @param {unknown} error of a request */
  fail(error) {
    if (error instanceof Unreachable) return this.leave();
    if (!(error instanceof Refused)) throw error;
    // The key is not good (any more), or what we ask about is gone: people have to act.
    if ([401, 403, 404, 422].includes(error.status)) this.refused = error;
    else this.online = false; // 429, 503: it will be better soon
    this.show();
  }

  async tick() {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.count();
      await this.catchUp();
      if (Date.now() - this.bundle.takenAt > BUNDLE_MS) await this.take();
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  /** Send what waits, and take along what came of it. */
  async catchUp() {
    if (!this.online || this.refused !== null || this.ledger.waiting.length === 0) return;
    try {
      await this.ledger.send();
    } catch (error) {
      return this.fail(error);
    }
    // It is told anew who is in.
    this.take().catch((error) => this.fail(error));
  }

  async take() {
    const at = Date.now();
    await this.bundle.refresh();
    await this.ledger.forgetBefore(at);
    await this.vault.put("clock", this.offset_ms);
    this.show();
  }

  // -- Counts, by which we notice as well whether somebody is there

  async count() {
    if (this.online && this.refused === null && Date.now() - this.countedAt < COUNTS_MS) return;
    const signal = AbortSignal.timeout(2 * ANSWER_MS);
    const { lists } = await this.device.askJson(this.path("counts"), { signal });
    const mine = lists.find((/** @type {any} */ one) => one.list === this.settings.list);
    this.countedAt = Date.now();
    this.offset_ms = serverNow() - Date.now();
    this.counted = mine ?? null;
    this.gates = mine?.gates ?? [];
    this.online = true;
    this.refused = null;
    this.show();
  }

  listen() {
    this.line = new Connection(() => this.device.secret());
    const wanted = { op: "watch_gate", event: this.event, list: this.settings.list };
    // Where it is refused, the counts come by asking.
    const watch = () => this.line?.request(wanted).catch(() => {});
    this.line.addEventListener("state", (/** @type {any} */ { detail }) => {
      if (detail === "live") watch();
    });
    this.line.addEventListener("gate", (/** @type {any} */ { detail }) => {
      this.counted = detail;
      this.countedAt = Math.min(this.countedAt, Date.now() - COUNTS_MS + 1_000);
      this.show();
    });
  }
}
