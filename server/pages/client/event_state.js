// @ts-check
// The committed state of one event as this page knows it: a snapshot, then deltas.
//
// A position is (history_id, epoch, version). A delta fits only where its `from` is the
// version we are at; anything else is a gap, and a gap is answered by watching anew.

const STATUSES = ["free", "held", "booked", "blocked"];
const LETTERS = { f: "free", h: "held", b: "booked", x: "blocked", o: "blocked" };

/** @typedef {{free: number, held: number, booked: number, blocked: number}} Counts */

export class EventState {
  /** @param {number} seatCount as many as the event's map has seats */
  constructor(seatCount) {
    /** Codes of the letters `f h b x o`, by seat index. */
    this.seats = new Uint8Array(seatCount).fill("f".charCodeAt(0));
    /** @type {Map<string, Counts>} by the areas' labels */
    this.areas = new Map();
    /** @type {{history_id: string, epoch: number, version: number} | null} */
    this.position = null;
    this.seatCounts = { free: 0, held: 0, booked: 0, blocked: 0 };
  }

  // What `watch` is to be resumed from.
  get since() {
    if (this.position === null) return undefined;
    const { history_id, version } = this.position;
    return { history_id, version };
  }

  /** Take all anew. @param {any} frame */
  applySnapshot(frame) {
    this.seatCounts = { free: 0, held: 0, booked: 0, blocked: 0 };
    const counts = new Uint32Array(128);
    for (let index = 0; index < this.seats.length; index++) {
      const code = frame.seats.charCodeAt(index);
      this.seats[index] = code;
      counts[code]++;
    }
    for (const [letter, status] of Object.entries(LETTERS)) {
      this.seatCounts[status] += counts[letter.charCodeAt(0)];
    }
    this.areas = new Map(Object.entries(frame.areas));
    this.moveTo(frame, frame.version);
  }

  /**
   * Go on from where we are.
   * @param {any} frame
   * @returns {number[] | null} the changed seats, or null when the delta does not follow
   */
  applyDelta(frame) {
    const at = this.position;
    if (at === null || frame.history_id !== at.history_id || frame.from !== at.version) {
      return null;
    }
    const changed = [];
    for (const [letter, indexes] of Object.entries(frame.seats ?? {})) {
      const code = letter.charCodeAt(0);
      for (const index of indexes) {
        this.seatCounts[LETTERS[String.fromCharCode(this.seats[index])]]--;
        this.seatCounts[LETTERS[letter]]++;
        this.seats[index] = code;
        changed.push(index);
      }
    }
    for (const [label, counts] of Object.entries(frame.areas ?? {})) {
      this.areas.set(label, counts);
    }
    this.moveTo(frame, frame.to);
    return changed;
  }

  /** A beat tells the owner's version; behind it means that something was missed. @param {any} frame */
  isBehind(frame) {
    const at = this.position;
    return at === null || frame.history_id !== at.history_id || frame.version !== at.version;
  }

  /** @param {any} frame @param {number} version */
  moveTo(frame, version) {
    this.position = { history_id: frame.history_id, epoch: frame.epoch, version };
  }

  /** @returns {Counts} of seats and areas together */
  counts() {
    const counts = { ...this.seatCounts };
    for (const area of this.areas.values()) {
      for (const status of STATUSES) counts[status] += area[status] ?? 0;
    }
    return counts;
  }
}
