// @ts-check
// The colours of the map: those of the theme, and one for each category that can be told
// from the paper it stands on and from the others, in light and dark.

// For categories that the chart gives no colour, or the same as others; far apart in hue.
// Blue is last: it is what one's own seats are unless a shop has a colour of its own.
const PALETTE = [
  "#d9632a", "#1d8a5f", "#a8479c", "#8a6d00", "#0f8aa3", "#c2384f", "#6b5bd0", "#5d7a1f",
  "#a35a2e", "#3f6f8f", "#b04a78", "#1f6fd6",
];
const NO_COLOR = "#888888"; // what a chart has for a category without one
const CONTRAST_MIN = 3.1; // AA asks 3 for what is no text
const APART_MIN = 34; // of 441, between two categories

/** @typedef {[number, number, number]} Rgb 0 to 255 */

/** @type {CanvasRenderingContext2D | null} */
let reader = null;

/** @param {string} color Of a style sheet @param {Rgb} [otherwise] @returns {Rgb} */
export function rgbOf(color, otherwise = [136, 136, 136]) {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(color);
  if (short) return /** @type {Rgb} */ (short.slice(1).map((one) => parseInt(one + one, 16)));
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  if (long) return /** @type {Rgb} */ (long.slice(1).map((one) => parseInt(one, 16)));
  if (!CSS.supports("color", color)) return otherwise;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  reader ??= canvas.getContext("2d", { willReadFrequently: true });
  if (reader === null) return otherwise;
  reader.fillStyle = color;
  reader.fillRect(0, 0, 1, 1);
  const [r, g, b] = reader.getImageData(0, 0, 1, 1).data;
  return [r, g, b];
}

/** @param {Rgb} rgb */
export function cssOf([r, g, b]) {
  return `rgb(${Math.round(r)},${Math.round(g)},${Math.round(b)})`;
}

/** @param {Rgb} a @param {Rgb} b @param {number} share Of a, 0 to 1 @returns {Rgb} */
export function mix(a, b, share) {
  return /** @type {Rgb} */ (a.map((one, i) => one * share + b[i] * (1 - share)));
}

/** @param {Rgb} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((one) => {
    const c = one / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** How well two colours can be told apart by light, 1 to 21. @param {Rgb} a @param {Rgb} b */
export function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** Black or white, whichever is read better on a colour. @param {Rgb} rgb */
export function inkOn(rgb) {
  return contrast(rgb, [255, 255, 255]) >= contrast(rgb, [12, 16, 22]) ? "#ffffff" : "#0c1016";
}

/** @param {Rgb} a @param {Rgb} b */
function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** A colour made dark or light enough for a paper. @param {Rgb} rgb @param {Rgb} paper */
function readable(rgb, paper) {
  /** @type {Rgb} */
  const towards = luminance(paper) > 0.4 ? [0, 0, 0] : [255, 255, 255];
  let found = rgb;
  for (let share = 1; contrast(found, paper) < CONTRAST_MIN && share > 0; share -= 0.04) {
    found = mix(rgb, towards, share);
  }
  return found;
}

/**
 * One colour for each category, in their order.
 * @param {{color?: string}[]} categories @param {Rgb} paper What they stand on
 * @returns {Rgb[]}
 */
export function categoryColors(categories, paper) {
  /** @type {Rgb[]} */
  const colors = [];
  let next = 0;
  for (const { color } of categories) {
    let rgb = readable(rgbOf(color ?? NO_COLOR), paper);
    const near = () => colors.some((other) => distance(other, rgb) < APART_MIN);
    if (categories.length > 1 && ((color ?? NO_COLOR) === NO_COLOR || near())) {
      // Where the palette is used up, two of many categories may look alike.
      for (let tried = 0; tried < PALETTE.length; tried++) {
        rgb = readable(rgbOf(PALETTE[next++ % PALETTE.length]), paper);
        if (!near()) break;
      }
    }
    colors.push(rgb);
  }
  return colors;
}

/**
 * @typedef {object} Theme
 * @property {string} paper @property {string} ink @property {string} quiet
 * @property {string} line @property {string} block @property {string} gone
 * @property {string} goneInk @property {string} mine @property {string} onMine
 * @property {string} stage @property {string} font
 * @property {Rgb} paperRgb
 * @property {Rgb[]} rgb Of the categories
 * @property {string[]} full @property {string[]} dim @property {string[]} faint
 * @property {string[]} tint @property {string[]} inks
 */

/**
 * The colours of an element's theme for some categories.
 * @param {Element} element Where `map.css` names them @param {{color?: string}[]} categories
 * @returns {Theme}
 */
export function themeOf(element, categories) {
  const style = getComputedStyle(element);
  const named = (/** @type {string} */ name) => style.getPropertyValue(`--map-${name}`).trim();
  const paperRgb = rgbOf(named("paper"), [255, 255, 255]);
  const rgb = categoryColors(categories, paperRgb);
  const towardsPaper = (/** @type {number} */ share) =>
    rgb.map((one) => cssOf(mix(one, paperRgb, share)));
  return {
    paper: cssOf(paperRgb), ink: named("ink"), quiet: named("quiet"), line: named("line"),
    block: named("block"), gone: named("gone"), goneInk: named("gone-ink"),
    mine: named("mine"), onMine: named("on-mine"), stage: named("stage"),
    font: style.fontFamily, paperRgb, rgb,
    full: rgb.map(cssOf), dim: towardsPaper(0.5), faint: towardsPaper(0.22),
    tint: towardsPaper(0.3), inks: rgb.map(inkOn),
  };
}
