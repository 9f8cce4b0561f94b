// @ts-check
// One event as this page knows it, and what its visitor holds of it. No DOM: the page shows
// this, and asks it for what is tapped.
//
// What is held is never reckoned here: it is what the server says in replies and to
// `holding`, which is asked after each connecting, when another tab changed it, and when a
// place that was ours is seen to be somebody else's.

import {
  Connection,
  EventState,
  Refused,
  Unreachable,
  ask,
  deadlineIn,
  newKey,
  ofTab,
  mayHold,
  onOtherTab,
  outliveTheTab,
  read,
  readFirst,
  signIn,
  visitorToken,
} from "../client/index.js";
import { checked, codesOf, typesOf, withCodes } from "./quote.js";

const GONE = new Set(["hold_not_found", "hold_expired"]);
const TYPES = "onsale.types"; // of this tab: a reload keeps what was chosen
const CODES = "onsale.codes";
const TOLD = new Set(["type_limit", "type_not_found"]);
const FIGURES_MS = 250;
const PRICE_MS = 2_000; // until it is asked again what nobody answered
const HELD = "h".charCodeAt(0);

/** @typedef {import("../words/format.js").Money} Money */
/** @typedef {string | Record<string, number>} Kind of a seat, or how many of an area as what */
/**
 * @typedef {{hold: string, seats: string[], areas: Record<string, number>, total: Money | null,
 *   until: number, order?: string}} Hold  `until` by `performance.now()`
 */
/** @typedef {{code: string, seats?: string[], [more: string]: any}} Trouble */
/** @typedef {{code: string, told: any}} Code with what the server said that it does */

/** Emits `update` when anything of it changed, and `places` (detail as of `change`). */
export class Sale extends EventTarget {
  /** @param {string} id of the event */
  constructor(id) {
    super();
    this.id = id;
    this.path = `/v1/events/${encodeURIComponent(id)}`;
    /** @type {any} */
    this.event = null;
    /** @type {any} */
    this.map = null;
    /** @type {EventState | null} */
    this.state = null;
    /** @type {Connection | null} */
    this.line = null;
    /** Of its visitor, where it takes one to take places. @type {{until: number} | null} */
    this.turn = null;
    this.live = false;
    /** @type {Hold | null} */
    this.hold = null;
    /** An order of this visitor that has places and waits. @type {string | null} */
    this.order = null;
    /** Holds beside that, as `holding` told of them. @type {any[]} */
    this.others = [];
    /** Which of them it is gone on with. @type {string | null} */
    this.chosen = null;
    /** Labels that are being asked for. @type {Set<string>} */
    this.pending = new Set();
    this.marks = 0; // counts changes of `pending`
    this.busy = 0;
    /** @type {Trouble | null} */
    this.trouble = null;
    /** What the hold costs, line by line. @type {any} */
    this.quote = null;
    this.quoted = 0;
    /** Why codes take nothing off of what is held now. @type {Map<string, string>} */
    this.idle = new Map();
    this.priceLater = 0;
    this.later = 0;
    this.figures = 0; // counts changes of what is free, as far as they are shown
    this.connected = 0; // how often
    this.work = Promise.resolve();
    this.refreshing = false;
    // Another tab is the same visitor, and has the same hold.
    this.tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel(`onsale ${id}`) : null;
    this.tabs?.addEventListener("message", () => this.refresh());
  }

  /** Load the event and its map, and follow it. Throws `Refused`, `Unreachable`. */
  async open() {
    const asked = ["", "/availability", "/map"].map((part) => readFirst(this.path + part));
    // Its name and time are shown while the map is still on its way.
    asked[0].then(
      (event) => this.take({ event: this.event ?? event }),
      () => undefined, // told below
    );
    const [event, availability, map] = await Promise.all(asked);
    this.event = event;
    this.map = map;
    this.state = new EventState(map.seats.length);
    // So that nothing is shown as free that is not, before the socket is open.
    this.state.applySnapshot(availability);
    /** @type {Map<string, number>} */
    this.indexes = new Map(map.seats.map((/** @type {any} */ seat) => [seat.label, seat.index]));
    this.update();
    this.connect();
  }

