// @ts-check
// What the pointer, a finger or the keyboard is at, what is told of it, and what becomes of a
// tap: a seat is picked, an area chosen, a section zoomed into.

import { areaFacts, seatFacts, sectionFacts, spoken } from "./facts.js";
import { isBlock, radiusOf } from "./seats.js";
import { FREE } from "./tally.js";
import { isSame, placeOf, targetAt, targetTowards } from "./target.js";
import { Tip } from "./tip.js";

/** @typedef {import("./target.js").Target} Target */

const PICKED_PITCH = { touch: 18, mouse: 8 }; // px between seats; below, a tap zooms in
const CLOSE_PITCH = 30; // px between seats once zoomed in to take one
const SLACK = { touch: 14, mouse: 0 }; // px that one may miss a seat by
const SPOKEN_AFTER_MS = 150; // so that a held key does not say each seat it passes
const EDGE = 48; // px that stay between the cursor and the edge

export class Attention {
  /** @param {import("./seat_map.js").SeatMap} map @param {HTMLElement} root */
  constructor(map, root) {
    this.map = map;
    this.tip = new Tip(root);
    this.voice = document.createElement("p");
    this.voice.className = "unseen";
    this.voice.setAttribute("aria-live", "polite");
    root.append(this.voice);
    this.speaking = 0;
    /** @type {Target | null} What the card is about. */
    this.told = null;
  }

  /** @returns {import("./input.js").Meaning} */
  meaning() {
    const { map } = this;
    return {
      pan: (dx, dy) => map.pan(dx, dy),
      zoom: (factor, x, y) => map.zoom(factor, x, y),
      tap: (x, y, touch) => this.#tap(x, y, touch ? "touch" : "mouse"),
      twice: (x, y) => map.flyTo(map.view.mapX(x), map.view.mapY(y), map.view.scale * 2.2),
      point: (x, y) => this.#hover(this.#at(x, y, "mouse")),
      leave: () => this.#hover(null),
      go: (dx, dy) => this.#go(dx, dy),
      enter: () => this.#enter(),
      escape: () => this.#escape(),
      step: (by) => map.step(by),
      page: (dx, dy) => map.pan(-dx * map.view.width * 0.3, -dy * map.view.height * 0.3),
    };
  }

  /** Point at nothing. */
  clear() {
    const { overlay } = this.map;
    if (overlay === undefined) return;
    overlay.hover = overlay.cursor = null;
    this.hide();
    this.map.redraw();
  }

  hide() {
    this.told = null;
    this.tip.hide();
  }

  /** Say anew what became of what is pointed at. */
  refresh() {
    if (this.told !== null) this.#tell(this.told);
  }

