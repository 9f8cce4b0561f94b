// @ts-check
// Seats as pictures: squares of the map that were painted once and are only copied while it
// moves. Tiles of one scale are a level; while the map is zoomed the former level is shown
// larger or smaller, and a new one is painted a little per frame until it is whole.

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./view.js").View} View */
/** @typedef {OffscreenCanvasRenderingContext2D} Context */
/**
 * @typedef {object} Painter
 * @property {(context: Context, box: Box, scale: number) => boolean} paint Paint what is in a
 *   box of the map on a canvas whose corner is the box's; false where there is nothing
 * @property {(context: Context, box: Box, scale: number, seats: number[]) => void} repaint
 */

const SIZE = 192; // CSS px: one full of seats is painted in a few ms
const TILES_MAX = 160;
const DENSITY_MAX = 2;
const SETTLED_MS = 90; // since the scale moved last
const SHRUNK_MAX = 1.8; // beyond this a new level is begun while it still moves

class Level {
  /** @param {number} scale @param {number} density */
  constructor(scale, density) {
    this.scale = scale;
    this.density = density;
    /** @type {Map<string, {context: Context | null, i: number, j: number}>} */
    this.tiles = new Map();
  }

  /** @param {number} i @param {number} j @returns {Box} Of the map */
  box(i, j) {
    const side = SIZE / this.scale;
    return { x0: i * side, y0: j * side, x1: (i + 1) * side, y1: (j + 1) * side };
  }

  /** The tiles that a box of the map needs, and are not there; those in the middle first.
   * @param {Box} seen */
  missing(seen) {
    const side = SIZE / this.scale;
    const wanted = [];
    const [ci, cj] = [(seen.x0 + seen.x1) / 2 / side - 0.5, (seen.y0 + seen.y1) / 2 / side - 0.5];
    for (let j = Math.floor(seen.y0 / side); j <= Math.floor(seen.y1 / side); j++) {
      for (let i = Math.floor(seen.x0 / side); i <= Math.floor(seen.x1 / side); i++) {
        if (!this.tiles.has(`${i}/${j}`)) wanted.push({ i, j, far: (i - ci) ** 2 + (j - cj) ** 2 });
      }
    }
    return wanted.sort((a, b) => a.far - b.far);
  }

  /** @param {number} i @param {number} j @param {Painter} painter */
  make(i, j, painter) {
    const pixels = Math.round(SIZE * this.density);
    const canvas = new OffscreenCanvas(pixels, pixels);
    const context = /** @type {Context} */ (canvas.getContext("2d"));
    context.scale(this.density, this.density);
    const filled = painter.paint(context, this.box(i, j), this.scale);
    // An empty tile is known, but needs no pixels.
    this.tiles.set(`${i}/${j}`, { context: filled ? context : null, i, j });
  }

  /** Forget what is farthest from a box. @param {Box} seen */
  prune(seen) {
    if (this.tiles.size <= TILES_MAX) return;
    const side = SIZE / this.scale;
    const [x, y] = [(seen.x0 + seen.x1) / 2 / side, (seen.y0 + seen.y1) / 2 / side];
    const far = [...this.tiles].map(([key, { i, j }]) => ({ key, at: (i - x) ** 2 + (j - y) ** 2 }));
    far.sort((a, b) => b.at - a.at);
    for (const { key } of far.slice(0, this.tiles.size - TILES_MAX)) this.tiles.delete(key);
  }
}

export class Tiles {
  /** @param {Painter} painter */
  constructor(painter) {
    this.painter = painter;
    /** @type {Level | null} */
    this.shown = null;
    /** @type {Level | null} */
    this.next = null;
    this.scale = 0;
    this.movedAt = 0;
    this.density = 1;
  }

  /** Paint all anew, such as in another theme. */
  clear() {
    this.shown = null;
    this.next = null;
  }

