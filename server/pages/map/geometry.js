// @ts-check
// Plane geometry of the map: hulls, boxes and the grid that finds seats. Polygons are flat
// lists x, y, x, y …; all in the units of the map.

/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Box */

/** @returns {Box} A box with nothing in it; it grows by `grow`. */
export function emptyBox() {
  return { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
}

/** Make a box hold a point too. @param {Box} box @param {number} x @param {number} y */
export function grow(box, x, y) {
  if (x < box.x0) box.x0 = x;
  if (x > box.x1) box.x1 = x;
  if (y < box.y0) box.y0 = y;
  if (y > box.y1) box.y1 = y;
}

/** @param {Box} box @param {number} by @returns {Box} The box with a margin around it. */
export function widened(box, by) {
  return { x0: box.x0 - by, y0: box.y0 - by, x1: box.x1 + by, y1: box.y1 + by };
}

/** @param {Box} a @param {Box} b */
export function meet(a, b) {
  return a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1;
}

/** @param {ArrayLike<number>} polygon @returns {Box} */
export function boxOf(polygon) {
  const box = emptyBox();
  for (let i = 0; i < polygon.length; i += 2) grow(box, polygon[i], polygon[i + 1]);
  return box;
}

/** Where a polygon would balance; the middle of its box where it has no area.
 * @param {ArrayLike<number>} polygon @returns {[number, number]} */
export function middleOf(polygon) {
  const box = boxOf(polygon);
  // From a corner of its own, as places may be far from zero and the products large.
  const [ox, oy] = [box.x0, box.y0];
  let [area, x, y] = [0, 0, 0];
  for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
    const [ax, ay] = [polygon[j] - ox, polygon[j + 1] - oy];
    const [bx, by] = [polygon[i] - ox, polygon[i + 1] - oy];
    const cross = ax * by - bx * ay;
    area += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  if (Math.abs(area) < 1e-9) return [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2];
  return [ox + x / (3 * area), oy + y / (3 * area)];
}

/** @param {ArrayLike<number>} polygon @param {number} x @param {number} y */
export function isInside(polygon, x, y) {
  let inside = false;
  const n = polygon.length;
  for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
    const [ax, ay, bx, by] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/**
 * The convex hull of points, pushed outwards by `margin`.
 * @param {[number, number][]} points @param {number} margin @returns {number[]}
 */
export function hullOf(points, margin) {
  // Eight points around each, so that a hull of one seat or of one row is a shape, too.
  const around = [];
  const half = margin * 0.42;
  for (const [x, y] of convex(points)) {
    around.push([x - margin, y - half], [x - margin, y + half], [x + margin, y - half]);
    around.push([x + margin, y + half], [x - half, y - margin], [x + half, y - margin]);
    around.push([x - half, y + margin], [x + half, y + margin]);
  }
  return convex(around).flat();
}

/** @param {number[][]} points */
function convex(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const lower = chain(sorted);
  const upper = chain(sorted.reverse());
  return [...lower.slice(0, -1), ...upper.slice(0, -1)];
}

/** @param {number[][]} points */
function chain(points) {
  /** @type {number[][]} */
  const kept = [];
  for (const point of points) {
    while (kept.length > 1 && turn(kept[kept.length - 2], kept[kept.length - 1], point) <= 0) {
      kept.pop();
    }
    kept.push(point);
  }
  return kept;
}

/** @param {number[]} a @param {number[]} b @param {number[]} c */
function turn(a, b, c) {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/**
 * The outline of a rectangle or an ellipse, turned around its middle by degrees.
 * @param {string} kind @param {number} x @param {number} y @param {number} width
 * @param {number} height @param {number} degrees @returns {number[]}
 */
export function outlineOf(kind, x, y, width, height, degrees) {
  const points = [];
  const [a, b] = [width / 2, height / 2];
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const corners = [-a, -b, a, -b, a, b, -a, b];
  const count = kind === "ellipse" ? 40 : 4;
  for (let i = 0; i < count; i++) {
    const at = (2 * Math.PI * i) / count;
    const u = count === 4 ? corners[2 * i] : a * Math.cos(at);
    const v = count === 4 ? corners[2 * i + 1] : b * Math.sin(at);
    points.push(x + u * cos - v * sin, y + u * sin + v * cos);
  }
  return points;
}

/** Points in cells of a grid, to find those of a box or near a place. */
export class Grid {
  /**
   * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys
   * @param {number} cell Wanted size of a cell; cells are larger where they would be many.
   */
  constructor(xs, ys, cell) {
    const box = emptyBox();
    for (let i = 0; i < xs.length; i++) grow(box, xs[i], ys[i]);
    if (xs.length === 0) grow(box, 0, 0);
    const most = 2 * Math.max(64, Math.sqrt(xs.length));
    this.xs = xs;
    this.ys = ys;
    this.box = box;
    this.cell = Math.max(cell, (box.x1 - box.x0) / most, (box.y1 - box.y0) / most, 1e-6);
    this.columns = Math.floor((box.x1 - box.x0) / this.cell) + 1;
    this.lines = Math.floor((box.y1 - box.y0) / this.cell) + 1;
    this.#sort();
  }

  /** Counting sort: `items` has the points cell after cell, `starts` where a cell begins. */
  #sort() {
    const count = this.xs.length;
    const starts = new Uint32Array(this.columns * this.lines + 1);
    const cells = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      cells[i] = this.#line(this.ys[i]) * this.columns + this.#column(this.xs[i]);
      starts[cells[i] + 1]++;
    }
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
    const next = starts.slice();
    const items = new Uint32Array(count);
    for (let i = 0; i < count; i++) items[next[cells[i]]++] = i;
    this.starts = starts;
    this.items = items;
  }

  /** @param {number} x */
  #column(x) {
    return Math.min(this.columns - 1, Math.max(0, Math.floor((x - this.box.x0) / this.cell)));
  }

  /** @param {number} y */
  #line(y) {
    return Math.min(this.lines - 1, Math.max(0, Math.floor((y - this.box.y0) / this.cell)));
  }

  /** Call with each point in a box. @param {Box} box @param {(index: number) => void} visit */
  each(box, visit) {
    if (this.xs.length === 0 || !meet(box, this.box)) return;
    const { xs, ys, starts, items } = this;
    const [first, last] = [this.#column(box.x0), this.#column(box.x1)];
    for (let line = this.#line(box.y0); line <= this.#line(box.y1); line++) {
      const end = starts[line * this.columns + last + 1];
      for (let k = starts[line * this.columns + first]; k < end; k++) {
        const i = items[k];
        const [x, y] = [xs[i], ys[i]];
        if (x >= box.x0 && x <= box.x1 && y >= box.y0 && y <= box.y1) visit(i);
      }
    }
  }

  /**
   * The nearest point that is not farther than `within`, or -1.
   * @param {number} x @param {number} y @param {number} within
   * @param {(index: number) => boolean} [accept]
   */
  nearest(x, y, within, accept) {
    let [best, least] = [-1, within * within];
    this.each({ x0: x - within, y0: y - within, x1: x + within, y1: y + within }, (i) => {
      const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
      if (distance <= least && (accept === undefined || accept(i))) {
        [best, least] = [i, distance];
      }
    });
    return best;
  }
}
