// @ts-check
// What is around the seats: sections, areas, the stage, the chart's own shapes and texts, and
// the names on them. Drawn anew in each frame, so it is always sharp; names are pictures that
// are kept, as writing them each time would be the slow part.

import { isInside, meet } from "./geometry.js";
import { Labels } from "./labels.js";
import { isBlock } from "./seats.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./view.js").View} View */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {import("./labels.js").Line} Line */

const TEXT_SMALLEST = 8; // px; below, a text of the chart is left out
const TEXT_LARGEST = 40;
const OUTSIDE_MAX = 12; // sections of a map, above which there is no room beside them

/** @param {ArrayLike<number>} outline */
function pathOf(outline) {
  const path = new Path2D();
  path.moveTo(outline[0], outline[1]);
  for (let i = 2; i < outline.length; i += 2) path.lineTo(outline[i], outline[i + 1]);
  path.closePath();
  return path;
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
    /** @type {Box[]} Where names stand beside their sections, on the screen. */
    this.outside = [];
    /** @type {Map<string, string>} */
    this.amounts = new Map();
    /** @type {Map<number, string>} */
    this.counts = new Map();
    this.sections = model.sections.map(({ outline }) => pathOf(outline));
    this.areas = model.areas.map(({ outline }) => pathOf(outline));
    this.shapes = model.shapes.map(({ outline }) => pathOf(outline));
  }

  /** @param {import("./colors.js").Theme} theme */
  dress(theme) {
    this.theme = theme;
    this.labels.clear(theme.font, Math.min(devicePixelRatio || 1, 2));
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

  /**
   * What stands before the seats.
   * @param {Context} context @param {View} view @param {Box} seen
   */
  drawNames(context, view, seen) {
    const few = this.model.sections.length <= OUTSIDE_MAX;
    this.outside.length = 0;
    for (const section of this.model.sections) {
      if (section.floor !== this.floor || !isBlock(section, view.scale)) continue;
      // Where names may stand beside their sections, all are placed, so that it makes no
      // difference which part of the screen is drawn.
      if (few || meet(section.box, seen)) this.#nameSection(view, section, few);
    }
    for (const area of this.model.areas) {
      if (area.floor === this.floor && meet(area.box, seen)) this.#nameArea(view, area);
    }
    this.#nameShapes(view, seen);
    this.#nameTexts(context, view, seen);
    this.#nameFocus(context, view);
    this.labels.draw(context);
  }

  /** @param {{amount: number, currency: string}} money */
  #money(money) {
    const key = `${money.amount}${money.currency}`;
    let text = this.amounts.get(key);
    if (text === undefined) this.amounts.set(key, (text = this.format(money)));
    return text;
  }

  /** How many are free, as one says it. @param {number} n */
  #free(n) {
    let text = this.counts.get(n);
    if (text === undefined) {
      text = n === 0 ? this.t("map.soldOut") : this.t("map.free", { n });
      this.counts.set(n, text);
    }
    return text;
  }

  /** @param {View} view @param {import("./model.js").Section} section
   * @param {boolean} few Whether there is room beside sections */
  #nameSection(view, section, few) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const free = this.freeIn(section.index);
    const color = free ? theme.ink : theme.quiet;
    const name = { text: section.name ?? "", size: 13, bold: true, color };
    const count = { text: this.#free(free), size: 11, color };
    const price = free ? this.tally.cheapest(section.index, this.prices) : undefined;
    const from = price
      ? [{ text: this.t("map.from", { price: this.#money(price) }), size: 11, color }] : [];
    const whose = `section ${section.index}`;
    const choices = [[name, count, ...from], [name, count], [{ ...name, size: 11 }]];
    if (this.#put(view, section, whose, choices) || !few) return;
    this.#putBeside(view, section, whose, [{ ...name, size: 12 }, count]);
  }

  /** Write beside a section that is too small to write on, where nothing else is.
   * @param {View} view @param {import("./model.js").Section} section @param {string} whose
   * @param {Line[]} lines */
  #putBeside(view, section, whose, lines) {
    const { width, height } = this.labels.measure(lines);
    const [left, right] = [view.screenX(section.box.x0), view.screenX(section.box.x1)];
    const [top, bottom] = [view.screenY(section.box.y0), view.screenY(section.box.y1)];
    const [mx, my] = [(left + right) / 2, (top + bottom) / 2];
    const [u, v] = [width / 2 + 4, height / 2 + 4];
    for (const [wx, wy] of [[mx, bottom + v], [mx, top - v], [right + u, my], [left - u, my]]) {
      const x = Math.min(view.width - u, Math.max(u, wx));
      const place = { x0: x - u, y0: wy - v + 1, x1: x + u, y1: wy + v - 1 };
      const onMap = view.mapBox(place);
      const taken = this.outside.some((other) => meet(other, place)) ||
        this.model.sections.some((one) => one.floor === this.floor && meet(one.box, onMap));
      if (taken) continue;
      this.outside.push(place);
      this.labels.put(whose, lines, x, wy);
      return;
    }
  }

  /** @param {View} view @param {import("./model.js").Place} area */
  #nameArea(view, area) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const free = this.tally.freeInArea[area.index];
    const name = { text: area.label, size: 13, bold: true, color: theme.ink };
    const count = { text: this.#free(free), size: 11, color: free ? theme.ink : theme.quiet };
    const price = this.prices[this.model.categories[area.category].key];
    const cost = price && free ? [{ text: this.#money(price), size: 11, color: theme.ink }] : [];
    this.#put(view, area, `area ${area.index}`,
      [[name, count, ...cost], [name, count], [{ ...name, size: 11 }]]);
  }

  /** Write the longest of some texts that fits on a part of the map.
   * @param {View} view
   * @param {{box: Box, outline: ArrayLike<number>, x: number, y: number}} part
   * @param {string} whose @param {Line[][]} choices */
  #put(view, { box, outline, x, y }, whose, choices) {
    const width = (box.x1 - box.x0) * view.scale;
    const height = (box.y1 - box.y0) * view.scale;
    if (width < 14 || height < 9) return false;
    for (const lines of choices) {
      const { width: w, height: h } = this.labels.measure(lines);
      if (w > width * 0.94 || h > height * 0.94) continue;
      const [u, v] = [w / 2 / view.scale, h / 2 / view.scale];
      const corners = [[x - u, y - v], [x + u, y - v], [x - u, y + v], [x + u, y + v]];
      if (!corners.every(([cx, cy]) => isInside(outline, cx, cy))) continue;
      this.labels.put(whose, lines, view.screenX(x), view.screenY(y));
      return true;
    }
    return false;
  }

  /** @param {View} view @param {Box} seen */
  #nameShapes(view, seen) {
    const { ink: color } = /** @type {import("./colors.js").Theme} */ (this.theme);
    this.model.shapes.forEach((shape, i) => {
      if (!shape.label || !meet(shape.box, seen)) return;
      const choices = [15, 12, 10].map((size) => [{ text: shape.label ?? "", size, color }]);
      this.#put(view, shape, `shape ${i}`, choices);
    });
  }

  /** The chart's own texts, which grow with it. @param {Context} context @param {View} view
   * @param {Box} seen */
  #nameTexts(context, view, seen) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = theme.quiet;
    for (const { text, x, y, size, rotation = 0 } of this.model.texts) {
      const px = Math.min(size * view.scale, TEXT_LARGEST);
      if (px < TEXT_SMALLEST || x < seen.x0 || x > seen.x1 || y < seen.y0 || y > seen.y1) continue;
      context.save();
      context.translate(view.screenX(x), view.screenY(y));
      context.rotate((rotation * Math.PI) / 180);
      context.font = `${px}px ${theme.font}`;
      context.fillText(text, 0, 0);
      context.restore();
    }
  }

  /** The stage, where the chart says only where one looks. @param {Context} context
   * @param {View} view */
  #nameFocus(context, view) {
    const theme = /** @type {import("./colors.js").Theme} */ (this.theme);
    const focal = this.model.map.focal_point;
    if (!focal || this.model.stage || this.floor > 0) return;
    const lines = [{ text: this.t("map.stage"), size: 12, bold: true, color: theme.ink }];
    const [x, y] = [view.screenX(focal.x), view.screenY(focal.y)];
    const width = this.labels.measure(lines).width + 24;
    context.fillStyle = theme.stage;
    context.beginPath();
    context.roundRect(x - width / 2, y - 13, width, 26, 13);
    context.fill();
    this.labels.put("focus", lines, x, y);
  }
}
