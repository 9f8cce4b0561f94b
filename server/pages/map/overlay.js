// @ts-check
// What is drawn above all: one's own seats, those that are asked for, those that are
// suggested, and where the pointer or the keyboard is.

import { radiusOf } from "./seats.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./target.js").Target} Target */
/** @typedef {CanvasRenderingContext2D} Context */

const SMALLEST = 5; // px of radius: one's own seats are found on the whole map, too
const TURN = 2 * Math.PI;

export class Overlay {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {import("./colors.js").Theme | null} */
    this.theme = null;
    this.floor = 0;
    /** @type {Set<number>} */
    this.mine = new Set();
    /** @type {Map<number, number>} */
    this.areas = new Map();
    /** @type {Set<number>} */
    this.pending = new Set();
    /** @type {number[][]} */
    this.alternatives = [];
    /** @type {Target | null} */
    this.hover = null;
    /** @type {Target | null} */
    this.cursor = null;
  }

  /** @param {Context} context @param {View} view */
  draw(context, view) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    for (const group of this.alternatives) this.#drawGroup(context, view, group, theme);
    for (const i of this.pending) {
      if (!this.mine.has(i)) this.#drawPending(context, view, i, theme);
    }
    for (const i of this.mine) this.#drawMine(context, view, i, theme);
    for (const [area, count] of this.areas) this.#drawCount(context, view, area, count, theme);
    if (this.hover !== null) this.#drawRing(context, view, this.hover, theme.ink, 1.5);
    if (this.cursor !== null) {
      this.#drawRing(context, view, this.cursor, theme.paper, 6);
      this.#drawRing(context, view, this.cursor, theme.mine, 3);
    }
  }

  /** @param {View} view @param {number} index */
  #seat(view, index) {
    const section = this.model.sectionOf(index);
    return {
      x: view.screenX(this.model.xs[index]),
      y: view.screenY(this.model.ys[index]),
      radius: Math.max(SMALLEST, radiusOf(this.model, index, view.scale) * 1.08),
      away: section.floor !== this.floor,
    };
  }

  /** @param {Context} context @param {View} view @param {number} index
   * @param {import("./colors.js").Theme} theme */
  #drawMine(context, view, index, theme) {
    const { x, y, radius, away } = this.#seat(view, index);
    if (away) return;
    context.beginPath();
    context.arc(x, y, radius + 1.5, 0, TURN);
    context.fillStyle = theme.paper;
    context.fill();
    context.beginPath();
    context.arc(x, y, radius, 0, TURN);
    context.fillStyle = theme.mine;
    context.fill();
    context.beginPath();
    context.moveTo(x - radius * 0.45, y + radius * 0.02);
    context.lineTo(x - radius * 0.1, y + radius * 0.38);
    context.lineTo(x + radius * 0.5, y - radius * 0.36);
    context.strokeStyle = theme.onMine;
    context.lineWidth = Math.max(1.5, radius * 0.22);
    context.lineCap = "round";
    context.stroke();
  }

  /** @param {Context} context @param {View} view @param {number} index
   * @param {import("./colors.js").Theme} theme */
  #drawPending(context, view, index, theme) {
    const { x, y, radius, away } = this.#seat(view, index);
    if (away) return;
    context.beginPath();
    context.arc(x, y, radius + 1, 0, TURN);
    context.fillStyle = theme.paper;
    context.fill();
    context.setLineDash([3, 3]);
    context.strokeStyle = theme.mine;
    context.lineWidth = 2.5;
    context.stroke();
    context.setLineDash([]);
  }

  /** Suggested seats: ringed, and joined so that one sees which go together.
   * @param {Context} context @param {View} view @param {number[]} group
   * @param {import("./colors.js").Theme} theme */
  #drawGroup(context, view, group, theme) {
    const seats = group.map((i) => this.#seat(view, i)).filter(({ away }) => !away);
    context.lineWidth = 3;
    for (const [color, more, width] of [[theme.paper, 2.5, 6], [theme.mine, 2.5, 3]]) {
      context.strokeStyle = /** @type {string} */ (color);
      context.lineWidth = /** @type {number} */ (width);
      context.beginPath();
      seats.forEach(({ x, y, radius }, at) => {
        const r = radius + /** @type {number} */ (more);
        context.moveTo(x + r, y);
        context.arc(x, y, r, 0, TURN);
        const next = seats[at + 1];
        if (next === undefined) return;
        const far = Math.hypot(next.x - x, next.y - y);
        if (far < 2 * r || far > 6 * r) return;
        const [ux, uy] = [(next.x - x) / far, (next.y - y) / far];
        context.moveTo(x + ux * r, y + uy * r);
        context.lineTo(next.x - ux * r, next.y - uy * r);
      });
      context.stroke();
    }
  }

  /** How many places of an area one has. @param {Context} context @param {View} view
   * @param {number} area @param {number} count @param {import("./colors.js").Theme} theme */
  #drawCount(context, view, area, count, theme) {
    const place = this.model.areas[area];
    if (place === undefined || place.floor !== this.floor || count === 0) return;
    // At the corner, where no name stands.
    const x = view.screenX(place.x);
    const y = Math.min(view.screenY(place.y) + 38, view.screenY(place.box.y1) - 2);
    const text = `✓ ${count}`;
    context.font = `600 12px ${theme.font}`;
    const width = context.measureText(text).width + 16;
    context.fillStyle = theme.mine;
    context.beginPath();
    context.roundRect(x - width / 2, y - 10, width, 20, 10);
    context.fill();
    context.fillStyle = theme.onMine;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, y + 0.5);
  }

  /** @param {Context} context @param {View} view @param {Target} target @param {string} color
   * @param {number} width */
  #drawRing(context, view, target, color, width) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    if (target.kind === "seat") {
      const { x, y, radius } = this.#seat(view, target.index);
      context.arc(x, y, radius + 3, 0, TURN);
    } else {
      const parts = target.kind === "area" ? this.model.areas : this.model.sections;
      const { outline } = parts[target.index];
      context.moveTo(view.screenX(outline[0]), view.screenY(outline[1]));
      for (let i = 2; i < outline.length; i += 2) {
        context.lineTo(view.screenX(outline[i]), view.screenY(outline[i + 1]));
      }
      context.closePath();
    }
    context.stroke();
  }
}
