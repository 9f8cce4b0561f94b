// @ts-check
// One order, as the server knows it by now.
//
// It believes the server alone: the provider leads back here whether or not anything was
// paid. The frame `order` tells when to look again, and a slow poll where no frame comes.

import {
  Connection, Refused, Unreachable, askJson, freshen, isOpened, keepOpened, keepPaths,
  readOwn, tokens,
} from "../client/index.js";

const POLL_MS = 20_000;
const AGAIN_MS = 3_000; // while nobody answers
const TICKETS_MS = [500, 1_000, 2_000, 4_000, 8_000, 30_000]; // they follow the booking

/** States in which an order goes on by itself. */
export const OPEN = new Set(["initiated", "payment_pending"]);

/**
 * @typedef {{order: any, token: string | null, away: Refused | "nobody" | null,
 *   unreachable: boolean, refused: Refused | null}} Seen
 *   `away` says that this browser may not see it, and why; `refused` why a secret was no use
 */

export class OrderFollower {
  /** @param {string} id @param {(seen: Seen) => void} changed hears all that is new */
  constructor(id, changed) {
    this.id = id;
    this.path = `/v1/orders/${encodeURIComponent(id)}`;
    this.changed = changed;
    /** @type {Seen} */
    this.seen = { order: null, token: null, away: null, unreachable: false, refused: null };
    /** @type {Connection | null} */
    this.line = null;
    this.timer = 0;
    this.looks = 0; // for tickets
    this.ended = false;
    /** @type {{again: boolean, done: Promise<void>} | null} */
    this.loading = null;
    this.onShow = (/** @type {PageTransitionEvent} */ event) => event.persisted && this.load();
    this.onVisible = () => document.visibilityState === "visible" && this.load();
    // Back from the provider by the browser's own button, or from another tab.
    addEventListener("pageshow", this.onShow);
    document.addEventListener("visibilitychange", this.onVisible);
  }

  /** @param {Partial<Seen>} news */
  tell(news) {
    if (this.ended) return;
    this.seen = { ...this.seen, ...news };
    this.changed(this.seen);
  }

  /** Load the order, opened with the secret of a mail or "". @param {string} secret */
  async begin(secret) {
    let refused = null;
    if (secret) {
      try {
        const body = { secret };
        keepOpened(await askJson(`${this.path}/open`, { method: "POST", body }));
      } catch (error) {
        if (error instanceof Refused) refused = error;
        else if (!(error instanceof Unreachable)) throw error;
        else {
          this.tell({ unreachable: true });
          this.timer = setTimeout(() => this.begin(secret), AGAIN_MS);
          return;
        }
      }
    }
    this.tell({ refused });
    await this.load();
  }

  /** Look at once; one at a time, and once more where somebody asked meanwhile. */
  load() {
    if (this.loading !== null) {
      this.loading.again = true;
      return this.loading.done;
    }
    const now = { again: false, done: Promise.resolve() };
    this.loading = now;
    now.done = this.look().finally(() => {
      this.loading = null;
      if (now.again) this.load();
    });
    return now.done;
  }

  async look() {
    clearTimeout(this.timer);
    if (this.ended) return;
    try {
      const found = await readOwn(this.path);
      if (found === null) this.leave("nobody");
      else this.show(found.token, found.document);
    } catch (error) {
      if (error instanceof Refused && [401, 404].includes(error.status)) this.leave(error);
      else if (error instanceof Refused || error instanceof Unreachable) {
        this.tell({ unreachable: true });
        this.timer = setTimeout(() => this.load(), AGAIN_MS);
      } else throw error;
    }
  }

  /** @param {Refused | "nobody"} why */
  leave(why) {
    this.hangUp();
    this.tell({ order: null, token: null, away: why, unreachable: false });
  }

  /** Take what the server says of the order. @param {string} token @param {any} order */
  show(token, order) {
    this.tell({ order, token, away: null, unreachable: false, refused: null });
    clearTimeout(this.timer);
    const lacks = (order.status === "confirmed" && !order.tickets.length) ||
      order.tickets.some((/** @type {any} */ { status }) => status === "locked");
    if (OPEN.has(order.status)) this.timer = setTimeout(() => this.load(), POLL_MS);
    else if (lacks) {
      const pause = TICKETS_MS[Math.min(this.looks++, TICKETS_MS.length - 1)];
      this.timer = setTimeout(() => this.load(), pause);
    }
    // Money may come late, or go back: only what is over needs no line.
    if (order.status === "completed") this.hangUp();
    else if (!isOpened(token)) this.listen(token);
    const tickets = order.tickets.map((/** @type {any} */ one) => `/v1/tickets/${one.ticket}`);
    if (isOpened(token)) keepPaths(token, tickets);
  }

  /** @param {string} token */
  listen(token) {
    if (this.line !== null && tokens().includes(this.line.token || token)) return;
    this.hangUp();
    const line = new Connection(async () => {
      // Whose it was has ended, or another session goes on: looking finds out.
      await freshen();
      const own = this.seen.token ?? "";
      if (!tokens().includes(own)) {
        this.load();
        throw new Error("The token of the order has ended.");
      }
      return own;
    });
    this.line = line;
    line.addEventListener("order", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.order === this.id) this.load();
    });
    // What happened before this line was open.
    line.addEventListener("state", (event) => {
      if (/** @type {CustomEvent} */ (event).detail === "live") this.load();
    });
  }

  hangUp() {
    this.line?.end();
    this.line = null;
  }

  end() {
    this.ended = true;
    clearTimeout(this.timer);
    this.hangUp();
    removeEventListener("pageshow", this.onShow);
    document.removeEventListener("visibilitychange", this.onVisible);
  }
}
