// @ts-check
// How seats look, painted on tiles. Not by colour alone: free ones are full discs (squares
// for wheelchairs), held ones small and dim with a bar, taken ones hollow and crossed.

import { Grid, widened } from "./geometry.js";
import { ACCESSIBLE, RESTRICTED } from "./model.js";
import { BOOKED, FREE, HELD } from "./tally.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./model.js").Section} Section */
/** @typedef {OffscreenCanvasRenderingContext2D} Context */

const BLOCK_PITCH = 4; // px between seats; below, a section is shown as a whole
const DISC_FROM = 4.5; // px across; smaller ones are squares, which cost less
const MARKS_FROM = 9;
const NUMBERS_FROM = 17;
const ROW_NAMES_FROM = 12; // px between seats
const SHARE = 0.78; // of the distance between two seats
const TURN = 2 * Math.PI;

const [WHOLE, FAINT, DIM, TAKEN, CLOSED] = [0, 1, 2, 3, 4];

/** Radius of a seat on the screen. @param {import("./model.js").Model} model
 * @param {number} index @param {number} scale */
export function radiusOf(model, index, scale) {
  return Math.max(0.8, (model.rows[model.row[index]].pitch * scale * SHARE) / 2);
}

/** Whether a section is shown as a whole. @param {Section} section @param {number} scale */
export function isBlock(section, scale) {
  return section.name !== null && section.pitch * scale < BLOCK_PITCH;
}

export class SeatPainter {
  /**
   * @param {import("./model.js").Model} model @param {import("./tally.js").Tally} tally
   */
  constructor(model, tally) {
    this.model = model;
    this.tally = tally;
    /** @type {import("./colors.js").Theme | null} */
    this.theme = null;
    /** @type {Uint8Array | null} Which categories are chosen from; null for all. */
    this.chosen = null;
    this.reach = model.sections.reduce((most, one) => Math.max(most, one.pitch), model.pitch);
    this.#nameRows();
  }

