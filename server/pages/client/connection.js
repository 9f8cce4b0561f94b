// @ts-check
// One websocket that comes back: it signs in, watches events from where they were left, and
// repeats commands whose answer was lost, with the key they had.

import { EventState } from "./event_state.js";
import { Refused, newKey } from "./http.js";
import { forget } from "./tokens.js";

const SILENCE_MS = 25_000; // a beat comes every 10 s, so this long means a dead line
const CLOSING_MS = 3_000;
const BACKOFF_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];
const TRANSIENT = new Set(["overloaded", "unavailable", "outcome_unknown", "rate_limited"]);
const AGAIN_MS = 400;
const TRIES_MAX = 8;

/** @typedef {{state: EventState, awaited: number}} Watch */
/**
 * @typedef {{frame: Record<string, any>, id: number, tries: number, timer: number,
 *   resolve: (reply: any) => void, reject: (error: Refused) => void}} Sent
 */

/**
 * Emits `state` (detail: "connecting" or "live"), `change` (detail: {event, seats, areas},
 * null for all of them), and every frame that is nobody's reply under its own `op`, as
 * `sale`, `expired`, `offer`, `order`, `gate` (detail: the frame).
 */
export class Connection extends EventTarget {
  /** @param {() => Promise<string>} token whose it is, asked for at each connecting */
  constructor(token) {
    super();
    this.tokenOf = token;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.token = "";
    /** @type {Map<string, Watch>} */
    this.watches = new Map();
    /** @type {Map<number, Sent>} by the frame's id, until they are answered */
    this.sent = new Map();
    this.nextId = 1;
    this.failures = 0;
    this.pause_ms = 0; // how long the server asked us to stay away
    this.heardAt = 0;
    this.timer = 0;
    this.ended = false;
    this.greeted = 0;
    this.state = "connecting";
    this.watchdog = setInterval(() => this.checkLine(), 1_000);
    this.online = () => this.hurry();
    globalThis.addEventListener?.("online", this.online);
    this.connect();
  }

  // -- What its user asks for

  /** Follow an event. @param {string} event @param {EventState} state where it is kept */
  watch(event, state) {
    const watch = { state, awaited: 0 };
    this.watches.set(event, watch);
    if (this.isGreeted) this.askWatch(event, watch);
  }

  /**
   * Send a command; return its reply. It is repeated with its key until it is answered:
   * its effect is there once or not at all. Throws `Refused`.
   * @param {string} op @param {Record<string, any>} [fields] @param {string} [key]
   * @returns {Promise<any>}
   */
  command(op, fields = {}, key = newKey()) {
    return this.request({ op, key, ...fields });
  }