  connect() {
    const line = new Connection(visitorToken);
    this.line = line;
    line.addEventListener("state", () => {
      this.live = line.state === "live";
      // Nobody asks for each who only looks: that would be a command for each.
      if (this.live && mayHold()) this.refresh();
      // What was told while nobody listened.
      if (this.live && this.connected++ > 0) this.reread();
      this.update();
    });
    line.addEventListener("change", (change) => this.changed(/** @type {any} */ (change).detail));
    line.addEventListener("sale", (frame) => this.turned(/** @type {any} */ (frame).detail));
    line.addEventListener("expired", (frame) => this.ended(/** @type {any} */ (frame).detail));
    this.leaveTabs = onOtherTab(() => line.renew());
    line.watch(this.id, /** @type {EventState} */ (this.state));
  }

  end() {
    clearTimeout(this.later);
    clearTimeout(this.priceLater);
    this.line?.end();
    this.leaveTabs?.();
    this.tabs?.close();
  }

  update() {
    this.dispatchEvent(new Event("update"));
  }

  // -- What comes

  /** @param {{seats: number[] | null, areas: string[] | null}} change */
  changed(change) {
    this.dispatchEvent(new CustomEvent("places", { detail: change }));
    const lost = this.hold?.seats.some((label) => {
      const code = this.state?.seats[this.indexes?.get(label) ?? -1];
      return code !== undefined && code !== HELD;
    });
    // A commit may be seen before its reply, so only the server can tell.
    if (lost && this.busy === 0) this.refresh();
    // Figures may lag a little; the map is told of each change.
    this.later ||= setTimeout(() => {
      this.later = 0;
      this.figures++;
      this.update();
    }, FIGURES_MS);
  }

  /** @param {any} frame */
  turned(frame) {
    if (frame.event !== this.id) return;
    this.event = { ...this.event, status: frame.status };
    if (frame.status === "on_sale" && this.trouble?.code?.startsWith("sale_")) this.trouble = null;
    this.update();
    // What else was edited with it.
    this.reread();
  }

  /** Read the event anew; where that fails now, the next frame or connecting tells. */
  reread() {
    read(this.path).then(
      (event) => this.take({ event }),
      () => undefined,
    );
  }

  /** @param {any} frame */
  ended(frame) {
    if (frame.event !== this.id || frame.hold !== this.hold?.hold) return;
    this.setHold(null);
    this.say({ code: "expired" });
  }

  /** @param {Partial<Sale>} what */
  take(what) {
    Object.assign(this, what);
    this.update();
  }

  /** @param {Trouble | null} trouble */
  say(trouble) {
    this.trouble = trouble;
    this.update();
  }

  // -- What is held

  /** Ask what is held, after whatever is being asked for. */
  refresh() {
    if (this.refreshing) return;
    this.refreshing = true;
    this.queue(async () => {
      this.refreshing = false;
      await this.rebuild();
    }, false);
  }

  async rebuild() {
    const reply = await /** @type {Connection} */ (this.line).request({
      op: "holding",
      event: this.id,
    });
    const live = reply.holds.filter((/** @type {any} */ one) => one.expires_in_ms > 0);
    const open = live.filter((/** @type {any} */ one) => one.order === undefined);
    // One is the usual; of several, made before the tabs knew of each other, that of before.
    const wanted = this.chosen ?? this.hold?.hold;
    this.chosen = null;
    const mine = open.findIndex((/** @type {any} */ one) => one.hold === wanted);
    if (mine > 0) open.unshift(...open.splice(mine, 1));
    this.others = open.slice(1);
    this.order = live.find((/** @type {any} */ one) => one.order !== undefined)?.order ?? null;
    this.setHold(open[0] ?? null);
  }

  /** @param {any} told a reply, or one of those of `holding`; null where nothing is held */
  setHold(told) {
    const former = this.hold;
    if (told === null || sizeOf(told) === 0) {
      this.hold = null;
      this.quote = null;
    } else {
      const { hold, seats, areas, total, expires_in_ms } = told;
      this.hold = { hold, seats, areas, total: total ?? null, until: deadlineIn(expires_in_ms) };
      if (!isSame(former, this.hold) || this.quote === null) this.price();
    }
    if (former?.hold !== this.hold?.hold && this.hold === null) ofTab.write(TYPES, null);
    this.update();
  }

