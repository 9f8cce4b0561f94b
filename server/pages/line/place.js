// @ts-check
// Somebody's place in the line of one event, as the server tells it. No DOM.
//
// The socket tells what changes; what it leaves out (the wish, the signed place, the rules)
// is read over REST when it is needed. "Ahead of you" never rises.

import {
  Refused, Unreachable, askJson, deadlineIn, outliveTheTab, read, visitorToken,
} from "../client/index.js";
import { aheadAt, rangeAt } from "./marks.js";
import { solved } from "./proof.js";
import { isGated, noteJoined } from "./seen.js";
import { Sound } from "./sound.js";

const LOOK_MS = 10_000; // who has no place is told nothing, and looks
const ASK_MS = 15_000; // odds, and the exact figure
const SOON_MS = 1_000;
const OVER = new Set(["done", "left"]);
const HIDDEN = new Set(["gathering", "drawing"]); // phases in which nobody has a rank
const FRAMES = ["line", "line_fixed", "line_drawn", "turn", "offer", "turn_over", "line_message"];

/** @typedef {import("../buy/sale.js").Sale} Sale */
/** @typedef {{quantity: number, categories?: string[], together?: boolean,
 *   accessible?: boolean, if_none?: "wait" | "browse"}} Wish */
/** @typedef {{code: string, [more: string]: any}} Trouble */
/**
 * @typedef {{arrived_ms: number, waited: boolean, frame: any}} Witness when a list was told, by
 *   this device's clock, and whether this page had waited for it
 */

/** Emits `update` when anything of it changed. */
export class Place extends EventTarget {
  /** @param {Sale} sale */
  constructor(sale) {
    super();
    this.sale = sale;
    this.path = `${sale.path}/line`;
    /** What anybody may know of the line. @type {any} */
    this.line = null;
    /** What its holder may know of the place, as it was read last. @type {any} */
    this.mine = null;
    /** Null until it is known, `none` where there is no place. @type {string | null} */
    this.state = null;
    /** @type {string | null} */
    this.phase = null;
    /** @type {number | null} */
    this.rank = null;
    /** @type {number | null} */
    this.ahead = null;
    /** @type {{from_s: number, to_s: number} | null} */
    this.range = null;
    /** What the server expects. @type {any} */
    this.outlook = null;
    /** The open turn; `until` by `performance.now()`. @type {any} */
    this.turn = null;
    /** Why the last turn is over, as far as this page saw it. @type {string | null} */
    this.why = null;
    /** What the organiser said last. @type {any} */
    this.message = null;
    /** @type {Witness | null} */
    this.witness = null;
    /** @type {Trouble | null} */
    this.trouble = null;
    this.moreTimeAsked = false; // as far as this page asked
    this.busy = false;
    this.sound = new Sound();
    /** @type {any} */
    this.socket = null;
    this.asked = 0;
    this.left = false;
    this.timer = 0;
    this.hear = (/** @type {any} */ { type, detail }) => {
      if (detail.event === sale.id) this.take(type, detail);
    };
    this.live = () => {
      if (sale.live) this.wait();
    };
    this.attach = () => {
      if (sale.line === this.socket) return;
      this.detach();
      this.socket = sale.line;
      for (const op of FRAMES) this.socket?.addEventListener(op, this.hear);
      this.socket?.addEventListener("state", this.live);
      this.live();
    };
    this.told = () => this.wait();
    sale.addEventListener("update", this.attach);
    sale.tabs?.addEventListener("message", this.told);
    this.look();
    this.attach();
  }

  end() {
    this.left = true;
    clearTimeout(this.timer);
    this.sale.removeEventListener("update", this.attach);
    this.sale.tabs?.removeEventListener("message", this.told);
    this.detach();
    this.sound.turn(false);
    this.keepTurn(null);
  }

  detach() {
    for (const op of FRAMES) this.socket?.removeEventListener(op, this.hear);
    this.socket?.removeEventListener("state", this.live);
  }

  update() {
    if (!this.left) this.dispatchEvent(new Event("update"));
  }

  /** Whether there is a place that is not over. */
  get has() {
    return this.state !== null && this.state !== "none" && !OVER.has(this.state);
  }

  /** Whether it takes a wish to be served. */
  get needsWish() {
    return this.line?.mode === "list" || this.phase === "waitlist";
  }

