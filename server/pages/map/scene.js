// @ts-check
// What is around the seats: sections, areas, the stage, the chart's own shapes and texts, and
// the names on them. Drawn anew in each frame, so it is always sharp; names are pictures that
// are kept, as writing them each time would be the slow part.

import { isInside, meet } from "./geometry.js";
import { isBlock } from "./seats.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./view.js").View} View */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {{text: string, size: number, bold?: boolean, color: string}} Line */

const LABELS_MAX = 600;
const TEXT_SMALLEST = 8; // px; below, a text of the chart is left out

/** @param {ArrayLike<number>} outline */
function pathOf(outline) {
  const path = new Path2D();
  path.moveTo(outline[0], outline[1]);
  for (let i = 2; i < outline.length; i += 2) path.lineTo(outline[i], outline[i + 1]);
  path.closePath();
  return path;
}

/** Pictures of a few lines of text. */
class Labels {
  constructor() {
    /** @type {Map<string, OffscreenCanvas>} */
    this.known = new Map();
    this.density = 1;
    this.font = "sans-serif";
    this.measure = /** @type {OffscreenCanvasRenderingContext2D} */ (
      new OffscreenCanvas(1, 1).getContext("2d"));
  }

  /** @param {Line[]} lines @returns {OffscreenCanvas} */
  of(lines) {
    const key = lines.map((l) => `${l.text}\u0001${l.size}${l.bold ? "b" : ""}${l.color}`).join("\u0002");
    let canvas = this.known.get(key);
    if (canvas === undefined) {
      if (this.known.size >= LABELS_MAX) this.known.clear();
      this.known.set(key, (canvas = this.#write(lines)));
    }
    return canvas;
  }

  /** @param {Line[]} lines */
  #write(lines) {
    const fonts = lines.map((l) => `${l.bold ? "600 " : ""}${l.size}px ${this.font}`);
    let [width, height] = [0, 0];
    lines.forEach((line, i) => {
      this.measure.font = fonts[i];
      width = Math.max(width, this.measure.measureText(line.text).width);
      height += line.size * 1.25;
    });
    const canvas = new OffscreenCanvas(
      Math.ceil((width + 2) * this.density), Math.ceil(height * this.density));
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(this.density, this.density);
    context.textAlign = "center";
    context.textBaseline = "middle";
    let y = 0;
    lines.forEach((line, i) => {
      context.font = fonts[i];
      context.fillStyle = line.color;
      context.fillText(line.text, width / 2 + 1, y + line.size * 0.65);
      y += line.size * 1.25;
    });
    return canvas;
  }
}

export class Scene {
  /**
   * @param {import("./model.js").Model} model @param {import("./tally.js").Tally} tally
   * @param {{t: import("../words/index.js").Translate, format: (money: any) => string}} words
   */
  constructor(model, tally, { t, format }) {
    this.model = model;
    this.tally = tally;
    this.t = t;
    this.format = format;
    /** @type {Record<string, {amount: number, currency: string}>} */
    this.prices = {};
    /** @type {import("./colors.js").Theme | null} */
    this.theme = null;
    /** @type {Uint8Array | null} */
    this.chosen = null;
    this.floor = 0;
    this.labels = new Labels();
    this.sections = model.sections.map(({ outline }) => pathOf(outline));
    this.areas = model.areas.map(({ outline }) => pathOf(outline));
    this.shapes = model.shapes.map(({ outline }) => pathOf(outline));
  }

  /** @param {import("./colors.js").Theme} theme */
  dress(theme) {
    this.theme = theme;
    this.labels.known.clear();
    this.labels.density = Math.min(devicePixelRatio || 1, 2);
    this.labels.font = theme.font;
  }

  /** Free places of a section, of the categories that are chosen. @param {number} section */
  freeIn(section) {
    if (this.chosen === null) return this.tally.freeInSection[section];
    const count = this.model.categories.length;
    let free = 0;
    for (let c = 0; c < count; c++) {
      if (this.chosen[c]) free += this.tally.freeByBoth[section * count + c];
    }
    return free;
  }

  /** What stands behind the seats. @param {Context} context @param {View} view @param {Box} seen */
  drawBehind(context, view, seen) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    context.save();
    context.transform(view.scale, 0, 0, view.scale, -view.x * view.scale, -view.y * view.scale);
    context.lineWidth = 1 / view.scale;
    this.model.shapes.forEach((shape, i) => {
      if (!meet(shape.box, seen)) return;
      context.fillStyle = shape.role === "decor" ? theme.block : theme.stage;
      context.fill(this.shapes[i]);
    });
    context.strokeStyle = theme.line;
    for (const section of this.model.sections) {
      if (section.floor !== this.floor || !meet(section.box, seen)) continue;
      // Seats that no section holds together need no ground of their own.
      if (section.name === null) continue;
      context.fillStyle = this.#ground(section, view.scale);
      context.fill(this.sections[section.index]);
      context.stroke(this.sections[section.index]);
    }
    for (const area of this.model.areas) {
      if (area.floor !== this.floor || !meet(area.box, seen)) continue;
      const chosen = this.chosen === null || this.chosen[area.category];
      const free = this.tally.freeInArea[area.index] > 0;
      context.fillStyle = free && chosen ? theme.tint[area.category] : theme.block;
      context.fill(this.areas[area.index]);
      context.strokeStyle = free && chosen ? theme.full[area.category] : theme.line;
      context.stroke(this.areas[area.index]);
    }
    context.restore();
  }