  /** How many places are held. */
  get size() {
    return this.hold === null ? 0 : sizeOf(this.hold);
  }

  // -- What is asked for

  /** Do one thing after the other: each needs the hold that the former made.
   * @param {() => Promise<void>} work @param {boolean} [asked] by the visitor */
  queue(work, asked = true) {
    if (asked) {
      this.busy++;
      this.say(null);
    }
    const done = this.work.then(async () => {
      try {
        await work();
      } catch (error) {
        this.fail(error);
      } finally {
        if (asked) this.busy--;
        this.update();
      }
    });
    this.work = done.catch(() => undefined);
    return done;
  }

  /** @param {unknown} error */
  fail(error) {
    if (error instanceof Unreachable) return this.say({ code: "unreachable" });
    if (!(error instanceof Refused)) throw error;
    this.trouble = { code: error.code ?? "unknown", ...error.problem };
  }

  /** @param {string} op @param {Record<string, any>} fields */
  command(op, fields) {
    return /** @type {Connection} */ (this.line).command(op, { event: this.id, ...fields });
  }

  /** Hold more, added to what is held; a hold that is over meanwhile is none.
   * @param {string} op @param {Record<string, any>} fields */
  async add(op, fields) {
    outliveTheTab();
    const { hold } = this.hold ?? {};
    let reply;
    try {
      reply = await this.command(op, hold === undefined ? fields : { ...fields, hold });
    } catch (error) {
      if (hold === undefined || !(error instanceof Refused) || !GONE.has(error.code ?? ""))
        throw error;
      await this.rebuild();
      if (this.hold !== null) throw error;
      reply = await this.command(op, fields);
    }
    this.setHold(reply);
    this.tabs?.postMessage("held");
    return reply;
  }

  /** @param {string[]} seats @param {boolean} asked whether they are being asked for */
  mark(seats, asked) {
    for (const label of seats) this.pending[asked ? "add" : "delete"](label);
    this.marks++;
  }

  /** Take these seats, all or none. @param {string[]} seats */
  holdSeats(seats) {
    this.mark(seats, true);
    return this.queue(async () => {
      try {
        await this.add("hold", { seats });
      } finally {
        this.mark(seats, false);
      }
    });
  }

  /** @param {string} area @param {number} count more, or fewer where negative */
  changeArea(area, count) {
    if (count < 0) return this.giveBack({ areas: { [area]: -count } });
    return this.queue(async () => {
      await this.add("hold", { areas: { [area]: count } });
    });
  }

  /** @param {{seats?: string[], areas?: Record<string, number>}} [what] all where absent */
  giveBack(what = {}) {
    this.mark(what.seats ?? [], true);
    return this.queue(async () => {
      try {
        const { hold } = this.hold ?? {};
        if (hold !== undefined) await this.command("release", { hold, ...what });
      } finally {
        this.mark(what.seats ?? [], false);
        await this.rebuild();
        this.tabs?.postMessage("released");
      }
    });
  }

  /** Take a seat, or give one's own back. @param {string} label */
  pick(label) {
    if (this.pending.has(label)) return;
    if (this.hold?.seats.includes(label)) this.giveBack({ seats: [label] });
    else this.holdSeats([label]);
  }

  /** Go on with another hold of this visitor. @param {any} other one of `others` */
  turnTo(other) {
    this.chosen = other.hold;
    this.refresh();
  }

  /** Give another hold back. @param {any} other one of `others` */
  drop(other) {
    return this.queue(async () => {
      await this.command("release", { hold: other.hold });
      await this.rebuild();
      this.tabs?.postMessage("released");
    });
  }

  extend() {
    return this.queue(async () => {
      const { hold } = this.hold ?? {};
      if (hold === undefined) return;
      const { expires_in_ms } = await this.command("extend", { hold });
      if (this.hold !== null) this.hold = { ...this.hold, until: deadlineIn(expires_in_ms) };
      this.tabs?.postMessage("extended");
    });
  }

  // -- What it costs