  // -- What is read

  /** Read the line now and, while nobody would tell, now and then. */
  async look() {
    clearTimeout(this.timer);
    const again = () => {
      clearTimeout(this.timer);
      if (!this.left) this.timer = setTimeout(() => this.look(), this.line === null ? SOON_MS : LOOK_MS);
    };
    try {
      if (document.visibilityState === "visible" || this.line === null) {
        this.line = await read(this.path);
        // Whoever waits hears of the phase before anybody can read it.
        if (!this.has || this.phase === null) this.phase = this.line.phase;
        if (this.line.message) this.heed(this.line.message);
        this.update();
      }
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
    }
    // A waitlist does not change for who is not on it, and what is over does not either.
    const changes = this.line === null || (isGated(this.sale.event) && this.phase !== "over");
    if (!this.has && changes) again();
  }

  /** Be told here of one's place, if there is one. */
  async wait() {
    const socket = this.socket;
    if (socket === null || this.left) return;
    try {
      const told = await socket.request({ op: "wait", event: this.sale.id });
      if (socket !== this.socket) return;
      await this.placed(told);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // What was known stays where this cannot be answered now.
      if (error.code !== "place_not_found" && this.state !== null) return;
      this.forget();
      this.state = "none";
      this.update();
    }
  }

  /** @param {{state: string, phase: string, rank: number | null}} told */
  async placed({ state, phase, rank }) {
    this.state = state;
    this.phase = phase;
    this.rank = rank;
    if (state !== "turn") this.keepTurn(null);
    if (this.has) noteJoined(this.sale.id);
    this.update();
    await this.readMine();
    if (this.has) await this.ask();
    this.look();
  }

  async readMine() {
    try {
      this.mine = await askJson(`${this.path}/entries/me`, { token: await visitorToken() });
      if (OVER.has(this.mine.state)) {
        this.state = this.mine.state;
        this.why ??= this.mine.ended;
      }
      this.update();
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
    }
  }