  /** @param {import("./model.js").Section} section @param {number} scale */
  #ground(section, scale) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    if (!isBlock(section, scale)) return theme.block;
    return this.freeIn(section.index) === 0 ? theme.block : theme.tint[section.category];
  }

  /** What stands before the seats. @param {Context} context @param {View} view @param {Box} seen */
  drawNames(context, view, seen) {
    for (const section of this.model.sections) {
      if (section.floor !== this.floor || !meet(section.box, seen)) continue;
      if (isBlock(section, view.scale)) this.#nameSection(context, view, section);
    }
    for (const area of this.model.areas) {
      if (area.floor === this.floor && meet(area.box, seen)) this.#nameArea(context, view, area);
    }
    this.#nameShapes(context, view, seen);
  }

  /** @param {Context} context @param {View} view @param {import("./model.js").Section} section */
  #nameSection(context, view, section) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const free = this.freeIn(section.index);
    const name = { text: section.name ?? "", size: 13, bold: true, color: free ? theme.ink : theme.quiet };
    const text = free === 0 ? this.t("map.soldOut") : this.t("map.free", { n: free });
    const count = { text, size: 11, color: free ? theme.ink : theme.quiet };
    const price = this.tally.cheapest(section.index, this.prices);
    const from = price && free
      ? [{ text: this.t("map.from", { price: this.format(price) }), size: 11, color: theme.ink }] : [];
    const small = { ...name, size: 11 };
    this.#put(context, view, section, [[name, count, ...from], [name, count], [small]]);
  }

  /** @param {Context} context @param {View} view @param {import("./model.js").Place} area */
  #nameArea(context, view, area) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const free = this.tally.freeInArea[area.index];
    const name = { text: area.label, size: 13, bold: true, color: theme.ink };
    const text = free === 0 ? this.t("map.soldOut") : this.t("map.free", { n: free });
    const count = { text, size: 11, color: free ? theme.ink : theme.quiet };
    const price = this.prices[this.model.categories[area.category].key];
    const cost = price && free ? [{ text: this.format(price), size: 11, color: theme.ink }] : [];
    this.#put(context, view, area, [[name, count, ...cost], [name, count], [{ ...name, size: 11 }]]);
  }

  /** Write the longest of some texts that fits on a part of the map.
   * @param {Context} context @param {View} view
   * @param {{box: Box, outline: ArrayLike<number>, x: number, y: number}} part
   * @param {Line[][]} choices */
  #put(context, view, { box, outline, x, y }, choices) {
    const width = (box.x1 - box.x0) * view.scale;
    const height = (box.y1 - box.y0) * view.scale;
    if (width < 14 || height < 9) return;
    for (const lines of choices) {
      const canvas = this.labels.of(lines);
      const [w, h] = [canvas.width / this.labels.density, canvas.height / this.labels.density];
      if (w > width * 0.94 || h > height * 0.94) continue;
      const [u, v] = [w / 2 / view.scale, h / 2 / view.scale];
      const corners = [[x - u, y - v], [x + u, y - v], [x - u, y + v], [x + u, y + v]];
      if (!corners.every(([cx, cy]) => isInside(outline, cx, cy))) continue;
      this.#copy(context, canvas, view.screenX(x), view.screenY(y));
      return;
    }
  }

  /** @param {Context} context @param {OffscreenCanvas} canvas @param {number} x @param {number} y */
  #copy(context, canvas, x, y) {
    const { density } = this.labels;
    const [w, h] = [canvas.width / density, canvas.height / density];
    const snap = (/** @type {number} */ at) => Math.round(at * density) / density;
    context.drawImage(canvas, snap(x - w / 2), snap(y - h / 2), w, h);
  }

  /** @param {Context} context @param {View} view @param {Box} seen */
  #nameShapes(context, view, seen) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    for (const shape of this.model.shapes) {
      if (!shape.label || !meet(shape.box, seen)) continue;
      this.#put(context, view, shape, [
        [{ text: shape.label, size: 14, color: theme.ink }],
        [{ text: shape.label, size: 11, color: theme.ink }],
      ]);
    }
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = theme.quiet;
    for (const { text, x, y, size, rotation } of this.model.texts) {
      const px = Math.min(size * view.scale, 40);
      if (px < TEXT_SMALLEST || x < seen.x0 || x > seen.x1 || y < seen.y0 || y > seen.y1) continue;
      context.save();
      context.translate(view.screenX(x), view.screenY(y));
      context.rotate(((rotation ?? 0) * Math.PI) / 180);
      context.font = `${px}px ${theme.font}`;
      context.fillText(text, 0, 0);
      context.restore();
    }
    const focal = this.model.map.focal_point;
    if (!focal || this.model.stage || this.floor > 0) return;
    const line = { text: this.t("map.stage"), size: 12, bold: true, color: theme.ink };
    const canvas = this.labels.of([line]);
    const [x, y] = [view.screenX(focal.x), view.screenY(focal.y)];
    const width = canvas.width / this.labels.density + 24;
    context.fillStyle = theme.stage;
    context.beginPath();
    context.roundRect(x - width / 2, y - 13, width, 26, 13);
    context.fill();
    this.#copy(context, canvas, x, y);
  }
}
