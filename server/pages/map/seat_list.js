// @ts-check
// The map as a list, for who hears it, uses keys, or rather reads: sections, in them rows, in
// them seats as buttons. Of a large place only what is open is there.

import { moneyText } from "../words/format.js";
import { areaFacts, rowName, seatFacts, sectionName, spoken } from "./facts.js";
import { modelOf } from "./model.js";
import { BOOKED, FREE, HELD, Tally } from "./tally.js";
import { themeOf } from "./colors.js";

/** @typedef {{amount: number, currency: string}} Money */
/**
 * @typedef {object} Folder A section or a row that opens
 * @property {HTMLDetailsElement} element @property {HTMLElement} said What is free in it
 * @property {() => void} fill Make what is in it, once
 */

const OPEN_AT_ONCE = 400; // seats of a map
const ROWS_OPEN = 400; // seats of a section; in a larger one its rows open one by one

export class SeatList {
  /**
   * @param {HTMLElement} root An element to fill
   * @param {object} words
   * @param {import("../words/index.js").Translate} words.t With the wing "map"
   * @param {(money: Money) => string} [words.format]
   */
  constructor(root, { t, format = moneyText }) {
    this.root = root;
    this.t = t;
    this.format = format;
    /** @type {(index: number, label: string) => void} */
    this.onPick = () => {};
    /** @type {(label: string) => void} */
    this.onArea = () => {};
    /** @type {import("./model.js").Model | null} */
    this.model = null;
    /** @type {Record<string, Money>} */
    this.prices = {};
    this.pickable = true;
    /** @type {Iterable<string>} */
    this.mineLabels = [];
    /** @type {Map<string, number>} */
    this.mineAreas = new Map();
    /** @type {Iterable<string>} */
    this.asked = [];
    /** @type {string[][]} */
    this.groups = [];
    /** @type {Set<string> | null} */
    this.filter = null;
    this.frame = 0;
    this.again = false;
    /** @type {number[] | null} */
    this.unread = [];
    root.classList.add("seat-list");
    root.dataset.testid = "seat-list";
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", t("map.list"));
    this.onClick = (/** @type {Event} */ event) => this.#click(event);
    this.onKey = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    root.addEventListener("click", this.onClick);
    root.addEventListener("keydown", this.onKey);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => this.#color();
    this.scheme.addEventListener("change", this.onScheme);
  }

