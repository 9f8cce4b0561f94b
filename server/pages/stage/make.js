// @ts-check
// Seats, tables and areas made of numbers: a draft of a venue as a map in our own format,
// and as pages show it. Nothing here knows a page.

export const SEAT = 20; // between two seats of a row, in the unit of the map
export const ROW = 24;
const BETWEEN = 60; // blocks
const AISLE = 1.2; // seats that an aisle is wide
const TABLE_SEAT = 22; // around a table
const STAGE_HEIGHT = 34;
const STAGE_AWAY = 50;
const STAGE_WIDTH = [160, 480];
const AREA_WIDTH = [120, 620];
const DEGREES = Math.PI / 180;

/**
 * @typedef {{id: string, kind: "rows", section: string, category: string, first: string,
 *   rows: number, seats: number, grows: number, start: number, from: "left" | "right",
 *   aisles: number[], bend: number} & Placing} RowsBlock
 * @typedef {{id: string, kind: "tables", section: string, category: string, first: string,
 *   tables: number, seats: number, abreast: number, whole: boolean} & Placing} TablesBlock
 * @typedef {{id: string, kind: "area", label: string, category: string,
 *   capacity: number} & Placing} AreaBlock
 * @typedef {{id: string, kind: "drawn", name: string, seats: any[], areas: any[]}} DrawnBlock
 * @typedef {{beside: boolean, right: number, back: number, turn: number}} Placing
 *   whether it stands beside the block before it; moved by so many seats and rows; turned
 *   by so many degrees
 * @typedef {RowsBlock | TablesBlock | AreaBlock | DrawnBlock} Block
 * @typedef {{accessible?: boolean, companion?: boolean, restricted?: boolean, gone?: boolean,
 *   category?: string}} Mark
 * @typedef {{categories: {key: string, label: string, color: string}[], blocks: Block[],
 *   marks: Record<string, Mark>, stage: string, focal: {x: number, y: number} | null,
 *   kept: any}} Plan `kept` is what an imported map draws beside its seats
 *   `stage` is what stands on the one before the first row, empty for none
 * @typedef {{seats: any[], areas: any[], shapes: any[]}} Made
 */

/** @param {string} text @returns {string} the label that follows: B, AA, R2 */
function following(text) {
  const counted = /^(.*?)(\d+)$/.exec(text);
  if (counted) return `${counted[1]}${Number(counted[2]) + 1}`;
  const lettered = /^(.*?)([A-Z]+)$/.exec(text);
  if (!lettered) return `${text} 2`;
  const letters = [...lettered[2]];
  for (let at = letters.length - 1; at >= 0; at--) {
    if (letters[at] !== "Z") {
      letters[at] = String.fromCharCode(letters[at].charCodeAt(0) + 1);
      return lettered[1] + letters.join("");
    }
    letters[at] = "A";
  }
  return `${lettered[1]}A${letters.join("")}`;
}

/** @param {string} first @param {number} count @returns {string[]} as many labels */
export function labelsFrom(first, count) {
  const labels = [];
  for (let label = first; labels.length < count; label = following(label)) labels.push(label);
  return labels;
}

/** @param {string | null} section @param {string | null} row @param {string} number */
export const labelOf = (section, row, number) =>
  [section, row, number].filter((one) => one !== null && one !== "").join("-");

/** @param {string} section @returns {string | null} */
const orNone = (section) => section.trim() || null;

/** @param {RowsBlock} block @returns {Made} */
function rowsOf(block) {
  const seats = [];
  const section = orNone(block.section);
  const names = labelsFrom(block.first, block.rows);
  /** @param {number} i @returns {number} where a seat stands in its row, in seats */
  const along = (i) => i + AISLE * block.aisles.filter((after) => after <= i).length;
  const width = along(block.seats - 1) * SEAT;
  const bend = Math.max(0, block.bend) * DEGREES;
  const radius = bend > 0 && width > 0 ? width / bend : 0;
  for (const [r, row] of names.entries()) {
    const count = Math.max(1, block.seats + block.grows * r);
    for (let i = 0; i < count; i++) {
      const x = (along(i) - along(count - 1) / 2) * SEAT;
      const far = radius + r * ROW;
      const at = block.from === "right" ? count - 1 - i : i;
      const number = String(block.start + at);
      seats.push({
        section, row, number, label: labelOf(section, row, number), category: block.category,
        x: radius ? far * Math.sin(x / far) : x,
        y: radius ? far * Math.cos(x / far) - radius : r * ROW,
      });
    }
  }
  return { seats, areas: [], shapes: [] };
}