  /** Ask for the exact figure, and what is to be expected. */
  async ask() {
    if (!this.has || this.phase === "gathering") return;
    this.asked = performance.now();
    try {
      const told = await this.socket.request({ op: "place", event: this.sale.id });
      if (!this.has) return;
      if (told.state !== "turn" || this.turn !== null) this.state = told.state;
      this.rank = told.rank ?? this.rank;
      this.setAhead(told.ahead);
      this.range = told.from_s == null ? this.range : { from_s: told.from_s, to_s: told.to_s };
      this.outlook = told.odds == null && told.facts == null ? this.outlook : told;
      this.update();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  // -- What comes

  /** @param {string} op @param {any} frame */
  take(op, frame) {
    if (op === "line") this.stands(frame);
    else if (op === "line_fixed") this.fixed(frame);
    else if (op === "line_drawn") this.drawn(frame);
    else if (op === "turn" || op === "offer") this.begin(frame);
    else if (op === "turn_over") this.over(frame.why);
    else this.heed(frame);
    this.update();
  }

  // What was read a moment ago may be older than what was told since.
  /** @param {{text: string, texts: Record<string, string>, said_at: string}} said */
  heed(said) {
    const known = this.message;
    if (known === null || Date.parse(known.said_at) <= Date.parse(said.said_at)) this.message = said;
  }

  /** @param {any} frame */
  stands(frame) {
    const changed = frame.phase !== this.phase;
    this.phase = frame.phase;
    if (frame.rank !== undefined) this.setRank(frame.rank);
    if (this.state === "joined" && this.rank !== null) this.state = "waiting";
    if (this.rank !== null && frame.marks.length) {
      this.setAhead(aheadAt(frame, this.rank));
      this.range = rangeAt(frame, this.rank) ?? this.range;
    }
    if (changed) this.look();
    if (changed || performance.now() - this.asked > ASK_MS) this.ask();
  }

  /** @param {any} frame */
  fixed(frame) {
    if (this.witness?.frame.draw !== frame.draw) {
      const waited = this.state === "joined" && HIDDEN.has(this.phase ?? "");
      this.witness = { arrived_ms: Date.now(), waited, frame };
      // Another draw: what was known of places is no more.
      if (this.line !== null && this.line.draw !== frame.draw) this.forget();
    }
    this.look();
  }

  /** @param {any} frame */
  drawn(frame) {
    if (frame.rank !== null) this.setRank(frame.rank);
    this.look();
    this.readMine();
  }

  /** @param {any} frame */
  begin(frame) {
    const isNew = this.turn === null;
    this.state = "turn";
    this.why = null;
    this.rank = frame.rank;
    this.ahead = 0;
    this.trouble = null;
    this.keepTurn({
      until: deadlineIn(frame.expires_in_ms),
      offered: frame.hold !== undefined,
      returned: frame.op === "offer",
    });
    if (frame.hold !== undefined) this.sale.refresh();
    if (isNew) this.sound.play();
  }

  /** @param {string} why */
  over(why) {
    this.state = why === "left" ? "left" : "done";
    this.why = why;
    this.keepTurn(null);
    this.sale.refresh();
    this.readMine();
    this.look();
  }

  /** Keep the open turn, which the sale needs to know of. @param {any} turn */
  keepTurn(turn) {
    this.turn = turn;
    if (this.sale.turn === null && turn === null) return;
    this.sale.take({ turn });
  }

  forget() {
    this.rank = this.ahead = this.range = this.outlook = null;
  }

  /** @param {number} rank */
  setRank(rank) {
    // Of another draw, maybe: what was known of the former rank is not of this one.
    if (rank !== this.rank) this.forget();
    this.rank = rank;
  }

  /** @param {number | null} ahead */
  setAhead(ahead) {
    if (ahead === null) return;
    this.ahead = this.ahead === null ? ahead : Math.min(this.ahead, ahead);
  }

  // -- What is asked for

  /** Do something that may be refused. @param {() => Promise<any>} work */
  async work(work) {
    if (this.busy) return;
    this.busy = true;
    this.trouble = null;
    this.update();
    try {
      await work();
    } catch (error) {
      if (error instanceof Unreachable) this.trouble = { code: "unreachable" };
      else if (error instanceof Refused) {
        this.trouble = { ...error.problem, code: error.code ?? "unknown" };
      } else throw error;
    } finally {
      this.busy = false;
      this.update();
    }
  }

  /** @param {string} op @param {Record<string, any>} [fields] */
  command(op, fields = {}) {
    return this.socket.command(op, { event: this.sale.id, ...fields });
  }

  /** @param {Wish | null} wish @param {string} locale of mails */
  join(wish, locale) {
    return this.work(async () => {
      outliveTheTab();
      const asked = { locale, ...(wish === null ? {} : { wish }) };
      let told;
      try {
        told = await this.command("join_line", asked);
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "proof_needed") throw error;
        told = await this.command("join_line", { ...asked, proof: await this.prove() });
      }
      this.forget();
      this.why = null;
      this.sale.tabs?.postMessage("line");
      await this.placed({ ...told, state: told.rank === null ? "joined" : "waiting" });
    });
  }

  /** @returns {Promise<string>} what a line asks for before it is joined */
  async prove() {
    const asked = await askJson(`${this.path}/challenge`, { token: await visitorToken() });
    if (asked.captcha !== null) throw new Refused(0, { code: "captcha" });
    if (crypto.subtle === undefined) throw new Refused(0, { code: "insecure" });
    return solved(asked);
  }

  /** @param {Wish | null} wish @param {boolean} moreTime */
  setWish(wish, moreTime) {
    return this.work(async () => {
      await this.command("set_wish", { wish, more_time: moreTime });
      this.moreTimeAsked = moreTime;
      this.outlook = null;
      await this.readMine();
      await this.ask();
    });
  }

  /** @param {boolean} paused */
  pause(paused) {
    return this.work(async () => {
      await this.command(paused ? "pause_place" : "resume_place");
      this.state = paused ? "paused" : "waiting";
      await this.readMine();
    });
  }

  leave() {
    return this.work(async () => {
      await this.command("leave_line");
      this.over("left");
      this.sale.tabs?.postMessage("line");
    });
  }

  moreTime() {
    return this.work(async () => {
      const { expires_in_ms } = await this.command("extend_turn");
      if (this.turn !== null) {
        this.keepTurn({ ...this.turn, until: deadlineIn(expires_in_ms) });
      }
    });
  }
}