  /**
   * Paint what is missing for a view, for some time at most.
   * @param {View} view @param {number} now @param {number} budget ms
   * @returns {{painted: boolean, more: boolean}} Whether anything was, and whether more is to do
   */
  work(view, now, budget) {
    const density = Math.min(devicePixelRatio || 1, DENSITY_MAX);
    if (density !== this.density) this.clear();
    this.density = density;
    if (view.scale !== this.scale) this.movedAt = this.scale === 0 ? 0 : now;
    this.scale = view.scale;
    const level = this.#level(view, now);
    if (level === null) return { painted: false, more: true };
    const end = performance.now() + budget;
    const wanted = level.missing(view.seen);
    let done = 0;
    while (done < wanted.length && (done === 0 || performance.now() < end)) {
      level.make(wanted[done].i, wanted[done].j, this.painter);
      done++;
    }
    const whole = done === wanted.length;
    if (whole && level === this.next) [this.shown, this.next] = [level, null];
    level.prune(view.seen);
    return { painted: done > 0, more: !whole };
  }

  /** The level to paint on, or null to wait until the scale rests.
   * @param {View} view @param {number} now */
  #level(view, now) {
    if (this.shown === null) this.shown = new Level(view.scale, this.density);
    if (this.shown.scale === view.scale) {
      this.next = null;
      return this.shown;
    }
    if (this.next !== null && this.next.scale === view.scale) return this.next;
    const ratio = view.scale / (this.next ?? this.shown).scale;
    const far = ratio > SHRUNK_MAX || ratio < 1 / SHRUNK_MAX;
    if (now - this.movedAt < SETTLED_MS && !far) return this.next;
    this.next = new Level(view.scale, this.density);
    return this.next;
  }

  /** Paint some seats again where they have been painted.
   * @param {number[]} seats @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys
   * @param {number} reach How far around its place a seat is painted, in units of the map */
  repaint(seats, xs, ys, reach) {
    for (const level of [this.shown, this.next]) {
      if (level === null) continue;
      /** @type {Map<string, number[]>} */
      const byTile = new Map();
      const side = SIZE / level.scale;
      for (const seat of seats) {
        const [x, y] = [xs[seat], ys[seat]];
        for (let j = Math.floor((y - reach) / side); j <= Math.floor((y + reach) / side); j++) {
          for (let i = Math.floor((x - reach) / side); i <= Math.floor((x + reach) / side); i++) {
            const key = `${i}/${j}`;
            const found = byTile.get(key);
            if (found !== undefined) found.push(seat);
            else byTile.set(key, [seat]);
          }
        }
      }
      for (const [key, changed] of byTile) {
        const tile = level.tiles.get(key);
        if (tile === undefined || tile.context === null) continue;
        this.painter.repaint(tile.context, level.box(tile.i, tile.j), level.scale, changed);
      }
    }
  }

  /** Copy onto the screen what of it is in a box of the map.
   * @param {CanvasRenderingContext2D} context @param {View} view @param {Box} seen */
  draw(context, view, seen) {
    const level = this.shown;
    if (level === null) return;
    const side = SIZE / level.scale;
    const size = SIZE * (view.scale / level.scale);
    // On whole pixels of the screen, else a seam is seen between two tiles.
    const snap = (/** @type {number} */ at) => Math.round(at * this.density) / this.density;
    const [left, top] = [snap(-view.x * view.scale), snap(-view.y * view.scale)];
    for (const { context: tile, i, j } of level.tiles.values()) {
      if (tile === null || (i + 1) * side < seen.x0 || i * side > seen.x1) continue;
      if ((j + 1) * side < seen.y0 || j * side > seen.y1) continue;
      const [x, y] = [snap(left + i * size), snap(top + j * size)];
      const [right, bottom] = [snap(left + (i + 1) * size), snap(top + (j + 1) * size)];
      context.drawImage(tile.canvas, x, y, right - x, bottom - y);
    }
  }
}