  /** @param {number} x @param {number} y @param {"touch" | "mouse"} by */
  #at(x, y, by) {
    const { model, view, floor } = this.map;
    return model === null ? null : targetAt(model, view, floor, x, y, SLACK[by]);
  }

  /** @param {Target | null} target */
  #hover(target) {
    const { overlay, canvas } = this.map;
    if (overlay === undefined || isSame(overlay.hover, target)) return;
    overlay.hover = target;
    canvas.style.cursor = target === null ? "" : "pointer";
    if (target === null) this.hide();
    else this.#tell(target);
    this.map.redraw();
  }

  /** @param {number} x @param {number} y @param {"touch" | "mouse"} by */
  #tap(x, y, by) {
    const target = this.#at(x, y, by);
    if (target === null) {
      this.hide();
      return false;
    }
    const { model, view } = this.map;
    const seat = target.kind === "seat";
    const pitch = seat ? model.sectionOf(target.index).pitch * view.scale : 0;
    if (seat && pitch < PICKED_PITCH[by] && view.scale < view.scaleMax * 0.99) {
      this.map.flyTo(view.mapX(x), view.mapY(y), CLOSE_PITCH / model.sectionOf(target.index).pitch);
      return true;
    }
    this.#act(target);
    if (seat && by === "touch") this.#tell(target);
    return true;
  }

  /** @param {Target} target */
  #act({ kind, index }) {
    const { map } = this;
    if (kind === "area") map.onArea(map.model.areas[index].label);
    else if (kind === "section") map.flyToSection(index);
    else if (this.#canPick(index)) map.onPick(index, map.model.seats[index].label);
  }

  /** Whether something happens when a seat is tapped. @param {number} index */
  #canPick(index) {
    const { overlay, pickable, tally } = this.map;
    if (overlay.pending.has(index)) return false;
    return overlay.mine.has(index) || (pickable && tally.seats[index] === FREE);
  }

  /** @param {number} dx @param {number} dy */
  #go(dx, dy) {
    const { model, overlay, view, floor } = this.map;
    if (model === null) return;
    const middle = { x: view.mapX(view.width / 2), y: view.mapY(view.height / 2) };
    const at = overlay.cursor;
    const target = at === null
      ? this.#nearest(middle)
      : targetTowards(model, view, floor, placeOf(model, at), dx, dy, at);
    if (target !== null) this.#moveCursor(target);
  }

  /** What is nearest to the middle of the screen. @param {{x: number, y: number}} to */
  #nearest(to) {
    const { model, view, floor } = this.map;
    const far = Math.max(model.box.x1 - model.box.x0, model.box.y1 - model.box.y0);
    /** @type {Target[]} */
    const targets = model.areas.filter((area) => area.floor === floor)
      .map(({ index }) => ({ kind: "area", index }));
    for (const section of model.sections) {
      if (section.floor === floor && isBlock(section, view.scale)) {
        targets.push({ kind: "section", index: section.index });
      }
    }
    const seat = model.grid.nearest(to.x, to.y, far, (i) => {
      const section = model.sectionOf(i);
      return section.floor === floor && !isBlock(section, view.scale);
    });
    if (seat >= 0) targets.push({ kind: "seat", index: seat });
    const distance = (/** @type {Target} */ target) => {
      const { x, y } = placeOf(model, target);
      return Math.hypot(x - to.x, y - to.y);
    };
    return targets.sort((a, b) => distance(a) - distance(b))[0] ?? null;
  }

  /** @param {Target} target */
  #moveCursor(target) {
    const { model, overlay, view } = this.map;
    overlay.cursor = target;
    const { x, y } = placeOf(model, target);
    const [px, py] = [view.screenX(x), view.screenY(y)];
    const by = (/** @type {number} */ at, /** @type {number} */ size) =>
      at < EDGE ? EDGE - at : at > size - EDGE ? size - EDGE - at : 0;
    const [dx, dy] = [by(px, view.width), by(py, view.height)];
    if (dx !== 0 || dy !== 0) this.map.pan(dx, dy);
    this.#tell(target);
    this.say(spoken(this.#facts(target)));
    this.map.redraw();
  }

  #enter() {
    const { cursor } = this.map.overlay ?? { cursor: null };
    if (cursor === null) return;
    this.#act(cursor);
    if (cursor.kind !== "section") return;
    const { model, tally } = this.map;
    const section = model.sections[cursor.index];
    const seats = section.rows.flatMap((row) => model.rows[row].seats);
    const seat = seats.find((i) => tally.seats[i] === FREE) ?? seats[0];
    this.map.flyTo(model.xs[seat], model.ys[seat], CLOSE_PITCH / section.pitch);
    this.map.overlay.cursor = { kind: "seat", index: seat };
    this.say(spoken(this.#facts(this.map.overlay.cursor)));
  }

  #escape() {
    if (this.told !== null) this.hide();
    else this.map.step(0);
  }

  /** Say something politely. @param {string} text */
  say(text) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.voice.textContent = text;
    }, SPOKEN_AFTER_MS);
  }

  /** @param {Target} target @returns {import("./facts.js").Facts} */
  #facts({ kind, index }) {
    const { map } = this;
    const { model, overlay, tally, scene } = map;
    if (kind === "section") {
      return sectionFacts(model, index, scene.freeIn(index), tally.cheapest(index, map.prices), map);
    }
    if (kind === "area") {
      return areaFacts(model, index, tally.freeInArea[index], overlay.areas.get(index) ?? 0, map);
    }
    const mine = overlay.mine.has(index);
    const facts = seatFacts(model, index, tally.seats[index], mine, overlay.pending.has(index), map);
    const remark = map.remarks.get(index);
    if (remark) facts.notes.push(remark);
    return facts;
  }

  /** Show the card of something beside it. @param {Target} target */
  #tell(target) {
    const { map } = this;
    const { model, view } = map;
    this.told = target;
    const facts = this.#facts(target);
    const { x, y } = placeOf(model, target);
    const radius = target.kind === "seat" ? radiusOf(model, target.index, view.scale) : 0;
    this.tip.show(facts, this.#hint(target), map.theme.full[facts.color], view.screenX(x),
      view.screenY(y), radius);
  }

  /** What a tap does. @param {Target} target */
  #hint({ kind, index }) {
    const { map } = this;
    if (kind === "section") return map.t("map.tapToZoom");
    if (kind === "area") return map.pickable ? map.t("map.tapToChoose") : "";
    if (!this.#canPick(index)) return "";
    return map.t(map.overlay.mine.has(index) ? "map.tapToGiveBack" : "map.tapToTake");
  }
}
