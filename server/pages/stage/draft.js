// @ts-check
// A venue in the making: what it is made of, every step of it, kept by the browser.

import { newKey, ofBrowser } from "../client/index.js";
import { labelsFrom } from "./make.js";

/** @typedef {import("./make.js").Plan} Plan */
/** @typedef {import("./make.js").Block} Block */

const STEPS_MAX = 100;
const COLOURS = ["#3b6fd4", "#c2571a", "#1b8a5a", "#8a4fbf", "#b8305a", "#8a7a12", "#16808f", "#6b6f7a"];
const PLACED = { beside: false, right: 0, back: 0, turn: 0 };

/** @returns {string} for what needs an id in this draft only */
const newId = () => newKey().slice(0, 8);

/** @param {string} label @param {{key: string}[]} others */
export function newCategory(label, others) {
  let number = others.length + 1;
  while (others.some(({ key }) => key === String(number))) number++;
  return { key: String(number), label, color: COLOURS[(number - 1) % COLOURS.length] };
}

/**
 * @param {string} label of its one category @param {string} stage what stands on that
 * @returns {Plan} with nothing in it
 */
export const newPlan = (label, stage) => ({
  categories: [newCategory(label, [])], blocks: [], marks: {}, stage, focal: null, kept: null,
});

/**
 * A block with usual numbers, named unlike those that are there.
 * @param {"rows" | "tables" | "area"} kind @param {Plan} plan
 * @param {string} name of an area or a section, where there are others
 * @returns {Block}
 */
export function newBlock(kind, plan, name) {
  const id = newId();
  const category = plan.categories[0].key;
  const of = plan.blocks.filter((one) => one.kind === kind).length;
  const named = of === 0 ? name : `${name} ${of + 1}`;
  if (kind === "area") return { id, kind, label: named, category, capacity: 100, ...PLACED };
  if (kind === "rows") {
    return {
      id, kind, section: plan.blocks.length === 0 ? "" : named, category, first: "A", rows: 8,
      seats: 12, grows: 0, start: 1, from: "left", aisles: [], bend: 0, ...PLACED,
    };
  }
  const before = plan.blocks.reduce((sum, one) => sum + (one.kind === "tables" ? one.tables : 0), 0);
  const first = labelsFrom("T1", before + 1)[before];
  return { id, kind, section: "", category, first, tables: 6, seats: 8, abreast: 3, whole: false, ...PLACED };
}

/**
 * A map that is there as a plan: each of its sections is a block as it was drawn.
 * @param {any} map as the interface shows it @param {string} plain what seats of no section are
 * @returns {Plan}
 */
export function planOf(map, plain) {
  /** @type {Map<string, any>} */
  const blocks = new Map();
  const blockOf = (/** @type {string | null} */ section) => {
    const name = section ?? plain;
    const found = blocks.get(name);
    if (found) return found;
    const made = { id: newId(), kind: "drawn", name, seats: [], areas: [] };
    blocks.set(name, made);
    return made;
  };
  for (const { index: _, ...seat } of map.seats) blockOf(seat.section).seats.push(seat);
  for (const area of map.areas) blockOf(area.section ?? area.label).areas.push(area);
  const { drawing = {}, focal_point: focal, section_focal_points: focals } = map;
  return {
    categories: map.categories, blocks: [...blocks.values()], marks: {}, stage: "", focal: null,
    kept: { drawing, focal_point: focal, section_focal_points: focals },
  };
}

/** What `now` is, with every step that led to it. */
export class Steps {
  /** @param {any} now @param {(now: any) => void} keep */
  constructor(now, keep) {
    this.now = now;
    this.keep = keep;
    /** @type {any[]} */
    this.before = [];
    /** @type {any[]} */
    this.after = [];
  }

  /** @param {any} next */
  take(next) {
    this.before.push(this.now);
    if (this.before.length > STEPS_MAX) this.before.shift();
    this.after = [];
    this.#be(next);
  }

  undo() {
    if (this.before.length === 0) return;
    this.after.push(this.now);
    this.#be(this.before.pop());
  }

  redo() {
    if (this.after.length === 0) return;
    this.before.push(this.now);
    this.#be(this.after.pop());
  }

  /** @param {any} next */
  #be(next) {
    this.now = next;
    this.keep(next);
  }
}

/** @param {string} venue or "new" */
const placeOf = (venue) => `onsale.venue.${venue}`;

/** @param {string} venue @returns {any} the draft that this browser has of it, or null */
export const keptDraft = (venue) => ofBrowser.read(placeOf(venue));

/**
 * Keep a draft, or forget it with null.
 * @param {string} venue @param {any} draft
 * @returns {boolean} whether it is there after a reload, too
 */
export function keepDraft(venue, draft) {
  ofBrowser.write(placeOf(venue), draft);
  try {
    return draft === null || localStorage.getItem(placeOf(venue)) !== null;
  } catch {
    return false; // blocked
  }
}
