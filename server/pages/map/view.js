// @ts-check
// Which part of the map is on the screen: a scale and the map's place at the screen's
// corner. Lengths of the screen are CSS pixels.

/** @typedef {import("./geometry.js").Box} Box */

const FIT_PITCH_MAX = 34; // px between seats: four of them shall not fill the screen
const CLOSEST_PITCH = 64;
const PADDING = 18; // px around all that is to be seen

export class View {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.pitch = 20;
    /** px above and below that something lies over. */
    this.above = 0;
    this.below = 0;
    /** @type {Box} */
    this.bounds = { x0: 0, y0: 0, x1: 1, y1: 1 };
  }

  /** What there is to see, and how far apart seats are. @param {Box} box @param {number} pitch */
  limit(box, pitch) {
    this.bounds = box;
    this.pitch = pitch;
  }

  /** @param {number} width @param {number} height Of the screen; the middle stays. */
  resize(width, height) {
    this.x += (this.width - width) / 2 / this.scale;
    this.y += (this.height - height) / 2 / this.scale;
    this.width = width;
    this.height = height;
  }

  /** @param {Box} box @returns {{scale: number, x: number, y: number}} That shows the box. */
  showing(box) {
    const width = Math.max(box.x1 - box.x0, 1e-6);
    const height = Math.max(box.y1 - box.y0, 1e-6);
    const room = Math.min(
      Math.max(this.width - 2 * PADDING, 40) / width,
      Math.max(this.height - this.above - this.below - 2 * PADDING, 40) / height,
    );
    const scale = Math.min(room, FIT_PITCH_MAX / this.pitch);
    const lower = (this.below - this.above) / 2 / scale;
    return this.centred((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2 + lower, scale);
  }

  /** @param {number} x @param {number} y Of the map @param {number} scale */
  centred(x, y, scale) {
    return { scale, x: x - this.width / 2 / scale, y: y - this.height / 2 / scale };
  }

  get scaleMin() {
    return this.showing(this.bounds).scale * 0.85;
  }

  get scaleMax() {
    return Math.max(CLOSEST_PITCH / this.pitch, this.scaleMin);
  }

  /** @param {{scale: number, x: number, y: number}} to */
  set(to) {
    this.scale = Math.min(this.scaleMax, Math.max(this.scaleMin, to.scale));
    this.x = to.x;
    this.y = to.y;
    this.#clamp();
  }

  /** Keep some of the map on the screen. */
  #clamp() {
    const { bounds, scale } = this;
    const [width, height] = [this.width / scale, this.height / scale];
    const keep = (/** @type {number} */ at, /** @type {number} */ size,
      /** @type {number} */ low, /** @type {number} */ high) => {
      if (high - low <= size * 0.5) {
        // Small things stay whole on the screen.
        return Math.min(low, Math.max(high - size, at));
      }
      return Math.min(high - size * 0.35, Math.max(low - size * 0.65, at));
    };
    this.x = keep(this.x, width, bounds.x0, bounds.x1);
    this.y = keep(this.y, height, bounds.y0, bounds.y1);
  }

  /** @param {number} dx @param {number} dy In px, as a finger moved. */
  pan(dx, dy) {
    this.set({ scale: this.scale, x: this.x - dx / this.scale, y: this.y - dy / this.scale });
  }

  /** Zoom so that what is at a place of the screen stays there.
   * @param {number} factor @param {number} px @param {number} py */
  zoom(factor, px, py) {
    const [x, y] = [this.mapX(px), this.mapY(py)];
    const scale = Math.min(this.scaleMax, Math.max(this.scaleMin, this.scale * factor));
    this.set({ scale, x: x - px / scale, y: y - py / scale });
  }

  /** @param {number} px */
  mapX(px) {
    return this.x + px / this.scale;
  }

  /** @param {number} py */
  mapY(py) {
    return this.y + py / this.scale;
  }

  /** @param {number} x */
  screenX(x) {
    return (x - this.x) * this.scale;
  }

  /** @param {number} y */
  screenY(y) {
    return (y - this.y) * this.scale;
  }

  /** A box of the screen as a box of the map. @param {Box} box @returns {Box} */
  mapBox(box) {
    return {
      x0: this.mapX(box.x0), y0: this.mapY(box.y0), x1: this.mapX(box.x1), y1: this.mapY(box.y1),
    };
  }

  /** @returns {Box} What of the map is on the screen. */
  get seen() {
    return this.mapBox({ x0: 0, y0: 0, x1: this.width, y1: this.height });
  }

  /** @returns {{scale: number, x: number, y: number}} */
  get place() {
    return { scale: this.scale, x: this.x, y: this.y };
  }
}