  /** Where the names of rows stand: at both ends, or in the middle of a round table. */
  #nameRows() {
    const { model } = this;
    const [xs, ys, names] = [[], [], /** @type {string[]} */ ([])];
    for (const row of model.rows) {
      const { name, seats, section } = row;
      if (name === null || seats.length < 2 || model.isTable(row)) continue;
      const { pitch } = model.sections[section];
      const [first, last] = [seats[0], seats[seats.length - 1]];
      const [dx, dy] = [model.xs[last] - model.xs[first], model.ys[last] - model.ys[first]];
      const length = Math.hypot(dx, dy);
      if (seats.length > 2 && length < 1.6 * pitch) {
        let [x, y] = [0, 0];
        for (const i of seats) [x, y] = [x + model.xs[i], y + model.ys[i]];
        xs.push(x / seats.length);
        ys.push(y / seats.length);
        names.push(name);
        continue;
      }
      for (const [end, inner] of [[first, seats[1]], [last, seats[seats.length - 2]]]) {
        const [ux, uy] = [model.xs[end] - model.xs[inner], model.ys[end] - model.ys[inner]];
        const step = (0.95 * pitch) / (Math.hypot(ux, uy) || 1);
        xs.push(model.xs[end] + ux * step);
        ys.push(model.ys[end] + uy * step);
        names.push(name);
      }
    }
    this.rowNames = names;
    this.rowGrid = new Grid(xs, ys, 8 * model.pitch);
  }

  /** @param {Context} context @param {Box} box @param {number} scale */
  paint(context, box, scale) {
    /** @type {number[]} */
    const seats = [];
    this.model.grid.each(widened(box, this.reach / 2), (i) => seats.push(i));
    const filled = this.#paintSeats(context, box, scale, seats);
    return this.#paintRowNames(context, box, scale) || filled;
  }

  /** @param {Context} context @param {Box} box @param {number} scale @param {number[]} seats */
  repaint(context, box, scale, seats) {
    context.globalCompositeOperation = "destination-out";
    context.beginPath();
    const all = this.#withThoseBelow(seats, scale);
    for (const i of all) {
      if (isBlock(this.model.sectionOf(i), scale)) continue;
      const radius = radiusOf(this.model, i, scale) * (this.#isSquare(i) ? 1.2 : 1) + 0.8;
      const x = (this.model.xs[i] - box.x0) * scale;
      const y = (this.model.ys[i] - box.y0) * scale;
      if (radius < DISC_FROM / 2 + 0.8 || this.#isSquare(i)) {
        context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
      } else {
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, TURN);
      }
    }
    context.fill();
    context.globalCompositeOperation = "source-over";
    this.#paintSeats(context, box, scale, all);
  }

  /** Seats, and others that lie over them, as where a chart has two at one place.
   * @param {number[]} seats @param {number} scale */
  #withThoseBelow(seats, scale) {
    const { grid, xs, ys } = this.model;
    const all = new Set(seats);
    for (const i of seats) {
      const by = (2 * radiusOf(this.model, i, scale)) / scale;
      const box = { x0: xs[i] - by, y0: ys[i] - by, x1: xs[i] + by, y1: ys[i] + by };
      grid.each(box, (k) => {
        const reach = (radiusOf(this.model, i, scale) + radiusOf(this.model, k, scale)) / scale;
        if (Math.hypot(xs[k] - xs[i], ys[k] - ys[i]) < reach) all.add(k);
      });
    }
    return [...all].sort((a, b) => a - b);
  }

  /** @param {number} index */
  #isSquare(index) {
    return (this.model.flags[index] & ACCESSIBLE) !== 0;
  }

  /** @param {number} index */
  #kindOf(index) {
    const code = this.tally.seats[index];
    if (code === FREE) {
      return this.chosen === null || this.chosen[this.model.category[index]] ? WHOLE : FAINT;
    }
    if (code === HELD) return DIM;
    return code === BOOKED ? TAKEN : CLOSED;
  }

  /** Paint seats of one look together: changing the colour for each would be the slow part.
   * @param {Context} context @param {Box} box @param {number} scale @param {number[]} seats */
  #paintSeats(context, box, scale, seats) {
    const { model } = this;
    const categories = model.categories.length;
    /** @type {Map<number, number[]>} */
    const looks = new Map();
    for (const i of seats) {
      if (isBlock(model.sectionOf(i), scale)) continue;
      const kind = this.#kindOf(i);
      const look = kind >= TAKEN ? kind * categories : kind * categories + model.category[i];
      const found = looks.get(look);
      if (found !== undefined) found.push(i);
      else looks.set(look, [i]);
    }
    for (const [look, alike] of looks) {
      const kind = Math.floor(look / categories);
      this.#paintLook(context, box, scale, kind, look % categories, alike);
    }
    return looks.size > 0;
  }

  /** @param {Context} context @param {Box} box @param {number} scale @param {number} kind
   * @param {number} category @param {number[]} seats */
  #paintLook(context, box, scale, kind, category, seats) {
    const { model } = this;
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const size = [1, 1, 0.74, 0.66, 0.34][kind];
    const hollow = kind === TAKEN && model.pitch * scale * SHARE >= DISC_FROM;
    context.beginPath();
    for (const i of seats) {
      const radius = radiusOf(model, i, scale) * size;
      const x = (model.xs[i] - box.x0) * scale;
      const y = (model.ys[i] - box.y0) * scale;
      if (2 * radius < DISC_FROM * size) {
        context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
      } else if (this.#isSquare(i)) {
        context.roundRect(x - radius, y - radius, 2 * radius, 2 * radius, radius * 0.4);
      } else {
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, TURN);
      }
    }
    if (hollow) {
      context.strokeStyle = theme.gone;
      context.lineWidth = Math.max(1, model.pitch * scale * 0.05);
      context.stroke();
    } else {
      const colors = [theme.full, theme.faint, theme.dim];
      context.fillStyle = kind >= TAKEN ? theme.gone : colors[kind][category];
      context.fill();
    }
    this.#paintMarks(context, box, scale, kind, category, seats);
  }

  /** Bars, crosses, numbers and the like, where there is room for them.
   * @param {Context} context @param {Box} box @param {number} scale @param {number} kind
   * @param {number} category @param {number[]} seats */
  #paintMarks(context, box, scale, kind, category, seats) {
    const { model } = this;
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    context.beginPath();
    for (const i of seats) {
      const radius = radiusOf(model, i, scale);
      if (2 * radius < MARKS_FROM) continue;
      const x = (model.xs[i] - box.x0) * scale;
      const y = (model.ys[i] - box.y0) * scale;
      if (kind === DIM) {
        context.moveTo(x - radius * 0.36, y);
        context.lineTo(x + radius * 0.36, y);
      } else if (kind === TAKEN) {
        const arm = radius * 0.26;
        context.moveTo(x - arm, y - arm);
        context.lineTo(x + arm, y + arm);
        context.moveTo(x + arm, y - arm);
        context.lineTo(x - arm, y + arm);
      } else if (kind <= FAINT) this.#paintFacts(context, i, x, y, radius, category, kind);
    }
    context.strokeStyle = kind === DIM ? theme.paper : theme.gone;
    context.lineWidth = Math.max(1, model.pitch * scale * 0.07);
    if (kind === DIM || kind === TAKEN) context.stroke();
  }

  /** A free seat's number, or what is special about it. @param {Context} context
   * @param {number} index @param {number} x @param {number} y @param {number} radius
   * @param {number} category @param {number} kind */
  #paintFacts(context, index, x, y, radius, category, kind) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const flags = this.model.flags[index];
    context.fillStyle = kind === FAINT ? theme.quiet : theme.inks[category];
    if (flags & ACCESSIBLE) {
      paintWheelchair(context, x, y, radius * 0.62, context.fillStyle);
    } else if (2 * radius >= NUMBERS_FROM) {
      const number = this.model.seats[index].number;
      const size = Math.min(radius * (number.length > 2 ? 0.72 : 0.92), 15);
      context.font = `600 ${size.toFixed(1)}px ${theme.font}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(number, x, y + size * 0.06, radius * 1.7);
    }
    if (flags & RESTRICTED) {
      // A corner is missing, as a part of the view is.
      context.fillStyle = theme.paper;
      const corner = radius * 0.8;
      context.fillRect(x + radius - corner, y - radius - 0.5, corner + 0.5, corner * 0.7);
    }
  }

  /** @param {Context} context @param {Box} box @param {number} scale */
  #paintRowNames(context, box, scale) {
    if (this.model.pitch * scale < ROW_NAMES_FROM) return false;
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    let filled = false;
    context.font = `${Math.min(13, this.model.pitch * scale * 0.5).toFixed(1)}px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = theme.quiet;
    this.rowGrid.each(widened(box, 2 * this.model.pitch), (i) => {
      const x = (this.rowGrid.xs[i] - box.x0) * scale;
      const y = (this.rowGrid.ys[i] - box.y0) * scale;
      context.fillText(this.rowNames[i], x, y);
      filled = true;
    });
    return filled;
  }
}

/** @param {Context} context @param {number} x @param {number} y @param {number} r
 * @param {string | CanvasGradient | CanvasPattern} color */
function paintWheelchair(context, x, y, r, color) {
  context.save();
  context.beginPath();
  context.strokeStyle = color;
  context.lineWidth = Math.max(1, r * 0.24);
  context.lineCap = "round";
  context.arc(x - r * 0.1, y + r * 0.35, r * 0.55, Math.PI * 0.1, Math.PI * 1.35);
  context.moveTo(x - r * 0.15, y - r * 0.45);
  context.lineTo(x - r * 0.1, y + r * 0.2);
  context.lineTo(x + r * 0.45, y + r * 0.25);
  context.lineTo(x + r * 0.7, y + r * 0.8);
  context.stroke();
  context.beginPath();
  context.fillStyle = color;
  context.arc(x - r * 0.15, y - r * 0.8, r * 0.22, 0, TURN);
  context.fill();
  context.restore();
}