  /** Send a frame that takes no key, as `holding`. @param {Record<string, any>} frame */
  request(frame) {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const sent = { frame, id, tries: 0, timer: 0, resolve, reject };
      this.sent.set(id, sent);
      if (this.isGreeted) this.send({ id, ...frame });
    });
  }

  /** Sign in anew, as somebody else. */
  renew() {
    this.socket?.close();
  }

  end() {
    this.ended = true;
    clearTimeout(this.timer);
    clearInterval(this.watchdog);
    globalThis.removeEventListener?.("online", this.online);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  // -- The line

  get isGreeted() {
    return this.socket?.readyState === WebSocket.OPEN && this.greeted !== 0;
  }

  async connect() {
    try {
      this.token = await this.tokenOf();
    } catch {
      return this.retry();
    }
    if (this.ended) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/v1/ws`, "onsale.v1.json");
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => this.greet();
    socket.onmessage = (message) => {
      if (socket === this.socket) this.receive(JSON.parse(message.data));
    };
    socket.onclose = () => {
      if (socket === this.socket) this.retry();
    };
  }

  // A browser cannot send headers with a websocket, so hello carries the token.
  greet() {
    this.greeted = this.nextId++;
    this.send({ op: "hello", id: this.greeted, token: this.token });
    for (const [event, watch] of this.watches) this.askWatch(event, watch);
    for (const { id, frame } of this.sent.values()) this.send({ id, ...frame });
  }

  /** @param {Record<string, any>} frame */
  send(frame) {
    this.socket?.send(JSON.stringify(frame));
  }

  /** @param {string} event @param {Watch} watch */
  askWatch(event, watch) {
    watch.awaited = this.nextId++;
    this.send({ op: "watch", id: watch.awaited, event, since: watch.state.since });
  }

  // Some deltas were missed: watching anew from our position brings them.
  /** @param {string} event @param {Watch} watch */
  resync(event, watch) {
    this.send({ op: "unwatch", id: this.nextId++, event });
    this.askWatch(event, watch);
  }

  // -- What comes

  /** @param {any} frame */
  receive(frame) {
    this.heardAt = performance.now();
    if (frame.op === "bye") this.pause_ms = frame.retry_after_ms ?? 0;
    else if (frame.id !== undefined && frame.id !== null) this.receiveReply(frame);
    else if (frame.event !== undefined && ["snapshot", "delta", "beat"].includes(frame.op)) {
      this.receiveState(frame);
    } else this.dispatchEvent(new CustomEvent(frame.op, { detail: frame }));
  }

  /** @param {any} frame */
  receiveReply(frame) {
    if (frame.id === this.greeted) return this.receiveGreeting(frame);
    for (const watch of this.watches.values()) {
      if (frame.id === watch.awaited) {
        watch.awaited = 0;
        if (frame.op !== "ok" && frame.transient) this.socket?.close();
        return;
      }
    }
    const sent = this.sent.get(frame.id);
    if (sent === undefined) return;
    if (frame.op !== "ok" && TRANSIENT.has(frame.code) && ++sent.tries < TRIES_MAX) {
      const pause = frame.retry_after_ms ?? AGAIN_MS * sent.tries * (0.5 + Math.random());
      setTimeout(() => {
        if (this.isGreeted) this.send({ id: sent.id, ...sent.frame });
      }, pause);
      return;
    }
    this.sent.delete(frame.id);
    if (frame.op === "ok") sent.resolve(frame);
    else sent.reject(new Refused(0, frame));
  }

  /** @param {any} frame */
  receiveGreeting(frame) {
    if (frame.op !== "ok") {
      if (frame.code === "unauthenticated") forget(this.token);
      this.socket?.close();
      return;
    }
    this.failures = 0;
    this.show("live");
  }

  /** @param {any} frame */
  receiveState(frame) {
    const watch = this.watches.get(frame.event);
    // What comes before the reply to `watch` belongs to the former watch.
    if (watch === undefined || watch.awaited !== 0) return;
    const { state } = watch;
    if (frame.op === "beat") {
      if (state.isBehind(frame)) this.resync(frame.event, watch);
      return;
    }
    let seats = null;
    let areas = null;
    if (frame.op === "snapshot") state.applySnapshot(frame);
    else {
      seats = state.applyDelta(frame);
      if (seats === null) return this.resync(frame.event, watch);
      areas = Object.keys(frame.areas ?? {});
    }
    const detail = { event: frame.event, seats, areas };
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }

  /** @param {string} state */
  show(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }

  // -- When it breaks

  checkLine() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const silence = performance.now() - this.heardAt;
    if (silence > SILENCE_MS) this.socket.close();
    // A close handshake over a dead line may never end, so do not wait for it.
    if (silence > SILENCE_MS + CLOSING_MS) this.retry();
  }

  hurry() {
    if (this.timer === 0) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.connect();
  }

  retry() {
    if (this.ended || this.timer !== 0) return;
    this.socket = null;
    this.greeted = 0;
    this.show("connecting");
    const longest = BACKOFF_MS[Math.min(this.failures++, BACKOFF_MS.length - 1)];
    const pause = Math.max(this.pause_ms, longest * (0.5 + Math.random() / 2));
    this.pause_ms = 0;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.connect();
    }, pause);
  }
}
