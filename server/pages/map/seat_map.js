// @ts-check
// The seat map of an event: a canvas that is moved, zoomed, pointed at and tapped, and is
// kept as current as the state it is given. At most one drawing per animation frame, and
// where only seats changed, only what is around them.

import { moneyText } from "../words/format.js";
import { Attention } from "./attention.js";
import { themeOf } from "./colors.js";
import { controlsOf } from "./controls.js";
import { emptyBox, grow, widened } from "./geometry.js";
import { Input } from "./input.js";
import { modelOf } from "./model.js";
import { Overlay } from "./overlay.js";
import { Scene } from "./scene.js";
import { SeatPainter, isBlock } from "./seats.js";
import { Tally } from "./tally.js";
import { placeOf } from "./target.js";
import { Tiles } from "./tiles.js";
import { View } from "./view.js";

/** @typedef {{amount: number, currency: string}} Money */

const BUDGET_MS = 3; // of painting tiles per frame
const FIRST_BUDGET_MS = 40; // of the first frame, which is better late than empty
const CELL = 128; // px: the grain of what is drawn again
const CELLS_MAX = 14; // more are drawn as all
const NARROW_PX = 704; // as in map.css: narrower, buttons stand in a line below the map
const CONTROLS_PX = 52;
const FLIGHT_MS = 260;
const GROUP_PITCH = 8; // px between seats, below which suggested ones are too small to see
const SECTION_PITCH = 14; // px between seats of a section that is zoomed into, at least
const CHANGES_MAX = 4_000; // unread ones of a hidden tab; more are read as all

export class SeatMap {
  /**
   * @param {HTMLElement} root An element to fill, of the size that the map shall have
   * @param {object} words
   * @param {import("../words/index.js").Translate} words.t With the wing "map"
   * @param {(money: Money) => string} [words.format]
   */
  constructor(root, { t, format = moneyText }) {
    this.root = root;
    this.t = t;
    this.format = format;
    /** A seat was tapped, or Enter pressed on it. @type {(index: number, label: string) => void} */
    this.onPick = () => {};
    /** An area was. @type {(label: string) => void} */
    this.onArea = () => {};
    /** @type {import("./model.js").Model | null} */
    this.model = null;
    this.view = new View();
    this.pickable = true;
    /** What more is known of seats, by index. @type {Map<number, string>} */
    this.remarks = new Map();
    this.floor = 0;
    /** @type {Record<string, Money>} */
    this.prices = {};
    /** @type {number[] | null} Seats that may have changed; null for all. */
    this.unread = [];
    this.everything = true;
    /** @type {Set<number>} */
    this.cells = new Set();
    this.frame = 0;
    /** @type {{from: any, to: any, begun: number} | null} */
    this.flight = null;
    this.mine = { /** @type {Iterable<string>} */ labels: [], /** @type {Map<string, number>} */ areas: new Map() };
    /** @type {Iterable<string>} */
    this.asked = [];
    /** @type {string[][]} */
    this.groups = [];
    /** @type {Set<string> | null} */
    this.filter = null;
    this.fitted = true;
    this.#build();
  }