/** @param {TablesBlock} block @returns {Made} */
function tablesOf(block) {
  const seats = [];
  const shapes = [];
  const section = orNone(block.section);
  const ring = Math.max(26, (block.seats * TABLE_SEAT) / (2 * Math.PI));
  const step = 2 * ring + 2.2 * SEAT;
  const abreast = Math.max(1, block.abreast);
  for (const [i, table] of labelsFrom(block.first, block.tables).entries()) {
    const x = (i % abreast) * step;
    const y = Math.floor(i / abreast) * step;
    const size = 2 * (ring - 0.6 * SEAT);
    shapes.push({ kind: "ellipse", role: "table", label: table, x, y, width: size, height: size });
    const usual = { section, category: block.category };
    if (block.whole) {
      seats.push({ ...usual, row: null, number: table, label: labelOf(section, null, table), x, y });
    }
    for (let seat = 0; seat < block.seats && !block.whole; seat++) {
      const turn = (2 * Math.PI * seat) / block.seats - Math.PI / 2;
      const number = String(seat + 1);
      seats.push({
        ...usual, row: table, number, label: labelOf(section, table, number),
        x: x + ring * Math.cos(turn), y: y + ring * Math.sin(turn),
      });
    }
  }
  return { seats, areas: [], shapes };
}

/** @param {AreaBlock} block @returns {Made} */
function areaOf(block) {
  const width = Math.min(AREA_WIDTH[1], Math.max(AREA_WIDTH[0], 14 * Math.sqrt(block.capacity)));
  const { label, capacity, category } = block;
  const shape = { kind: "rectangle", role: "area", label, x: 0, y: 0, width, height: width / 2 };
  return { seats: [], areas: [{ label, capacity, category, section: null, x: 0, y: 0 }], shapes: [shape] };
}

/** @param {Made} made @param {(x: number, y: number) => [number, number]} move @param {number} turn */
function moved(made, move, turn) {
  const place = (/** @type {any} */ one) => {
    if (one.x === null) return one;
    const [x, y] = move(one.x, one.y);
    return { ...one, x: rounded(x), y: rounded(y) };
  };
  return {
    seats: made.seats.map(place),
    areas: made.areas.map(place),
    shapes: made.shapes.map((one) => (turn ? { ...place(one), rotation: turn } : place(one))),
  };
}

/** @param {number} value */
const rounded = (value) => Math.round(value * 100) / 100;

/** @param {Made} made @returns {{x0: number, y0: number, x1: number, y1: number}} */
function boxOf(made) {
  const box = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  const grow = (/** @type {number} */ x, /** @type {number} */ y, w = 0, h = 0) => {
    box.x0 = Math.min(box.x0, x - w / 2);
    box.x1 = Math.max(box.x1, x + w / 2);
    box.y0 = Math.min(box.y0, y - h / 2);
    box.y1 = Math.max(box.y1, y + h / 2);
  };
  for (const one of [...made.seats, ...made.areas]) if (one.x !== null) grow(one.x, one.y);
  for (const one of made.shapes) {
    if (!one.points) grow(one.x ?? 0, one.y ?? 0, one.width, one.height);
    for (let i = 0; i < (one.points?.length ?? 0); i += 2) grow(one.points[i], one.points[i + 1]);
  }
  return box;
}

const MAKERS = { rows: rowsOf, tables: tablesOf, area: areaOf };

/** @param {any} block made of numbers @returns {Made & {box: any}} turned, around nothing yet */
function standing(block) {
  const made = MAKERS[/** @type {keyof typeof MAKERS} */ (block.kind)](block);
  const [sin, cos] = [Math.sin(block.turn * DEGREES), Math.cos(block.turn * DEGREES)];
  const turned = moved(made, (x, y) => [x * cos - y * sin, x * sin + y * cos], block.turn);
  return { ...turned, box: boxOf(turned) };
}

/**
 * Blocks in lines behind each other, each line in the middle; what was drawn stays.
 * @param {Block[]} blocks @returns {Made[]} in the same order
 */