  /** @returns {Record<string, Kind>} what of the hold is bought as which type */
  get kinds() {
    const kept = ofTab.read(TYPES);
    return kept !== null && kept.hold === this.hold?.hold ? kept.kinds : {};
  }

  /** @param {Record<string, Kind>} kinds */
  setKinds(kinds) {
    ofTab.write(TYPES, { hold: this.hold?.hold, kinds });
    if (TOLD.has(this.trouble?.code ?? "")) this.trouble = null;
    this.price();
    this.update();
  }

  /** @returns {Code[]} codes that this visitor has for the event */
  get codes() {
    const kept = ofTab.read(CODES);
    return kept?.event === this.id ? kept.codes : [];
  }

  /** @param {Code[]} codes */
  setCodes(codes) {
    ofTab.write(CODES, codes.length ? { event: this.id, codes } : null);
    return this.price();
  }

  /** Forget what an order was made with, which other tabs have to know, too. */
  ordered() {
    ofTab.write(CODES, null);
    this.tabs?.postMessage("ordered");
  }

  /** Name a code; of one promotion the latest counts. Throws `Refused`, `Unreachable`.
   * @param {string} code */
  async addCode(code) {
    const told = await checked(this, code);
    const others = this.codes.filter((one) => one.told.promotion !== told.promotion);
    await this.setCodes([...others, { code, told }]);
  }

  /** What a quote of this hold is asked for with, but for codes. */
  get asked() {
    const { hold, seats, areas } = /** @type {Hold} */ (this.hold);
    const types = typesOf(this.kinds, seats, areas);
    return { event: this.id, hold, ...(types === null ? {} : { types }) };
  }

  /** What an order of this hold is asked for with: codes that do nothing refuse it. */
  get wanted() {
    return { ...this.asked, ...codesOf(this.codes.filter(({ code }) => !this.idle.has(code))) };
  }

  /** Ask what an order of the hold would cost; what comes late is not of this hold. */
  async price() {
    clearTimeout(this.priceLater);
    if (this.hold === null) return;
    const turn = ++this.quoted;
    try {
      const found = await withCodes(this);
      if (turn === this.quoted && this.hold !== null) this.take(found);
    } catch (error) {
      // The order is priced once more, and told before it is paid.
      if (turn !== this.quoted) return;
      this.take({ quote: null });
      if (error instanceof Unreachable) this.priceLater = setTimeout(() => this.price(), PRICE_MS);
      if (!(error instanceof Refused)) return;
      if (TOLD.has(error.code ?? "")) this.fail(error);
      if (GONE.has(error.code ?? "")) this.refresh();
      this.update();
    }
  }

  /**
   * Sign in, and take what the guest holds along. Throws `Refused` and `Unreachable` where
   * that did not work: nothing has changed then.
   * @param {string} email @param {string} password
   */
  async signIn(email, password) {
    const guest = await visitorToken();
    await signIn(email, password);
    await this.queue(async () => {
      const { hold, seats, areas } = this.hold ?? {};
      if (hold !== undefined) {
        const body = { op: "release", hold };
        await ask(`${this.path}/commands`, { token: guest, method: "POST", key: newKey(), body });
      }
      /** @type {Connection} */ (this.line).renew();
      if (hold === undefined) return this.rebuild();
      try {
        this.setHold(
          await this.command("hold", {
            ...(seats?.length ? { seats } : {}),
            ...(Object.keys(areas ?? {}).length ? { areas } : {}),
          }),
        );
      } catch (error) {
        await this.rebuild();
        throw error;
      }
    });
  }

  /** @returns {Promise<Blob>} the event for a calendar */
  async calendar() {
    const response = await ask(`${this.path}/calendar.ics`, { token: await visitorToken() });
    return response.blob();
  }
}

/** @param {{seats: string[], areas: Record<string, number>}} hold */
export function sizeOf({ seats, areas }) {
  return seats.length + Object.values(areas).reduce((sum, count) => sum + count, 0);
}

/** @param {Hold | null} one @param {Hold | null} other */
function isSame(one, other) {
  const shape = (/** @type {Hold | null} */ hold) =>
    JSON.stringify(hold && [hold.hold, hold.seats, hold.areas, hold.total]);
  return shape(one) === shape(other);
}