  #build() {
    const { root, t } = this;
    root.classList.add("seat-map");
    root.dataset.testid = "seat-map";
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", t("map.label"));
    this.canvas.setAttribute("aria-description", t("map.help"));
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }));
    this.controls = controlsOf(t, {
      step: (by) => this.step(by),
      floor: (index) => this.#showFloor(index),
      zone: (index) => this.#fly(this.view.showing(this.#model.zones[index].box)),
    });
    root.replaceChildren(this.controls.places, this.canvas, this.controls.zoom);
    this.attention = new Attention(this, root);
    this.input = new Input(this.canvas, this.attention.meaning());
    this.canvas.addEventListener("blur", () => this.attention.clear());
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(root);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => this.#dress();
    this.scheme.addEventListener("change", this.onScheme);
  }

  get #model() {
    return /** @type {import("./model.js").Model} */ (this.model);
  }

  /**
   * Show a map, or the same one with other prices or another state; the view stays then.
   * @param {any} map As `GET /v1/events/{event}/map` has it
   * @param {{seats: Uint8Array, areas: Map<string, any>}} state
   * @param {Record<string, Money>} [prices] By category
   */
  show(map, state, prices = {}) {
    const model = modelOf(map);
    this.state = state;
    this.prices = prices;
    this.unread = null;
    if (model !== this.model) {
      this.flight = null;
      // A plan that is drawn anew while somebody looks closer stays as close.
      this.fitted = this.model === null || this.fitted;
      this.model = model;
      this.tally = new Tally(model);
      this.painter = new SeatPainter(model, this.tally);
      this.scene = new Scene(model, this.tally, this);
      this.overlay = new Overlay(model);
      this.tiles = new Tiles(this.painter);
      this.floor = 0;
      this.controls.offer(model.floors.map(({ name }) => name), model.zones.map(({ label }) => label));
      this.#limit();
      if (this.fitted && this.view.width > 0) this.view.set(this.view.showing(this.view.bounds));
      this.#dress();
    }
    this.scene.prices = prices;
    this.#choose();
    this.#remember();
    this.resize();
    this.#draw(performance.now(), FIRST_BUDGET_MS);
  }

  /** After a snapshot or a delta. @param {number[] | null} [indexes] Null or absent for all
   * @param {string[] | null} [areas] */
  changed(indexes = null, areas = null) {
    void areas; // there are few, all of which are compared
    if (indexes === null || this.unread === null) this.unread = null;
    else if (this.unread.length + indexes.length > CHANGES_MAX) this.unread = null;
    else for (const index of indexes) this.unread.push(index);
    this.#request();
  }

  /** What the visitor holds. @param {Iterable<string>} labels @param {Map<string, number>} [areas] */
  setMine(labels, areas = new Map()) {
    this.mine = { labels: [...labels], areas };
    this.#remember();
  }

  /** Seats that are being asked for. @param {Iterable<string>} labels */
  setPending(labels) {
    this.asked = [...labels];
    this.#remember();
  }

  /** Highlight groups of seats and bring them into view; none clears. @param {string[][]} groups */
  setAlternatives(groups) {
    this.groups = groups;
    this.#remember();
    if (this.model === null || this.overlay.alternatives.length === 0) return;
    const seats = this.overlay.alternatives;
    let box = this.#boxOf(seats.flat());
    const near = this.view.showing(box).scale * this.model.pitch;
    // Far apart they would be too small to see: then the first of them.
    if (near < GROUP_PITCH) box = this.#boxOf(seats[0]);
    const floor = this.model.sectionOf(seats[0][0]).floor;
    if (floor !== this.floor) this.#showFloor(floor);
    this.#fly(this.view.showing(widened(box, 4 * this.model.pitch)));
  }

  /** @param {number[]} seats */
  #boxOf(seats) {
    const box = emptyBox();
    for (const i of seats) grow(box, this.#model.xs[i], this.#model.ys[i]);
    return box;
  }

  /** Categories that are shown as choosable, or null for all. @param {Set<string> | null} keys */
  setFilter(keys) {
    this.filter = keys;
    this.#choose();
    this.#repaint();
  }

  /** Whether seats can be taken at all. @param {boolean} yes */
  setPickable(yes) {
    this.pickable = yes;
    this.canvas.classList.toggle("map-closed", !yes);
  }

  #choose() {
    if (this.model === null) return;
    const { filter } = this;
    const chosen = filter === null ? null
      : Uint8Array.from(this.model.categories, (/** @type {any} */ c) => Number(filter.has(c.key)));
    this.painter.chosen = this.scene.chosen = chosen;
  }

  /** Take the visitor's seats by their places on the map. */
  #remember() {
    if (this.model === null) return;
    const { model, overlay } = this;
    const indexes = (/** @type {Iterable<string>} */ labels) =>
      [...labels].map((label) => model.indexOf(label)).filter((i) => i !== undefined);
    overlay.mine = new Set(indexes(this.mine.labels));
    overlay.pending = new Set(indexes(this.asked));
    overlay.alternatives = this.groups.map(indexes).filter((group) => group.length > 0);
    overlay.areas = new Map(
      model.areas.map((area) => [area.index, this.mine.areas.get(area.label) ?? 0]));
    this.attention.refresh();
    this.redraw();
  }

  #dress() {
    if (this.model === null) return;
    const theme = themeOf(this.root, this.model.categories);
    this.theme = this.painter.theme = this.overlay.theme = theme;
    this.scene.dress(theme);
    this.#repaint();
  }

  /** Take the size of the element as it is now. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (this.model === null || width === 0 || height === 0) return;
    const density = devicePixelRatio || 1;
    const [w, h] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width === w && this.canvas.height === h && this.view.width === width) return;
    this.canvas.width = w;
    this.canvas.height = h;
    this.view.resize(width, height);
    this.view.above = this.controls.places.hidden ? 0 : CONTROLS_PX;
    this.view.below = width < NARROW_PX ? CONTROLS_PX : 0;
    if (this.fitted) this.view.set(this.view.showing(this.view.bounds));
    this.everything = true;
    // A canvas is emptied by its new size: it is not left so for a frame.
    if (this.state !== undefined) this.#draw(performance.now(), BUDGET_MS);
  }

  /** Be gone: nothing is heard or drawn any more. */
  destroy() {
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.onScheme);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.attention.speaking);
    this.model = null;
    this.root.replaceChildren();
  }

  // -- Drawing

  #request() {
    if (this.frame !== 0 || this.model === null) return;
    this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      if (this.model !== null) this.#draw(now, BUDGET_MS);
    });
  }

  /** Draw all again in the next frame. */
  redraw() {
    this.everything = true;
    this.#request();
  }

  #repaint() {
    this.tiles?.clear();
    this.redraw();
  }

  /** @param {number} now @param {number} budget */
  #draw(now, budget) {
    const { view, context } = this;
    this.#takeChanges();
    this.#takeFlight(now);
    const { painted, more } = this.tiles.work(view, now, budget);
    this.scene.labels.begin();
    if (painted || this.cells.size > CELLS_MAX) this.everything = true;
    const density = this.canvas.width / view.width;
    context.setTransform(density, 0, 0, density, 0, 0);
    if (this.everything) this.#drawPart({ x0: 0, y0: 0, x1: view.width, y1: view.height });
    else {
      for (const cell of this.cells) {
        const [x0, y0] = [(cell % 1024) * CELL, Math.floor(cell / 1024) * CELL];
        context.save();
        context.beginPath();
        context.rect(x0, y0, CELL, CELL);
        context.clip();
        this.#drawPart({ x0, y0, x1: x0 + CELL, y1: y0 + CELL });
        context.restore();
      }
    }
    this.everything = false;
    this.cells.clear();
    // Names that are late may stand anywhere.
    if (this.scene.labels.late) this.redraw();
    if (more || this.flight !== null) this.#request();
  }

  /** @param {import("./geometry.js").Box} part Of the screen */
  #drawPart(part) {
    const { context, view } = this;
    const seen = view.mapBox(part);
    context.fillStyle = /** @type {import("./colors.js").Theme} */ (this.theme).paper;
    context.fillRect(part.x0, part.y0, part.x1 - part.x0, part.y1 - part.y0);
    context.save();
    if (this.#model.floors.length > 0) {
      // Other floors lie beside this one.
      const { x0, y0, x1, y1 } = view.bounds;
      context.beginPath();
      context.rect(view.screenX(x0), view.screenY(y0), (x1 - x0) * view.scale, (y1 - y0) * view.scale);
      context.clip();
    }
    this.scene.drawBehind(context, view, seen);
    this.tiles.draw(context, view, seen);
    this.scene.drawNames(context, view, seen);
    this.overlay.draw(context, view);
    context.restore();
  }

  #takeChanges() {
    if (this.unread !== null && this.unread.length === 0) {
      // Areas may have changed alone.
      const { areas } = this.tally.update(this.state, []);
      for (const area of areas) this.#touch(this.#model.areas[area].box);
      return;
    }
    const { seats, sections, areas } = this.tally.update(this.state, this.unread);
    this.unread = [];
    const { model, view } = this;
    this.tiles.repaint(seats, model.xs, model.ys, model.pitch);
    for (const area of areas) this.#touch(model.areas[area].box);
    for (const section of sections) {
      if (!isBlock(model.sections[section], view.scale)) continue;
      if (this.scene.outside.length > 0) this.everything = true; // names stand anywhere
      else this.#touch(model.sections[section].box);
    }
    for (const i of seats) {
      if (this.everything || this.cells.size > CELLS_MAX) break;
      const [x, y, by] = [model.xs[i], model.ys[i], model.pitch];
      this.#touch({ x0: x - by, y0: y - by, x1: x + by, y1: y + by });
    }
    if (seats.length > 0 || areas.length > 0) this.attention.refresh();
  }

  /** Note a part of the map as to be drawn again. @param {import("./geometry.js").Box} box */
  #touch(box) {
    const { view } = this;
    const cell = (/** @type {number} */ px) => Math.floor(px / CELL);
    const [x0, x1] = [Math.max(0, cell(view.screenX(box.x0) - 4)), cell(Math.min(view.width, view.screenX(box.x1) + 4))];
    const [y0, y1] = [Math.max(0, cell(view.screenY(box.y0) - 4)), cell(Math.min(view.height, view.screenY(box.y1) + 4))];
    for (let y = y0; y <= y1; y++) for (let x = x0; x <= x1; x++) this.cells.add(y * 1024 + x);
  }

  // -- Moving

  #limit() {
    const model = this.#model;
    this.view.limit(model.boxOf(this.floor), model.pitch);
    this.scene.floor = this.overlay.floor = this.floor;
  }

  /** @param {number} index */
  #showFloor(index) {
    this.floor = index;
    this.controls.press(index);
    this.#limit();
    this.fitted = true;
    this.flight = null;
    this.attention.clear();
    this.view.set(this.view.showing(this.view.bounds));
    this.redraw();
  }

  /** @param {{scale: number, x: number, y: number}} to */
  #fly(to) {
    this.attention.hide();
    this.fitted = false;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.view.set(to);
    else this.flight = { from: this.view.place, to, begun: performance.now() };
    this.redraw();
    this.#allowScroll();
  }

  /** @param {number} now */
  #takeFlight(now) {
    if (this.flight === null) return;
    const { from, to, begun } = this.flight;
    const at = Math.min(1, Math.max(0, (now - begun) / FLIGHT_MS));
    const eased = 1 - (1 - at) ** 3;
    const scale = from.scale * (to.scale / from.scale) ** eased;
    // The middle goes along a line of the screen, not of the map: no swerving.
    const share = to.scale === from.scale ? eased
      : (1 / scale - 1 / from.scale) / (1 / to.scale - 1 / from.scale);
    const { width, height } = this.view;
    const x = from.x + width / 2 / from.scale + (to.x - from.x + width / 2 * (1 / to.scale - 1 / from.scale)) * share;
    const y = from.y + height / 2 / from.scale + (to.y - from.y + height / 2 * (1 / to.scale - 1 / from.scale)) * share;
    this.view.set(this.view.centred(x, y, scale));
    this.everything = true;
    if (at === 1) this.flight = null;
    if (at === 1) this.#allowScroll();
  }

  /** Zoom by a step: 1, -1, or 0 for all of the map. @param {number} by */
  step(by) {
    if (this.model === null) return;
    if (by === 0) {
      this.#fly(this.view.showing(this.view.bounds));
      this.fitted = true;
      return;
    }
    const { view } = this;
    const from = this.flight?.to ?? view.place;
    const scale = Math.min(view.scaleMax, Math.max(view.scaleMin, from.scale * (by > 0 ? 1.7 : 1 / 1.7)));
    const cursor = this.overlay.cursor;
    const middle = cursor === null
      ? { x: from.x + view.width / 2 / from.scale, y: from.y + view.height / 2 / from.scale }
      : placeOf(this.model, cursor);
    this.#fly(view.centred(middle.x, middle.y, scale));
  }

  /** Move as a finger did, in px. @param {number} dx @param {number} dy */
  pan(dx, dy) {
    if (this.model === null) return;
    this.flight = null;
    this.fitted = false;
    this.view.pan(dx, dy);
    this.attention.hide();
    this.redraw();
  }

  /** Zoom around a place of the screen. @param {number} factor @param {number} x
   * @param {number} y @returns {boolean} Whether there was farther to go */
  zoom(factor, x, y) {
    const { scale } = this.view;
    if (this.model === null) return false;
    this.view.zoom(factor, x, y);
    if (this.view.scale === scale) return false;
    this.flight = null;
    this.fitted = false;
    this.attention.hide();
    this.#allowScroll();
    this.redraw();
    return true;
  }

  /** Bring a place of the map to the middle. @param {number} x @param {number} y
   * @param {number} scale */
  flyTo(x, y, scale) {
    const { view } = this;
    this.#fly(view.centred(x, y, Math.min(view.scaleMax, Math.max(view.scaleMin, scale))));
  }

  /** @param {number} index Of the section to see as a whole, with its seats */
  flyToSection(index) {
    const section = this.#model.sections[index];
    const { scale } = this.view.showing(section.box);
    this.flyTo(section.x, section.y, Math.max(scale, SECTION_PITCH / section.pitch));
  }

  /** While all of the map is seen, a finger that goes up or down scrolls the page. */
  #allowScroll() {
    const whole = this.view.scale <= this.view.showing(this.view.bounds).scale * 1.01;
    this.canvas.style.touchAction = whole ? "pan-y" : "none";
  }
}