function laidOut(blocks) {
  const drawn = blocks.filter((one) => one.kind === "drawn");
  const before = boxOf({
    seats: drawn.flatMap((one) => /** @type {any} */ (one).seats),
    areas: drawn.flatMap((one) => /** @type {any} */ (one).areas), shapes: [],
  });
  let y = drawn.length > 0 && before.y1 > -Infinity ? before.y1 + BETWEEN : 0;
  const middle = drawn.length > 0 && before.x1 > -Infinity ? (before.x0 + before.x1) / 2 : 0;
  /** @type {Map<Block, Made>} */
  const placed = new Map();
  for (const one of drawn) placed.set(one, { seats: one.seats, areas: one.areas, shapes: [] });
  for (const line of linesOf(blocks.filter((one) => one.kind !== "drawn"))) {
    const made = line.map(standing);
    const width = made.reduce((sum, { box }) => sum + box.x1 - box.x0, BETWEEN * (made.length - 1));
    let x = middle - width / 2;
    for (const [i, one] of made.entries()) {
      const block = line[i];
      const [dx, dy] = [x - one.box.x0 + block.right * SEAT, y - one.box.y0 + block.back * ROW];
      placed.set(block, moved(one, (px, py) => [px + dx, py + dy], 0));
      x += one.box.x1 - one.box.x0 + BETWEEN;
    }
    y += Math.max(...made.map(({ box }) => box.y1 - box.y0)) + BETWEEN;
  }
  return blocks.map((one) => /** @type {Made} */ (placed.get(one)));
}

/** @param {any[]} blocks @returns {any[][]} those that stand beside each other */
function linesOf(blocks) {
  /** @type {any[][]} */
  const lines = [];
  for (const one of blocks) {
    if (one.beside && lines.length > 0) lines[lines.length - 1].push(one);
    else lines.push([one]);
  }
  return lines;
}

/** @param {any} seat @param {Mark | undefined} mark */
function marked(seat, mark) {
  if (mark === undefined) return seat;
  const { gone: _, ...rest } = mark;
  return { ...seat, ...rest };
}

/** @param {Made} all @param {string} label @returns {any} a stage before everything */
function stageOf(all, label) {
  const box = boxOf(all);
  if (box.x1 === -Infinity) return null;
  const width = Math.min(STAGE_WIDTH[1], Math.max(STAGE_WIDTH[0], (box.x1 - box.x0) / 2));
  return {
    kind: "rectangle", role: "stage", label, x: rounded((box.x0 + box.x1) / 2),
    y: rounded(box.y0 - STAGE_AWAY - STAGE_HEIGHT / 2), width: rounded(width), height: STAGE_HEIGHT,
  };
}

/**
 * The map of a plan, as `POST /v1/venues` takes it and as pages show it: only that seats
 * have an `index` there, too.
 * @param {Plan} plan
 */
export function mapOf(plan) {
  const parts = laidOut(plan.blocks);
  const seats = parts.flatMap((one) => one.seats)
    .filter((one) => !plan.marks[one.label]?.gone)
    .map((one, index) => ({
      accessible: false, companion: false, restricted: false, ...marked(one, plan.marks[one.label]), index,
    }));
  const areas = parts.flatMap((one) => one.areas);
  const shapes = [...(plan.kept?.drawing?.shapes ?? []), ...parts.flatMap((one) => one.shapes)];
  const stage = plan.stage ? stageOf({ seats, areas, shapes }, plan.stage) : null;
  if (stage !== null) shapes.push(stage);
  const before = stage && { x: stage.x, y: stage.y + STAGE_HEIGHT / 2 };
  return {
    categories: plan.categories.map(({ key, label, color }) => ({ key, label, color })),
    seats, areas,
    focal_point: plan.focal ?? before ?? plan.kept?.focal_point ?? null,
    ...(plan.kept?.section_focal_points && { section_focal_points: plan.kept.section_focal_points }),
    drawing: { ...plan.kept?.drawing, shapes },
  };
}

/** @param {any} map of our own @returns {string[]} labels that two have */
export function doubled(map) {
  const once = new Set();
  const twice = new Set();
  for (const { label } of [...map.seats, ...map.areas]) (once.has(label) ? twice : once).add(label);
  return [...twice];
}
