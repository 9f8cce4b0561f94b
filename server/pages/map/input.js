// @ts-check
// Fingers, mouse, wheel and keys on the canvas, as what they mean: moved, zoomed, tapped,
// pointed at, gone in a direction.

const MOVED_PX = { mouse: 4, pen: 8, touch: 10 }; // less is a tap
const TWICE_MS = 320;
const TWICE_PX = 28;
const WHEEL_LINE_PX = 18;
/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

/**
 * @typedef {object} Meaning
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, x: number, y: number) => boolean} zoom Whether it did anything
 * @property {(x: number, y: number, touch: boolean) => boolean} tap Whether something was hit
 * @property {(x: number, y: number) => void} twice
 * @property {(x: number, y: number) => void} point
 * @property {() => void} leave
 * @property {(dx: number, dy: number) => void} go
 * @property {() => void} enter
 * @property {() => void} escape
 * @property {(step: number) => void} step 1, -1, or 0 for all of the map
 * @property {(dx: number, dy: number) => void} page Move by a part of the screen
 */

export class Input {
  /** @param {HTMLCanvasElement} canvas @param {Meaning} meaning */
  constructor(canvas, meaning) {
    this.canvas = canvas;
    this.meaning = meaning;
    /** @type {Map<number, {x: number, y: number}>} */
    this.fingers = new Map();
    this.moved = false;
    this.start = { x: 0, y: 0 };
    this.lastTap = { at: -Infinity, x: 0, y: 0 };
    const on = (/** @type {string} */ name, /** @type {any} */ listener) =>
      canvas.addEventListener(name, listener, { passive: false });
    on("pointerdown", (/** @type {PointerEvent} */ event) => this.#down(event));
    on("pointermove", (/** @type {PointerEvent} */ event) => this.#move(event));
    on("pointerup", (/** @type {PointerEvent} */ event) => this.#up(event));
    on("pointercancel", (/** @type {PointerEvent} */ event) => this.#forget(event));
    on("pointerleave", () => meaning.leave());
    on("wheel", (/** @type {WheelEvent} */ event) => this.#wheel(event));
    on("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
  }

  /** @param {MouseEvent} event */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    const place = this.#place(event);
    this.fingers.set(event.pointerId, place);
    if (this.fingers.size === 1) {
      this.moved = false;
      this.start = place;
    } else {
      this.moved = true; // two fingers mean no seat
    }
    this.canvas.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const place = this.#place(event);
    const before = this.fingers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") this.meaning.point(place.x, place.y);
      return;
    }
    if (this.fingers.size === 1) {
      const allowed = MOVED_PX[/** @type {"mouse"} */ (event.pointerType)] ?? MOVED_PX.touch;
      const far = Math.hypot(place.x - this.start.x, place.y - this.start.y);
      if (!this.moved && far < allowed) return;
      this.moved = true;
      this.meaning.leave();
      this.meaning.pan(place.x - before.x, place.y - before.y);
    } else if (this.fingers.size === 2) this.#pinch(event.pointerId, before, place);
    this.fingers.set(event.pointerId, place);
  }

  /** @param {number} id @param {{x: number, y: number}} before @param {{x: number, y: number}} now */
  #pinch(id, before, now) {
    const other = [...this.fingers].find(([key]) => key !== id)?.[1];
    if (other === undefined) return;
    const wide = Math.max(8, Math.hypot(before.x - other.x, before.y - other.y));
    const wider = Math.max(8, Math.hypot(now.x - other.x, now.y - other.y));
    this.meaning.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.meaning.zoom(wider / wide, (now.x + other.x) / 2, (now.y + other.y) / 2);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const was = this.fingers.has(event.pointerId);
    const { x, y } = this.#place(event);
    this.#forget(event);
    if (!was || this.moved || this.fingers.size > 0) return;
    const now = event.timeStamp;
    const near = Math.hypot(x - this.lastTap.x, y - this.lastTap.y) < TWICE_PX;
    if (now - this.lastTap.at < TWICE_MS && near) {
      this.lastTap.at = -Infinity;
      this.meaning.twice(x, y);
      return;
    }
    // A seat is taken at the first tap, so only one that hit nothing begins a double tap.
    const hit = this.meaning.tap(x, y, event.pointerType !== "mouse");
    this.lastTap = { at: hit ? -Infinity : now, x, y };
  }

  /** @param {PointerEvent} event */
  #forget(event) {
    this.fingers.delete(event.pointerId);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { x, y } = this.#place(event);
    const px = event.deltaY * (event.deltaMode === 1 ? WHEEL_LINE_PX : 1);
    // With `ctrlKey` it is a pinch on a touch pad, which moves in small steps.
    const factor = Math.exp(-px * (event.ctrlKey ? 0.01 : 0.0018));
    // At the end of zooming out the page scrolls on.
    if (this.meaning.zoom(Math.min(3, Math.max(1 / 3, factor)), x, y)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { meaning } = this;
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) {
      if (event.shiftKey) meaning.page(arrow[0], arrow[1]);
      else meaning.go(arrow[0], arrow[1]);
    } else if (event.key === "Enter" || event.key === " ") meaning.enter();
    else if (event.key === "Escape") meaning.escape();
    else if (event.key === "+" || event.key === "=") meaning.step(1);
    else if (event.key === "-") meaning.step(-1);
    else if (event.key === "0") meaning.step(0);
    else return;
    event.preventDefault();
  }
}