  get #model() {
    return /** @type {import("./model.js").Model} */ (this.model);
  }

  /** As `SeatMap.show`; what is open stays so for the same map.
   * @param {any} map @param {{seats: Uint8Array, areas: Map<string, any>}} state
   * @param {Record<string, Money>} [prices] */
  show(map, state, prices = {}) {
    const model = modelOf(map);
    this.state = state;
    this.prices = prices;
    const known = model === this.model;
    if (!known) {
      this.model = model;
      this.tally = new Tally(model);
    }
    this.tally.update(state, null);
    this.#remember();
    if (known) this.#dressAll();
    else this.#build();
  }

  /** @param {number[] | null} [indexes] @param {string[] | null} [areas] */
  changed(indexes = null, areas = null) {
    void areas; // there are few, all of which are compared
    if (indexes === null) this.unread = null;
    else if (this.unread !== null) this.unread = this.unread.concat(indexes);
    this.#request();
  }

  #request() {
    if (this.frame !== 0 || this.model === null) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.model === null) return;
      const { again } = this;
      this.again = false;
      this.#takeChanges();
      if (again) this.#dressAll();
    });
  }

  /** @param {Iterable<string>} labels @param {Map<string, number>} [areas] */
  setMine(labels, areas = new Map()) {
    this.mineLabels = [...labels];
    this.mineAreas = areas;
    this.#again();
  }

  /** @param {Iterable<string>} labels */
  setPending(labels) {
    this.asked = [...labels];
    this.#again();
  }

  /** Mark groups of seats, and open where they are. @param {string[][]} groups */
  setAlternatives(groups) {
    this.groups = groups;
    this.#again();
    if (this.model === null) return;
    for (const i of this.suggested) {
      const row = this.model.rows[this.model.row[i]];
      this.#open(this.sections.get(row.section));
      this.#open(this.rows.get(row.index));
    }
  }

  /** @param {Set<string> | null} keys */
  setFilter(keys) {
    this.filter = keys;
    this.#again();
  }

  /** @param {boolean} yes */
  setPickable(yes) {
    this.pickable = yes;
    this.#again();
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.model = null;
    this.root.removeEventListener("click", this.onClick);
    this.root.removeEventListener("keydown", this.onKey);
    this.scheme.removeEventListener("change", this.onScheme);
    this.root.replaceChildren();
  }

  // -- What there is

  #build() {
    /** @type {Map<number, HTMLButtonElement>} */
    this.buttons = new Map();
    /** @type {Map<number, Folder>} */
    this.sections = new Map();
    /** @type {Map<number, Folder>} */
    this.rows = new Map();
    /** @type {HTMLButtonElement[]} */
    this.places = [];
    this.unread = [];
    const { areas, sections, count } = this.#model;
    /** @type {HTMLElement[]} */
    const parts = sections.map((section) => this.#buildSection(section));
    if (areas.length > 0) {
      const group = element("div", "list-areas");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", this.t("map.areas"));
      this.places = areas.map((area) => this.#buildArea(area));
      group.append(...this.places);
      parts.push(group);
    }
    if (parts.length === 0) parts.push(element("p", "quiet", this.t("map.none")));
    this.root.replaceChildren(...parts);
    this.#color();
    const few = count <= OPEN_AT_ONCE;
    for (const folder of this.sections.values()) {
      if (few || sections.length === 1) this.#open(folder);
    }
    this.#dressAll();
  }

  /** @param {import("./model.js").Section} section */
  #buildSection(section) {
    const floor = this.#model.floors[section.floor]?.name;
    const name = section.name === null ? this.t("map.seats") : sectionName(section.name, this.t);
    const folder = this.#folder([floor, name].filter(Boolean).join(" · "), "list-section",
      () => section.rows.map((row) => this.#buildRow(row, section.size > ROWS_OPEN)));
    this.sections.set(section.index, folder);
    return folder.element;
  }

  /** @param {number} index @param {boolean} shut */
  #buildRow(index, shut) {
    const row = this.#model.rows[index];
    const name = rowName(this.#model, row, this.t);
    const line = () => {
      const group = element("div", "list-row");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", name);
      const title = element("span", "list-row-name", shut ? "" : row.name ?? "");
      title.setAttribute("aria-hidden", "true");
      title.dir = "auto";
      const seats = element("div", "list-seats");
      seats.append(...row.seats.map((seat, at) => this.#buildSeat(seat, at === 0)));
      group.append(title, seats);
      return group;
    };
    if (!shut) return line();
    const folder = this.#folder(name, "list-fold", () => [line()]);
    this.rows.set(index, folder);
    this.#countRow(index);
    return folder.element;
  }

  /** @param {string} name @param {string} kind @param {() => HTMLElement[]} make */
  #folder(name, kind, make) {
    const details = /** @type {HTMLDetailsElement} */ (element("details", kind));
    const summary = element("summary");
    const title = element("span", "list-name", name);
    title.dir = "auto";
    const said = element("span", "list-free");
    summary.append(title, said);
    const body = element("div", "list-body");
    details.append(summary, body);
    let made = false;
    const fill = () => {
      if (made) return;
      made = true;
      body.append(...make());
    };
    details.addEventListener("toggle", () => details.open && fill());
    return { element: details, said, fill };
  }

  /** @param {Folder | undefined} folder */
  #open(folder) {
    if (folder === undefined) return;
    folder.fill();
    folder.element.open = true;
  }

  /** @param {number} index @param {boolean} first In its row, which Tab comes to */
  #buildSeat(index, first) {
    const button = /** @type {HTMLButtonElement} */ (element("button", "list-seat"));
    button.type = "button";
    button.dataset.seat = this.#model.seats[index].label;
    button.dataset.index = String(index);
    button.dir = "auto";
    button.textContent = this.#model.seats[index].number;
    button.tabIndex = first ? 0 : -1;
    button.style.setProperty("--seat", `var(--category-${this.#model.category[index]})`);
    this.buttons.set(index, button);
    this.#dressSeat(index);
    return button;
  }

  /** @param {import("./model.js").Place} area */
  #buildArea(area) {
    const button = /** @type {HTMLButtonElement} */ (element("button", "list-area"));
    button.type = "button";
    button.dataset.area = area.label;
    button.style.setProperty("--seat", `var(--category-${area.category})`);
    return button;
  }

  // -- How it stands

  #again() {
    if (this.model === null) return;
    this.#remember();
    // Several come at once with each hold: what is open is dressed once for them.
    this.again = true;
    this.#request();
  }

  #remember() {
    const model = this.#model;
    const indexes = (/** @type {Iterable<string>} */ labels) =>
      new Set([...labels].map((label) => model.indexOf(label)).filter((i) => i !== undefined));
    this.mine = indexes(this.mineLabels);
    this.pending = indexes(this.asked);
    this.suggested = indexes(this.groups.flat());
  }

  #takeChanges() {
    const { seats, sections, areas } = this.tally.update(this.state, this.unread);
    this.unread = [];
    const rows = new Set();
    for (const i of seats) {
      this.#dressSeat(i);
      rows.add(this.#model.row[i]);
    }
    for (const row of rows) this.#countRow(row);
    for (const section of sections) this.#countSection(section);
    for (const area of areas) this.#dressArea(area);
  }

  #dressAll() {
    for (const i of this.buttons.keys()) this.#dressSeat(i);
    for (const row of this.rows.keys()) this.#countRow(row);
    for (const section of this.sections.keys()) this.#countSection(section);
    this.places.forEach((_, area) => this.#dressArea(area));
  }

  /** @param {number} index */
  #dressSeat(index) {
    const button = this.buttons.get(index);
    if (button === undefined) return;
    const code = this.tally.seats[index];
    const [mine, pending] = [this.mine.has(index), this.pending.has(index)];
    const facts = seatFacts(this.#model, index, code, mine, pending, this);
    if (this.suggested.has(index)) facts.notes.push(this.t("map.isSuggested"));
    button.setAttribute("aria-label", spoken(facts));
    button.setAttribute("aria-pressed", String(mine));
    // Not `disabled`: what is taken while one is on it must not lose the keyboard.
    button.setAttribute("aria-disabled", String(!this.#canPick(index)));
    const look = mine ? "mine" : pending ? "pending" : code === FREE ? "free"
      : code === HELD ? "held" : code === BOOKED ? "booked" : "closed";
    button.dataset.status = look;
    button.classList.toggle("suggested", this.suggested.has(index));
    button.classList.toggle("faint", !this.#isChosen(this.#model.category[index]));
  }

  /** @param {number} category */
  #isChosen(category) {
    return this.filter === null || this.filter.has(this.#model.categories[category].key);
  }

  /** @param {number} index */
  #canPick(index) {
    if (this.pending.has(index)) return false;
    return this.mine.has(index) || (this.pickable && this.tally.seats[index] === FREE);
  }

  /** @param {number} index */
  #dressArea(index) {
    const button = this.places[index];
    const free = this.tally.freeInArea[index];
    const mine = this.mineAreas.get(this.#model.areas[index].label) ?? 0;
    const facts = areaFacts(this.#model, index, free, mine, this);
    const title = element("span", "list-name", facts.title);
    title.dir = "auto";
    const category = facts.category === facts.title ? [] : [facts.category];
    const said = [facts.status, ...category, facts.price, ...facts.notes].filter(Boolean).join(" · ");
    button.replaceChildren(title, " ", element("span", "list-free", said));
    button.setAttribute("aria-disabled", String(!this.pickable || (free === 0 && mine === 0)));
    button.classList.toggle("faint", !this.#isChosen(this.#model.areas[index].category));
  }

  /** @param {number} index */
  #countSection(index) {
    const folder = this.sections.get(index);
    if (folder === undefined) return;
    const free = this.tally.freeInSection[index];
    const price = free ? this.tally.cheapest(index, this.prices) : undefined;
    const from = price ? [this.t("map.from", { price: this.format(price) })] : [];
    folder.said.textContent = [this.#free(free), ...from].join(" · ");
  }

  /** @param {number} index */
  #countRow(index) {
    const folder = this.rows.get(index);
    if (folder === undefined) return;
    const { seats } = this.#model.rows[index];
    folder.said.textContent = this.#free(seats.filter((i) => this.tally.seats[i] === FREE).length);
  }

  /** @param {number} n */
  #free(n) {
    return n === 0 ? this.t("map.soldOut") : this.t("map.free", { n });
  }

  #color() {
    if (this.model === null) return;
    themeOf(this.root, this.model.categories).full.forEach((color, i) => {
      this.root.style.setProperty(`--category-${i}`, color);
    });
  }

  // -- What is done with it

  /** @param {Event} event */
  #click(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button === null || button.getAttribute("aria-disabled") === "true") return;
    if (button.dataset.area !== undefined) this.onArea(button.dataset.area);
    else if (button.dataset.seat !== undefined) this.onPick(Number(button.dataset.index), button.dataset.seat);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const button = /** @type {HTMLElement} */ (event.target);
    if (button.dataset.seat === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const to = this.#towards(button, event.key);
    if (to === undefined) return;
    event.preventDefault();
    if (to === null) return;
    // Tab comes back to where one was in the row.
    for (const other of to.parentElement?.querySelectorAll("[data-seat]") ?? []) {
      /** @type {HTMLElement} */ (other).tabIndex = other === to ? 0 : -1;
    }
    to.focus();
  }

  /** The button that a key leads to; null where there is none, undefined for other keys.
   * @param {HTMLElement} from @param {string} key @returns {HTMLElement | null | undefined} */
  #towards(from, key) {
    const seats = [...(from.parentElement?.querySelectorAll("[data-seat]") ?? [])];
    const at = seats.indexOf(from);
    const back = getComputedStyle(from).direction === "rtl" ? 1 : -1;
    if (key === "Home") return /** @type {HTMLElement} */ (seats[0]);
    if (key === "End") return /** @type {HTMLElement} */ (seats[seats.length - 1]);
    if (key === "ArrowLeft") return /** @type {HTMLElement} */ (seats[at + back] ?? null);
    if (key === "ArrowRight") return /** @type {HTMLElement} */ (seats[at - back] ?? null);
    if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
    const rows = [...this.root.querySelectorAll(".list-row")].filter(
      (row) => /** @type {HTMLElement} */ (row).offsetParent !== null);
    const row = rows[rows.indexOf(/** @type {Element} */ (from.closest(".list-row"))) + (key === "ArrowUp" ? -1 : 1)];
    if (row === undefined) return null;
    // The seat that is nearest sideways, as rows differ in length.
    const x = this.#model.xs[Number(from.dataset.index)];
    const far = (/** @type {Element} */ one) =>
      Math.abs(this.#model.xs[Number(/** @type {HTMLElement} */ (one).dataset.index)] - x);
    const others = [...row.querySelectorAll("[data-seat]")].sort((a, b) => far(a) - far(b));
    return /** @type {HTMLElement} */ (others[0] ?? null);
  }
}

/** @param {string} tag @param {string} [kind] @param {string} [text] @returns {HTMLElement} */
function element(tag, kind = "", text = "") {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text) made.textContent = text;
  return made;
}
