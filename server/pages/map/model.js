// @ts-check
// The map document of an event (`GET /v1/events/{event}/map`) as typed arrays, sections and
// rows: what is drawn, hit and listed reads this. Made once per document; it never changes.

import { Grid, boxOf, emptyBox, grow, hullOf, middleOf, outlineOf, widened } from "./geometry.js";

export const ACCESSIBLE = 1;
export const COMPANION = 2;
export const RESTRICTED = 4;

const PITCHES_MEASURED = 400; // per section: enough for a median
const HULL_POINTS_PER_ROW = 6;
const NEARNESS_MEASURED = 5; // seats of a row

/** @typedef {import("./geometry.js").Box} Box */
/**
 * @typedef {object} Section
 * @property {number} index
 * @property {string | null} name None of seats that are in no section
 * @property {number[]} rows Indexes of its rows, as the map has them
 * @property {number} size How many seats
 * @property {number} pitch Usual distance of two neighbours
 * @property {number[]} outline
 * @property {Box} box
 * @property {number} x @property {number} y Where its name stands
 * @property {number} category That most of its seats have
 * @property {number} floor
 */
/** @typedef {{index: number, name: string | null, section: number, seats: number[],
 *   pitch: number}} Row Its pitch is how far its seats are from any other, at most its section's */
/**
 * @typedef {object} Place An area
 * @property {number} index @property {string} label @property {number} capacity
 * @property {number} category @property {string | null} section @property {number[]} outline
 * @property {Box} box @property {number} x @property {number} y @property {number} floor
 */
/**
 * @typedef {object} Shape
 * @property {string} role @property {string | null} label @property {number[]} outline
 * @property {Box} box @property {string | null} fill @property {number} x @property {number} y
 */

/** @type {WeakMap<object, Model>} */
const known = new WeakMap();

/** The model of a map document, made once. @param {any} map @returns {Model} */
export function modelOf(map) {
  let model = known.get(map);
  if (model === undefined) known.set(map, (model = new Model(map)));
  return model;
}

export class Model {
  /** @param {any} map */
  constructor(map) {
    const count = map.seats.length;
    this.map = map;
    this.seats = map.seats;
    this.count = count;
    this.xs = new Float64Array(count);
    this.ys = new Float64Array(count);
    this.category = new Uint16Array(count);
    this.row = new Uint32Array(count);
    this.flags = new Uint8Array(count);
    this.categories = map.categories;
    this.categoryIndex = new Map(map.categories.map((/** @type {any} */ c, i) => [c.key, i]));
    /** @type {Section[]} */
    this.sections = [];
    /** @type {Row[]} */
    this.rows = [];
    this.drawing = map.drawing ?? {};
    this.#readFloors();
    this.#readSeats();
    this.#readShapes();
    this.#measure();
    this.grid = new Grid(this.xs, this.ys, 4 * this.pitch);
    for (const row of this.rows) row.pitch = this.#nearness(row);
    this.#placeAreas();
    this.#bound();
    /** @type {Map<string, number> | null} */
    this.indexes = null;
  }

