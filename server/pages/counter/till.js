// @ts-check
// A sale at a counter: as a buyer's, but asked for over REST by who runs the event, in the
// name of one customer after the other. Whatever is asked for has a key and is asked until
// somebody answers, so a server that dies in the middle changes nothing.

import { Refused, Unreachable, newKey, ofTab } from "../client/index.js";
import { typesOf } from "../buy/quote.js";
import { Sale } from "../buy/sale.js";
import { askOwnJson } from "../own/owner.js";

const KEPT = "onsale.counter"; // of this tab: a reload goes on with the customer
const GONE = new Set(["hold_not_found", "hold_expired"]);
const SELLS = new Set(["on_sale", "paused", "closed"]);
const AGAIN_MS = 1_000;
const TRIES_MAX = 30;

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @typedef {"cash" | "card" | "free"} Paid */

export class Till extends Sale {
  /** @param {string} id of the event */
  constructor(id) {
    super(id);
    /** What the event is to buyers, who may not buy now. @type {string} */
    this.status = "";
    /** The order that was made last. @type {any} */
    this.sold = null;
    /** Who has what is picked on the map instead of the customer. @type {((label: string) => void) | null} */
    this.onPicked = null;
    this.away = false; // nobody answers just now
    const kept = ofTab.read(KEPT);
    this.customer = kept?.event === id ? kept.customer : newKey();
    /** The hold of before a reload, and what was being ordered. @type {any} */
    this.before = kept?.event === id ? kept : null;
  }

  /** @param {any} what @override */
  take(what) {
    if (what.event) {
      // A counter sells while buyers may not, and past any line.
      const { status } = what.event;
      this.status = status;
      const sells = SELLS.has(status) ? "on_sale" : status;
      what = { ...what, event: { ...what.event, status: sells, line: null } };
    }
    super.take(what);
  }

  /** @override */
  async open() {
    await super.open();
    this.take({ event: this.event });
    const { before } = this;
    this.before = null;
    if (before?.asked) await this.queue(() => this.finish(before));
    else if (before?.hold) await this.queue(() => this.look(before.hold));
  }

  /** @param {string} label @override */
  pick(label) {
    if (this.onPicked !== null) this.onPicked(label);
    else if (this.sold === null) super.pick(label);
  }

  /** @param {any} frame @override */
  turned(frame) {
    super.turned(frame);
    if (frame.event === this.id) this.take({ event: { ...this.event, status: frame.status } });
  }

  keep(more = {}) {
    const { id: event, customer, hold } = this;
    ofTab.write(KEPT, { event, customer, hold: hold?.hold ?? null, ...more });
  }

  /** @param {any} told @override */
  setHold(told) {
    super.setHold(told);
    this.keep();
  }

  /**
   * Ask until somebody answers, under one key. Throws `Refused`, and `Unreachable` at last.
   * @param {string} what @param {Record<string, any>} body @param {string} key
   */
  async askCounter(what, body, key = newKey()) {
    for (let tries = 1; ; tries++) {
      try {
        const path = `${this.path}/counter/${what}`;
        const told = await askOwnJson(path, { method: "POST", body, key });
        if (this.away) this.take({ away: false });
        return told;
      } catch (error) {
        const passes = error instanceof Unreachable
          || (error instanceof Refused && error.status === 503);
        if (!passes || tries >= TRIES_MAX) throw error;
        this.take({ away: true });
        await sleep(AGAIN_MS);
      }
    }
  }

  /** @param {string} op @param {Record<string, any>} fields @override */
  command(op, fields) {
    const body = { sale: this.customer, ...fields };
    return this.askCounter(op === "hold_best" ? "hold" : op, body);
  }

  /** Ask what is left of the hold. @override */
  async rebuild() {
    if (this.hold !== null) await this.look(this.hold.hold);
  }

  /** Take a hold as its lines say. @param {string} hold */
  async look(hold) {
    let told;
    try {
      told = await this.askCounter("quote", { sale: this.customer, hold });
    } catch (error) {
      if (!(error instanceof Refused) || !GONE.has(error.code ?? "")) throw error;
      this.setHold(null);
      return;
    }
    /** @type {string[]} */
    const seats = [];
    /** @type {Record<string, number>} */
    const areas = {};
    let amount = 0;
    for (const { kind, label, unit } of told.lines) {
      amount += unit;
      if (kind === "seat") seats.push(label);
      else if (kind === "place") areas[label] = (areas[label] ?? 0) + 1;
    }
    const total = told.currency === null ? null : { amount, currency: told.currency };
    this.setHold({ hold, seats, areas, total, expires_in_ms: told.expires_in_ms });
  }

  /** What is asked of the counter about this hold. */
  get named() {
    const { hold, seats, areas } = /** @type {import("../buy/sale.js").Hold} */ (this.hold);
    const types = typesOf(this.kinds, seats, areas);
    return { sale: this.customer, hold, ...(types === null ? {} : { types }) };
  }

  /** @override */
  async price() {
    if (this.hold === null) return;
    const turn = ++this.quoted;
    try {
      const quote = await this.askCounter("quote", this.named);
      if (turn === this.quoted && this.hold !== null) this.take({ quote });
    } catch (error) {
      if (turn !== this.quoted) return;
      this.take({ quote: null });
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      if (error instanceof Refused && GONE.has(error.code ?? "")) this.setHold(null);
      this.say({ code: "unreachable", ...(error instanceof Refused ? error.problem : {}) });
    }
  }

  /** Whether all is known that an order needs. */
  get ready() {
    return this.hold !== null && this.quote !== null && this.busy === 0;
  }

  /**
   * Order what the customer has paid.
   * @param {Paid} paid @param {Record<string, any>} more `buyer`, `reason`
   */
  sell(paid, more) {
    if (!this.ready) return Promise.resolve();
    const { total } = this.quote;
    const costs = paid !== "free" && total !== null;
    const asked = { ...this.named, ...more, paid, ...(costs ? { total } : {}) };
    return this.queue(() => this.finish({ asked, key: newKey(), hold: this.hold?.hold }));
  }

  /** Order, or hear what became of it. @param {{asked: any, key: string, hold: any}} order */
  async finish({ asked, key, hold }) {
    // Before it is asked: whoever comes back asks the same.
    this.keep({ asked, key, hold });
    let order;
    try {
      order = await this.askCounter("sales", asked, key);
    } catch (error) {
      this.keep();
      await this.look(hold).catch(() => undefined);
      throw error;
    }
    this.sold = order;
    this.hold = null;
    this.quote = null;
    // Another customer from here on.
    this.customer = newKey();
    this.keep();
  }

  /** Begin with the next customer; what this one held is free. */
  async next() {
    if (this.hold !== null) await this.giveBack();
    this.customer = newKey();
    this.take({ sold: null, trouble: null });
    this.keep();
  }
}
