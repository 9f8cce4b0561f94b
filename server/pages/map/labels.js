// @ts-check
// Names on the map as pictures, many on one sheet: writing them in each frame would be the
// slow part. What a name says may change often, so only so many are written anew per frame;
// the others stay as they were for a few frames more.

/** @typedef {{text: string, size: number, bold?: boolean, color: string}} Line */
/** @typedef {OffscreenCanvasRenderingContext2D} Context */
/** @typedef {{sheet: Context, x: number, y: number, key: string, width: number,
 *   height: number}} Slot Where on a sheet a label stands */

const WIDTH = 168; // px of a slot; what is wider is written narrower
const HEIGHT = 52;
const COLUMNS = 8;
const LINES = 8;
const SHEETS_MAX = 8;
const LEADING = 1.25;
const BUDGET_MS = 3; // of writing per frame
const WIDTHS_MAX = 20_000;

export class Labels {
  constructor() {
    /** @type {Map<string, Slot>} By whose label it is */
    this.slots = new Map();
    /** @type {Context[]} */
    this.sheets = [];
    /** @type {{whose: string, lines: Line[], x: number, y: number}[]} */
    this.wanted = [];
    /** @type {Map<string, number>} */
    this.widths = new Map();
    this.density = 1;
    this.font = "sans-serif";
    this.spent = 0;
    /** Whether labels wait to be written. */
    this.late = false;
    this.ruler = /** @type {Context} */ (new OffscreenCanvas(1, 1).getContext("2d"));
  }

  /** Begin anew, such as in other colours. @param {string} font @param {number} density */
  clear(font, density) {
    this.slots.clear();
    this.widths.clear();
    this.sheets = [];
    this.font = font;
    this.density = density;
  }

  /** Begin a frame. @param {number} [budget] ms */
  begin(budget = BUDGET_MS) {
    this.spent = -budget;
    this.late = false;
  }

  /** @param {Line} line */
  #fontOf(line) {
    return `${line.bold ? "600 " : ""}${line.size}px ${this.font}`;
  }

  /** How wide and high some lines are. @param {Line[]} lines */
  measure(lines) {
    let [width, height] = [0, 0];
    for (const line of lines) {
      const key = `${line.size}${line.bold ? "b" : " "}${line.text}`;
      let known = this.widths.get(key);
      if (known === undefined) {
        if (this.widths.size >= WIDTHS_MAX) this.widths.clear();
        this.ruler.font = this.#fontOf(line);
        known = this.ruler.measureText(line.text).width;
        this.widths.set(key, known);
      }
      width = Math.max(width, known);
      height += line.size * LEADING;
    }
    return { width: Math.min(width + 2, WIDTH), height: Math.min(height, HEIGHT) };
  }

  /**
   * Have a label drawn around a place of the screen.
   * @param {string} whose @param {Line[]} lines @param {number} x @param {number} y
   */
  put(whose, lines, x, y) {
    this.wanted.push({ whose, lines, x, y });
  }

  /** Draw what was put. All is written before any is copied: a sheet that is written on
   * between two copies would be copied as a whole. @param {CanvasRenderingContext2D} context */
  draw(context) {
    for (const { whose, lines } of this.wanted) {
      const key = lines.map((l) => `${l.size}${l.bold ? "b" : " "}${l.color}${l.text}`).join("\n");
      const slot = this.slots.get(whose);
      if (slot !== undefined && slot.key === key) continue;
      if (this.spent >= 0) this.late = true;
      else this.#write(whose, slot, lines, key);
    }
    const { density } = this;
    const snap = (/** @type {number} */ at) => Math.round(at * density) / density;
    for (const { whose, x, y } of this.wanted) {
      const slot = this.slots.get(whose);
      if (slot === undefined) continue;
      const { sheet, width, height } = slot;
      context.drawImage(
        sheet.canvas, slot.x * density, slot.y * density, width * density, height * density,
        snap(x - width / 2), snap(y - height / 2), width, height);
    }
    this.wanted.length = 0;
  }

  /** @param {string} whose @param {Slot | undefined} slot @param {Line[]} lines
   * @param {string} key */
  #write(whose, slot, lines, key) {
    const begun = performance.now();
    slot ??= this.#slot(whose);
    if (slot === undefined) return;
    const { sheet } = slot;
    const { width, height } = this.measure(lines);
    sheet.clearRect(slot.x, slot.y, WIDTH, HEIGHT);
    let y = slot.y;
    for (const line of lines) {
      sheet.font = this.#fontOf(line);
      sheet.fillStyle = line.color;
      sheet.fillText(line.text, slot.x + width / 2, y + line.size * 0.65, WIDTH);
      y += line.size * LEADING;
    }
    slot.key = key;
    slot.width = Math.ceil(width);
    slot.height = Math.ceil(height);
    this.spent += performance.now() - begun;
  }

  /** A place of its own on a sheet; none where there are too many. @param {string} whose */
  #slot(whose) {
    const at = this.slots.size;
    const each = COLUMNS * LINES;
    const number = Math.floor(at / each);
    if (number === SHEETS_MAX) return undefined;
    let sheet = this.sheets[number];
    if (sheet === undefined) {
      const { density } = this;
      const canvas = new OffscreenCanvas(
        Math.ceil(WIDTH * COLUMNS * density), Math.ceil(HEIGHT * LINES * density));
      sheet = /** @type {Context} */ (canvas.getContext("2d"));
      sheet.scale(density, density);
      sheet.textAlign = "center";
      sheet.textBaseline = "middle";
      this.sheets.push(sheet);
    }
    const place = at % each;
    const slot = {
      sheet, x: (place % COLUMNS) * WIDTH, y: Math.floor(place / COLUMNS) * HEIGHT,
      key: "", width: 0, height: 0,
    };
    this.slots.set(whose, slot);
    return slot;
  }
}
