// @ts-check
// A room as it is now: what was said, who is there, and saying something.

import { Connection, Refused, ask, askJson, visitorToken } from "../client/index.js";

/**
 * @typedef {{id: string, seq: number, changed: number, author: string, name: string,
 *   staff: boolean, text: string, state: string, at: string, reply_to?: number | null,
 *   edited_at?: string | null, user?: string, why?: string}} Message
 */

/** Emits `update` when anything of it changed. */
export class Talk extends EventTarget {
  /** @param {string} room as `event:…` or `order:…` */
  constructor(room) {
    super();
    this.room = room;
    this.path = `/v1/rooms/${encodeURIComponent(room)}`;
    /** @type {Map<number, Message>} by their numbers */
    this.messages = new Map();
    /** The number up to which all is known; null before anything is. @type {number | null} */
    this.to = null;
    this.me = "";
    this.staff = false;
    this.closed = false;
    this.present = 0;
    /** @type {string[]} */
    this.names = [];
    this.live = false;
    /** @type {Refused | null} why nobody is let in */
    this.refused = null;
    this.hasEarlier = false;
    this.seen = 0;
    this.connection = new Connection(visitorToken);
    this.connection.addEventListener("state", (/** @type {any} */ { detail }) => {
      this.live = detail === "live";
      if (this.live) this.enter();
      this.update();
    });
    for (const op of ["said", "changed"]) {
      this.connection.addEventListener(op, (/** @type {any} */ { detail }) => this.hear(detail));
    }
    this.connection.addEventListener("room", (/** @type {any} */ { detail }) => {
      if (detail.room !== this.room) return;
      this.present = detail.present;
      this.names = detail.names;
      this.update();
    });
    this.connection.addEventListener("room_over", (/** @type {any} */ { detail }) => {
      if (detail.room === this.room) this.leave(new Refused(403, detail));
    });
  }

  end() {
    this.connection.end();
  }

  update() {
    this.dispatchEvent(new Event("update"));
  }

  /** @param {Refused} refused */
  leave(refused) {
    this.refused = refused;
    this.update();
  }

  /** Enter, and go on after what is known; until all of it is. */
  async enter() {
    const after = this.to ?? undefined;
    let told;
    try {
      told = await this.connection.request({ op: "join_room", room: this.room, after });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.leave(error);
    }
    this.me = told.me;
    this.staff = told.staff;
    this.closed = told.closed;
    this.seen = Math.max(this.seen, told.seen);
    told.messages.forEach((/** @type {Message} */ one) => this.keep(one));
    if (after === undefined) this.hasEarlier = this.first() > 1;
    this.to = told.to;
    this.update();
    if (told.to < told.seq) await this.enter();
  }

  /** @param {{room: string, from: number, to: number, message: Message | null}} frame */
  hear(frame) {
    if (frame.room !== this.room || this.to === null || frame.to <= this.to) return;
    if (frame.from > this.to) {
      this.enter(); // something was missed
      return;
    }
    this.to = frame.to;
    if (frame.message) this.keep(frame.message);
    this.update();
  }

  /** Keep a message, unless a later form of it is known. @param {Message} one */
  keep(one) {
    const known = this.messages.get(one.seq);
    if (known === undefined || known.changed <= one.changed) this.messages.set(one.seq, one);
  }

  /** @returns {number} the number of the first message that is known */
  first() {
    return Math.min(...this.messages.keys());
  }

  /** @returns {Message[]} in their order */
  ordered() {
    return [...this.messages.values()].sort((one, other) => one.seq - other.seq);
  }

  /** Read what was said earlier. Throws as `ask` does. */
  async readEarlier() {
    const token = await visitorToken();
    const page = await askJson(`${this.path}/messages?before=${this.first()}`, { token });
    page.items.forEach((/** @type {Message} */ one) => this.keep(one));
    this.hasEarlier = page.items.length > 0 && this.first() > 1;
    this.update();
  }

  /** Say something. Throws `Refused`. @param {string} text @param {number | null} reply_to */
  async say(text, reply_to) {
    const { message } = await this.connection.command("say", { room: this.room, text, reply_to });
    this.keep(message);
    this.update();
  }

  /** Note that all of it was seen, on all devices. */
  see() {
    if (this.to === null || this.to <= this.seen || !this.live) return;
    this.seen = this.to;
    // It is noted with the next one, where this is lost.
    this.connection.request({ op: "seen", room: this.room, seq: this.seen }).catch(() => undefined);
  }

  /**
   * Do something with a message, or with who said it. Throws as `ask` does.
   * @param {string} path below the room's @param {string} method @param {unknown} [body]
   */
  async act(path, method, body) {
    await ask(`${this.path}${path}`, { method, body, token: await visitorToken() });
  }
}
