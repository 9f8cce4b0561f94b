// @ts-check
// A QR code of a text, as the path of an SVG. ISO/IEC 18004, of which this is a part: bytes,
// the lowest level of correction, for what is shown on a screen, and one mask, since what it
// is made for is as good as random.

// For each version, at the lowest level: bytes of correction in a block, and blocks.
const CORRECTION = [
  7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
  28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
];
const BLOCKS = [
  1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
  8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25,
];
const LEVEL_AND_MASK = (1 << 3) | 2;
const POLYNOMIAL = 0x11d;
const FORMAT_POLYNOMIAL = 0x537;
const FORMAT_MASK = 0x5412;
const VERSION_POLYNOMIAL = 0x1f25;
const BYTES_MODE = 4;
const PADS = [0xec, 0x11];

/** @param {number} version @returns {number} modules that carry data and correction */
function capacityOf(version) {
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const aligned = Math.floor(version / 7) + 2;
    modules -= (25 * aligned - 10) * aligned - 55;
    if (version >= 7) modules -= 36;
  }
  return modules;
}

/** @param {number} version */
const dataBytes = (version) =>
  Math.floor(capacityOf(version) / 8) - CORRECTION[version - 1] * BLOCKS[version - 1];

/** @param {number} x @param {number} y @returns {number} their product in the field */
function times(x, y) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >>> 7) * POLYNOMIAL);
    product ^= ((y >>> bit) & 1) * x;
  }
  return product;
}

/** @param {number} degree @returns {number[]} what a block is divided by */
function divisorOf(degree) {
  const divisor = Array(degree).fill(0);
  divisor[degree - 1] = 1;
  for (let root = 1, step = 0; step < degree; step++, root = times(root, 2)) {
    for (let at = 0; at < degree; at++) {
      divisor[at] = times(divisor[at], root) ^ (divisor[at + 1] ?? 0);
    }
  }
  return divisor;
}

/** @param {number[]} data @param {number[]} divisor @returns {number[]} bytes of correction */
function correctionOf(data, divisor) {
  const rest = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ /** @type {number} */ (rest.shift());
    rest.push(0);
    divisor.forEach((one, at) => (rest[at] ^= times(one, factor)));
  }
  return rest;
}

/** @param {Uint8Array} bytes @param {number} version @returns {number[]} all that is drawn */
function codewordsOf(bytes, version) {
  /** @type {number[]} */
  const bits = [];
  const push = (/** @type {number} */ value, /** @type {number} */ length) => {
    for (let at = length - 1; at >= 0; at--) bits.push((value >>> at) & 1);
  };
  push(BYTES_MODE, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) push(byte, 8);
  const size = dataBytes(version) * 8;
  push(0, Math.min(4, size - bits.length));
  push(0, -bits.length & 7);
  for (let at = 0; bits.length < size; at++) push(PADS[at % 2], 8);
  const data = Array.from({ length: size / 8 }, (_, at) =>
    bits.slice(at * 8, at * 8 + 8).reduce((sum, bit) => (sum << 1) | bit, 0));
  return interleaved(data, version);
}

/** @param {number[]} data @param {number} version @returns {number[]} by its blocks */
function interleaved(data, version) {
  const count = BLOCKS[version - 1];
  const degree = CORRECTION[version - 1];
  const whole = Math.floor(capacityOf(version) / 8);
  const short = count - (whole % count);
  const shortLength = Math.floor(whole / count) - degree;
  const divisor = divisorOf(degree);
  let at = 0;
  const blocks = Array.from({ length: count }, (_, block) => {
    const length = shortLength + (block < short ? 0 : 1);
    const part = data.slice(at, at + length);
    at += length;
    return { part, rest: correctionOf(part, divisor) };
  });
  const found = [];
  for (let column = 0; column <= shortLength; column++) {
    for (const { part } of blocks) if (column < part.length) found.push(part[column]);
  }
  for (let column = 0; column < degree; column++) {
    for (const { rest } of blocks) found.push(rest[column]);
  }
  return found;
}

