// The committed state of one event as this page knows it: a snapshot, then deltas.
//
// A position is (history_id, epoch, version). A delta fits only where its `from` is the
// version we are at; anything else is a gap, and a gap is answered by watching anew.

const STATUSES = ["free", "held", "booked", "blocked"];
const LETTERS = { f: "free", h: "held", b: "booked", x: "blocked", o: "blocked" };

export class Board {
  constructor(map) {
    this.map = map;
    this.seats = new Uint8Array(map.seats.length).fill("f".charCodeAt(0));
    this.areas = new Map();
    this.position = null;
    this.seatCounts = { free: 0, held: 0, booked: 0, blocked: 0 };
  }

  // What `watch` is to be resumed from.
  get since() {
    if (this.position === null) return undefined;
    const { history_id, version } = this.position;
    return { history_id, version };
  }

  applySnapshot(frame) {
    this.seatCounts = { free: 0, held: 0, booked: 0, blocked: 0 };
    for (let index = 0; index < this.seats.length; index++) {
      const code = frame.seats.charCodeAt(index);
      this.seats[index] = code;
      this.seatCounts[LETTERS[String.fromCharCode(code)]]++;
    }
    this.areas = new Map(Object.entries(frame.areas));
    this.moveTo(frame, frame.version);
  }

  // Returns the changed seat indexes, or null when the delta does not follow.
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

  // A beat tells the owner's version; behind it means that something was missed.
  isBehind(frame) {
    const at = this.position;
    return at === null || frame.history_id !== at.history_id || frame.version !== at.version;
  }

  moveTo(frame, version) {
    this.position = { history_id: frame.history_id, epoch: frame.epoch, version };
  }

  counts() {
    const counts = { ...this.seatCounts };
    for (const area of this.areas.values()) {
      for (const status of STATUSES) counts[status] += area[status] ?? 0;
    }
    return counts;
  }
}