  #readSeats() {
    /** @type {Map<string, number>} */
    const sections = new Map();
    /** @type {Map<string, Map<string | null, number>>} */
    const rows = new Map();
    const floors = this.floors.length > 0;
    let [section, row, lastSection, lastRow, lastFloor] = [-1, -1, /** @type {any} */ (0), null, -1];
    for (let i = 0; i < this.count; i++) {
      const seat = this.seats[i];
      const floor = floors ? this.floorAt(seat.x) : 0;
      if (seat.section !== lastSection || seat.row !== lastRow || floor !== lastFloor) {
        // Seats come row by row, so that most are of the row of the one before.
        [lastSection, lastRow, lastFloor] = [seat.section, seat.row, floor];
        const key = `${floor} ${lastSection ?? ""}`; // on each floor there may be seats of none
        section = sections.get(key) ?? this.#addSection(sections, rows, key, lastSection);
        const inSection = /** @type {Map<string | null, number>} */ (rows.get(key));
        const found = inSection.get(lastRow);
        row = found ?? this.#addRow(inSection, section, lastRow);
      }
      this.xs[i] = seat.x;
      this.ys[i] = seat.y;
      this.category[i] = this.categoryIndex.get(seat.category) ?? 0;
      this.row[i] = row;
      this.flags[i] =
        (seat.accessible ? ACCESSIBLE : 0) |
        (seat.companion ? COMPANION : 0) |
        (seat.restricted ? RESTRICTED : 0);
      this.rows[row].seats.push(i);
      this.sections[section].size++;
    }
  }

  /** @param {Map<string, number>} sections @param {Map<string, any>} rows @param {string} key
   * @param {string | null} name */
  #addSection(sections, rows, key, name) {
    const index = this.sections.length;
    sections.set(key, index);
    rows.set(key, new Map());
    const box = emptyBox();
    this.sections.push({
      index, name, rows: [], size: 0, pitch: 0, outline: [], box, x: 0, y: 0, category: 0, floor: 0,
    });
    return index;
  }

  /** @param {Map<string | null, number>} rows @param {number} section @param {any} name */
  #addRow(rows, section, name) {
    const index = this.rows.length;
    rows.set(name, index);
    this.rows.push({ index, name, section, seats: [], pitch: 0 });
    this.sections[section].rows.push(index);
    return index;
  }

  #readFloors() {
    /** @type {{name: string, box: Box}[]} */
    this.floors = (this.drawing.floors ?? []).map((/** @type {any} */ floor) => ({
      name: floor.name,
      box: { x0: floor.x, y0: floor.y, x1: floor.x + floor.width, y1: floor.y + floor.height },
    }));
    if (this.floors.length < 2) this.floors = [];
    /** @type {{label: string, box: Box}[]} Filled where sections are measured. */
    this.zones = [];
  }

  /** The floor that a place is on; 0 where there is one only. @param {number} x */
  floorAt(x) {
    const { floors } = this;
    let best = 0;
    for (let i = 1; i < floors.length; i++) if (x >= floors[i].box.x0) best = i;
    return best;
  }

  #readShapes() {
    /** @type {Shape[]} */
    this.shapes = [];
    /** @type {Map<string, number[]>} */
    this.areaOutlines = new Map();
    /** @type {Map<string, number[]>} */
    this.sectionOutlines = new Map();
    for (const shape of this.drawing.shapes ?? []) {
      const { kind, role, label = null, fill = null } = shape;
      const outline =
        shape.points ??
        outlineOf(kind, shape.x, shape.y, shape.width, shape.height, shape.rotation ?? 0);
      if (outline.length < 6) continue;
      if (role === "area") this.areaOutlines.set(label, outline);
      else if (role === "section") this.sectionOutlines.set(label, outline);
      else {
        const box = boxOf(outline);
        const [x, y] = [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2];
        this.shapes.push({ role, label, outline, box, fill, x, y });
      }
    }
    this.texts = this.drawing.texts ?? [];
    this.tables = new Set(this.shapes.filter((s) => s.role === "table").map((s) => s.label));
    this.stage = this.shapes.some((shape) => shape.role === "stage");
  }

  #measure() {
    const pitches = [];
    for (const section of this.sections) {
      section.pitch = this.#pitchOf(section);
      if (section.pitch > 0) pitches.push(section.pitch);
    }
    pitches.sort((a, b) => a - b);
    this.pitch = pitches[pitches.length >> 1] ?? this.#loosePitch();
    for (const section of this.sections) {
      if (section.pitch === 0) section.pitch = this.pitch;
      this.#outline(section);
    }
    for (const zone of this.drawing.zones ?? []) {
      const box = emptyBox();
      for (const section of this.sections) {
        if (!zone.sections.includes(section.name)) continue;
        grow(box, section.box.x0, section.box.y0);
        grow(box, section.box.x1, section.box.y1);
      }
      if (box.x0 < box.x1) this.zones.push({ label: zone.label, box });
    }
  }

  /** @param {Section} section */
  #pitchOf(section) {
    const steps = [];
    for (const row of section.rows) {
      const { seats } = this.rows[row];
      for (let k = 1; k < seats.length && steps.length < PITCHES_MEASURED; k++) {
        const [a, b] = [seats[k - 1], seats[k]];
        const step = Math.hypot(this.xs[a] - this.xs[b], this.ys[a] - this.ys[b]);
        if (step > 0) steps.push(step);
      }
    }
    steps.sort((a, b) => a - b);
    return steps[steps.length >> 1] ?? 0;
  }

  /** How near seats of a row have others: two at a small table, rows behind one another.
   * @param {Row} row */
  #nearness(row) {
    let least = this.sections[row.section].pitch;
    const step = Math.max(1, row.seats.length / NEARNESS_MEASURED);
    for (let at = 0; at < row.seats.length; at += step) {
      const i = row.seats[Math.floor(at)];
      const [x, y] = [this.xs[i], this.ys[i]];
      const other = this.grid.nearest(x, y, least * 0.999, (k) => this.xs[k] !== x || this.ys[k] !== y);
      if (other >= 0) least = Math.hypot(this.xs[other] - x, this.ys[other] - y);
    }
    return least;
  }

  /** The distance of seats where no two are in a row. */
  #loosePitch() {
    let least = Infinity;
    for (let i = 1; i < Math.min(this.count, 200); i++) {
      const step = Math.hypot(this.xs[i] - this.xs[i - 1], this.ys[i] - this.ys[i - 1]);
      if (step > 0) least = Math.min(least, step);
    }
    return least === Infinity ? 20 : least;
  }

  /** @param {Section} section */
  #outline(section) {
    /** @type {[number, number][]} */
    const points = [];
    const votes = new Uint32Array(this.categories.length);
    for (const row of section.rows) {
      const { seats } = this.rows[row];
      const step = Math.max(1, (seats.length - 1) / HULL_POINTS_PER_ROW);
      for (let at = 0; at < seats.length - 1; at += step) {
        const i = seats[Math.floor(at)];
        points.push([this.xs[i], this.ys[i]]);
      }
      const last = seats[seats.length - 1];
      points.push([this.xs[last], this.ys[last]]);
      for (const i of seats) votes[this.category[i]]++;
    }
    const drawn = section.name === null ? undefined : this.sectionOutlines.get(section.name);
    section.outline = drawn ?? hullOf(points, section.pitch * 0.75);
    section.box = boxOf(section.outline);
    section.category = votes.indexOf(Math.max(...votes));
    [section.x, section.y] = middleOf(section.outline);
    section.floor = this.floorAt(points[0][0]);
  }

  /** Areas are where the chart drew them; others get a room by what they hold. */
  #placeAreas() {
    const seats = emptyBox();
    for (const { box } of this.sections) {
      grow(seats, box.x0, box.y0);
      grow(seats, box.x1, box.y1);
    }
    if (this.count === 0) grow(seats, 0, 0);
    /** @type {Place[]} */
    this.areas = [];
    let shelved = 0;
    for (const [index, area] of this.map.areas.entries()) {
      const category = this.categoryIndex.get(area.category) ?? 0;
      let outline = this.areaOutlines.get(area.label);
      let [x, y] = [area.x, area.y];
      if (outline === undefined) {
        const [width, height] = this.#roomFor(area.capacity, x, y);
        if (x === null || y === null) {
          // Those without a place stand in a line below all that has one.
          x = seats.x0 + width / 2 + (shelved % 3) * 24 * this.pitch;
          y = seats.y1 + (3 + Math.floor(shelved / 3) * 13) * this.pitch + height / 2;
          shelved++;
        }
        outline = outlineOf("rectangle", x, y, width, height, 0);
      }
      const box = boxOf(outline);
      this.areas.push({
        index, label: area.label, capacity: area.capacity, category, section: area.section,
        outline, box, x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2,
        floor: this.floorAt((box.x0 + box.x1) / 2),
      });
    }
  }

  /**
   * Width and height for an area that was not drawn: no seat stands in it.
   * @param {number} capacity @param {number | null} x @param {number | null} y
   */
  #roomFor(capacity, x, y) {
    const { pitch } = this;
    let width = x === null || y === null ? 22 * pitch : pitch * Math.sqrt(2 * capacity);
    width = Math.max(8 * pitch, Math.min(width, 60 * pitch));
    let free = false;
    while (!free && x !== null && y !== null && width > 4 * pitch) {
      const box = { x0: x - width / 2, y0: y - width / 4, x1: x + width / 2, y1: y + width / 4 };
      free = true;
      this.grid.each(widened(box, 1.6 * pitch), () => (free = false));
      for (const other of this.areas) {
        if (box.x0 < other.box.x1 && other.box.x0 < box.x1 &&
            box.y0 < other.box.y1 && other.box.y0 < box.y1) free = false;
      }
      if (!free) width *= 0.75;
    }
    return [width, width / 2];
  }

  #bound() {
    const box = emptyBox();
    for (let floor = 0; floor < Math.max(1, this.floors.length); floor++) {
      const { x0, y0, x1, y1 } = this.boxOf(floor);
      grow(box, x0, y0);
      grow(box, x1, y1);
    }
    this.box = box;
  }

  /** All that is on a floor. @param {number} floor @returns {Box} */
  boxOf(floor) {
    const box = emptyBox();
    const parts = [...this.sections, ...this.areas].filter((part) => part.floor === floor);
    const points = [...this.texts];
    if (this.map.focal_point) points.push(this.map.focal_point);
    for (const part of [...parts, ...this.shapes.filter((one) => this.floorAt(one.x) === floor)]) {
      grow(box, part.box.x0, part.box.y0);
      grow(box, part.box.x1, part.box.y1);
    }
    for (const { x, y } of points) if (this.floorAt(x) === floor) grow(box, x, y);
    return box.x0 > box.x1 ? this.floors[floor].box : widened(box, this.pitch);
  }

  /** The index of a seat's label, or undefined. @param {string} label */
  indexOf(label) {
    if (this.indexes === null) {
      this.indexes = new Map();
      for (let i = 0; i < this.count; i++) this.indexes.set(this.seats[i].label, i);
    }
    return this.indexes.get(label);
  }

  /** Whether seats stand around a table that the chart has drawn. @param {Row} row */
  isTable(row) {
    return row.name !== null && this.tables.has(row.name);
  }

  /** @param {number} index @returns {Section} The section of a seat. */
  sectionOf(index) {
    return this.sections[this.rows[this.row[index]].section];
  }
}
