// @ts-check
// What is at a place of the map, and what lies in a direction from it: for fingers and keys.

import { isInside, widened } from "./geometry.js";
import { isBlock } from "./seats.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./view.js").View} View */
/** @typedef {{kind: "seat" | "section" | "area", index: number}} Target */

const REACH = 0.62; // of the distance between seats: beyond it one means no seat
const ACROSS = 2.4; // how much worse it is to lie beside a direction than farther along it

/** @param {Target | null} a @param {Target | null} b */
export function isSame(a, b) {
  return a === b || (a !== null && b !== null && a.kind === b.kind && a.index === b.index);
}

/**
 * What is at a place of the screen, or null.
 * @param {Model} model @param {View} view @param {number} floor @param {number} px
 * @param {number} py @param {number} [slack] px that a finger may miss by
 * @returns {Target | null}
 */
export function targetAt(model, view, floor, px, py, slack = 0) {
  const [x, y] = [view.mapX(px), view.mapY(py)];
  const isSeat = (/** @type {number} */ i) => {
    const section = model.sectionOf(i);
    return section.floor === floor && !isBlock(section, view.scale);
  };
  const seat = model.grid.nearest(x, y, Math.max(REACH * model.pitch, slack / view.scale), isSeat);
  if (seat >= 0) return { kind: "seat", index: seat };
  for (const area of model.areas) {
    if (area.floor === floor && isInside(area.outline, x, y)) {
      return { kind: "area", index: area.index };
    }
  }
  const blocks = model.sections.filter(
    (section) => section.floor === floor && isBlock(section, view.scale));
  // One that is small on the screen is meant by a finger beside it, too.
  const by = slack / view.scale;
  const found = blocks.find(({ outline }) => isInside(outline, x, y)) ??
    blocks.find(({ box }) => by > 0 && isInBox(widened(box, by), x, y));
  return found === undefined ? null : { kind: "section", index: found.index };
}

/** @param {import("./geometry.js").Box} box @param {number} x @param {number} y */
function isInBox(box, x, y) {
  return x >= box.x0 && x <= box.x1 && y >= box.y0 && y <= box.y1;
}

/** Where a target is. @param {Model} model @param {Target} target */
export function placeOf(model, { kind, index }) {
  if (kind === "seat") return { x: model.xs[index], y: model.ys[index] };
  return kind === "area" ? model.areas[index] : model.sections[index];
}

/**
 * The next target in a direction, or null where there is none.
 * @param {Model} model @param {View} view @param {number} floor
 * @param {{x: number, y: number}} from @param {number} dx @param {number} dy
 * @param {Target | null} but The one that it starts at
 * @returns {Target | null}
 */
export function targetTowards(model, view, floor, from, dx, dy, but) {
  /** @type {Target | null} */
  let best = null;
  let least = Infinity;
  const judge = (/** @type {Target["kind"]} */ kind, /** @type {number} */ index,
    /** @type {number} */ x, /** @type {number} */ y) => {
    const along = (x - from.x) * dx + (y - from.y) * dy;
    const across = Math.abs((x - from.x) * dy - (y - from.y) * dx);
    const cost = along + ACROSS * across;
    if (along <= 1e-6 || across > 1.4 * along || cost >= least) return;
    if (but !== null && but.kind === kind && but.index === index) return;
    [best, least] = [{ kind, index }, cost];
  };
  for (const area of model.areas) {
    if (area.floor === floor) judge("area", area.index, area.x, area.y);
  }
  for (const section of model.sections) {
    if (section.floor === floor && isBlock(section, view.scale)) {
      judge("section", section.index, section.x, section.y);
    }
  }
  // Near ones first; farther ones, such as those behind an aisle, only where there is none.
  const all = Math.max(model.box.x1 - model.box.x0, model.box.y1 - model.box.y0);
  let found = false;
  for (let reach = 4 * model.pitch; !found && reach < 4 * all; reach *= 4) {
    const [x, y] = [from.x + dx * reach, from.y + dy * reach];
    const box = {
      x0: Math.min(from.x, x) - Math.abs(dy) * reach, x1: Math.max(from.x, x) + Math.abs(dy) * reach,
      y0: Math.min(from.y, y) - Math.abs(dx) * reach, y1: Math.max(from.y, y) + Math.abs(dx) * reach,
    };
    model.grid.each(box, (i) => {
      const section = model.sectionOf(i);
      if (section.floor !== floor || isBlock(section, view.scale)) return;
      const before = least;
      judge("seat", i, model.xs[i], model.ys[i]);
      found ||= least < before;
    });
  }
  return best;
}