/** @param {number} value @param {number} bits @param {number} polynomial */
function withRest(value, bits, polynomial) {
  let rest = value;
  for (let step = 0; step < bits; step++) {
    rest = (rest << 1) ^ ((rest >>> (bits - 1)) * polynomial);
  }
  return (value << bits) | rest;
}

/** A square of modules; those that are no data are `fixed`. */
class Grid {
  /** @param {number} version */
  constructor(version) {
    this.version = version;
    this.size = version * 4 + 17;
    this.dark = Array.from({ length: this.size }, () => Array(this.size).fill(false));
    this.fixed = Array.from({ length: this.size }, () => Array(this.size).fill(false));
    this.drawPatterns();
  }

  /** @param {number} x @param {number} y @param {boolean} dark */
  fix(x, y, dark) {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.dark[y][x] = dark;
    this.fixed[y][x] = true;
  }

  drawPatterns() {
    const { size, version } = this;
    for (let at = 0; at < size; at++) {
      this.fix(6, at, at % 2 === 0);
      this.fix(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) this.square(x, y, 4);
    const places = this.alignments();
    const last = places.length - 1;
    places.forEach((x, i) => places.forEach((y, j) => {
      const corner = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
      if (!corner) this.square(x, y, 2);
    }));
    this.drawFormat();
    if (version < 7) return;
    const bits = withRest(version, 12, VERSION_POLYNOMIAL);
    for (let at = 0; at < 18; at++) {
      const dark = ((bits >>> at) & 1) === 1;
      const [far, near] = [size - 11 + (at % 3), Math.floor(at / 3)];
      this.fix(far, near, dark);
      this.fix(near, far, dark);
    }
  }

  /** Rings around a middle: dark, light, dark. @param {number} x @param {number} y
   * @param {number} reach 4 is a finder with its white, 2 an alignment */
  square(x, y, reach) {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        this.fix(x + dx, y + dy, reach === 4 ? ring !== 2 && ring !== 4 : ring !== 1);
      }
    }
  }

  /** @returns {number[]} where alignments are, in both directions */
  alignments() {
    const { version, size } = this;
    if (version === 1) return [];
    const count = Math.floor(version / 7) + 2;
    const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
    const rest = Array.from({ length: count - 1 }, (_, at) => size - 7 - at * step);
    return [6, ...rest.reverse()];
  }

  drawFormat() {
    const { size } = this;
    const bits = withRest(LEVEL_AND_MASK, 10, FORMAT_POLYNOMIAL) ^ FORMAT_MASK;
    const bit = (/** @type {number} */ at) => ((bits >>> at) & 1) === 1;
    for (let at = 0; at <= 5; at++) this.fix(8, at, bit(at));
    this.fix(8, 7, bit(6));
    this.fix(8, 8, bit(7));
    this.fix(7, 8, bit(8));
    for (let at = 9; at < 15; at++) this.fix(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at++) this.fix(size - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at++) this.fix(8, size - 15 + at, bit(at));
    this.fix(8, size - 8, true);
  }

  /** Two columns at a time, up and down, from the right. @param {number[]} words */
  drawData(words) {
    const { size } = this;
    let at = 0;
    for (let right = size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      const up = ((right + 1) & 2) === 0;
      for (let step = 0; step < size; step++) {
        const y = up ? size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y][x]) continue;
          const word = words[at >>> 3] ?? 0;
          const dark = ((word >>> (7 - (at & 7))) & 1) === 1;
          at++;
          // The mask: each third column the other way round.
          this.dark[y][x] = dark !== (x % 3 === 0);
        }
      }
    }
  }
}

/**
 * @param {string} text @returns {{size: number, path: string}} in modules, without the white
 *   around it; dark is what the path covers
 */
export function qrPath(text) {
  const bytes = new TextEncoder().encode(text);
  let version = 1;
  while (version <= BLOCKS.length && dataBytes(version) < bytes.length + (version < 10 ? 2 : 3)) {
    version++;
  }
  if (version > BLOCKS.length) throw new RangeError("This is too long for a QR code.");
  const grid = new Grid(version);
  grid.drawData(codewordsOf(bytes, version));
  const parts = grid.dark.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { size: grid.size, path: parts.join("") };
}
