// @ts-check
// What of an event's state was drawn or listed last, and free places by section and category:
// so that a change costs as much as what it changed.

export const FREE = 102; // f
export const HELD = 104; // h
export const BOOKED = 98; // b

export class Tally {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** Codes of the letters, by seat index. */
    this.seats = new Uint8Array(model.count);
    this.freeInSection = new Uint32Array(model.sections.length);
    this.freeInCategory = new Uint32Array(model.categories.length);
    /** Free seats by section, then category: which prices a section still has. */
    this.freeByBoth = new Uint32Array(model.sections.length * model.categories.length);
    this.freeInArea = new Float64Array(model.areas.length);
  }

  /**
   * Take the state as it is now.
   * @param {{seats: Uint8Array, areas: Map<string, {free: number}>}} state
   * @param {ArrayLike<number> | null} indexes Seats that may have changed, or all
   * @returns {{seats: number[], sections: Set<number>, areas: number[]}} What did change
   */
  update(state, indexes) {
    /** @type {number[]} */
    const seats = [];
    /** @type {Set<number>} */
    const sections = new Set();
    const { count } = this.model;
    const length = indexes === null ? count : indexes.length;
    for (let k = 0; k < length; k++) {
      const i = indexes === null ? k : indexes[k];
      if (i < count && this.seats[i] !== state.seats[i]) {
        seats.push(i);
        sections.add(this.#note(i, state.seats[i]));
      }
    }
    return { seats, sections, areas: this.#updateAreas(state) };
  }

  /** @param {number} index @param {number} code */
  #note(index, code) {
    const { model } = this;
    const section = model.rows[model.row[index]].section;
    const category = model.category[index];
    const by = (code === FREE ? 1 : 0) - (this.seats[index] === FREE ? 1 : 0);
    if (by !== 0) {
      this.freeInSection[section] += by;
      this.freeInCategory[category] += by;
      this.freeByBoth[section * model.categories.length + category] += by;
    }
    this.seats[index] = code;
    return section;
  }

  /** @param {{areas: Map<string, {free: number}>}} state */
  #updateAreas(state) {
    const changed = [];
    for (const area of this.model.areas) {
      const free = state.areas.get(area.label)?.free ?? 0;
      const by = free - this.freeInArea[area.index];
      if (by === 0) continue;
      this.freeInArea[area.index] = free;
      this.freeInCategory[area.category] += by;
      changed.push(area.index);
    }
    return changed;
  }

  /**
   * The least price of what is free in a section, or undefined.
   * @param {number} section @param {Record<string, {amount: number, currency: string}>} prices
   */
  cheapest(section, prices) {
    const { categories } = this.model;
    let least;
    for (let c = 0; c < categories.length; c++) {
      if (this.freeByBoth[section * categories.length + c] === 0) continue;
      const price = prices[categories[c].key];
      if (price && (least === undefined || price.amount < least.amount)) least = price;
    }
    return least;
  }
}
