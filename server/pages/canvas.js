// Draws a board on a canvas: everything when the size or the snapshot changes, else only
// the seats that changed, at most once per animation frame.

const MARGIN = 14;
const AREA_WIDTH = 104;
const AREA_HEIGHT = 46;
const SPACING_MAX = 28; // so that three seats do not fill the screen

const STATUS_OF_CODE = { 102: "free", 104: "held", 98: "booked", 120: "blocked", 111: "other" };

export class Drawing {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.board = null;
    this.dirty = new Set();
    this.everything = true;
    this.frame = 0;
    new ResizeObserver(() => this.redraw()).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  show(board) {
    this.board = board;
    this.bounds = findBounds(board.map);
    this.redraw();
  }

  redraw() {
    this.everything = true;
    this.request();
  }

  change(indexes) {
    for (const index of indexes) this.dirty.add(index);
    this.request();
  }

  request() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    if (this.board === null) return;
    if (this.everything) {
      this.everything = false;
      this.layOut();
      this.drawSeats(this.board.seats.keys());
    } else {
      this.drawSeats(this.dirty);
    }
    this.dirty.clear();
    this.board.map.areas.forEach((area, i) => this.drawArea(area, this.areaPlaces[i]));
  }

  layOut() {
    const { canvas, context, bounds } = this;
    const style = getComputedStyle(canvas);
    this.colors = Object.fromEntries(
      ["card", "ink", "quiet", "line", "free", "held", "booked", "blocked", "other"].map(
        (name) => [name, style.getPropertyValue(`--${name}`).trim()],
      ),
    );
    const width = canvas.parentElement.clientWidth - 16;
    const room = Math.max(width - 2 * MARGIN, 50);
    const tallest = Math.max(240, innerHeight * 0.7);
    const largest = SPACING_MAX / bounds.spacing;
    const scale = Math.min(room / bounds.width, tallest / bounds.height, largest);
    const drawn = this.board.map.seats.length ? bounds.height * scale : 0;
    const left = (width - bounds.width * scale) / 2;
    const place = (x, y) => [left + (x - bounds.x) * scale, MARGIN + (y - bounds.y) * scale];
    this.seatPlaces = this.board.map.seats.map((seat) => place(seat.x, seat.y));
    this.seatSize = Math.max(1, bounds.spacing * scale * 0.78);
    const height = this.placeAreas(place, width, MARGIN + drawn + 8) + MARGIN;

    const density = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    context.setTransform(density, 0, 0, density, 0, 0);
    context.fillStyle = this.colors.card;
    context.fillRect(0, 0, width, height);
    this.drawFocalPoint(place);
  }

  // Areas stand where the map puts them; those without a place, or all of them where the
  // drawing is too small to keep them apart, stand in lines below. Returns the lower end.
  placeAreas(place, width, top) {
    const { areas } = this.board.map;
    const placed = areas.map(({ x, y }) => (x == null || y == null ? null : place(x, y)));
    if (haveOverlap(placed.filter((point) => point !== null))) placed.fill(null);
    const perLine = Math.max(1, Math.floor((width - MARGIN) / (AREA_WIDTH + 8)));
    let shelved = 0;
    this.areaPlaces = placed.map((point) => {
      if (point !== null) return point;
      const column = shelved % perLine;
      const line = Math.floor(shelved++ / perLine);
      return [
        MARGIN + AREA_WIDTH / 2 + column * (AREA_WIDTH + 8),
        top + AREA_HEIGHT / 2 + line * (AREA_HEIGHT + 8),
      ];
    });
    return top + Math.ceil(shelved / perLine) * (AREA_HEIGHT + 8);
  }

  drawFocalPoint(place) {
    const point = this.board.map.focal_point;
    if (!point) return;
    const [x, y] = place(point.x, point.y);
    this.context.fillStyle = this.colors.line;
    this.context.beginPath();
    this.context.arc(x, y, 5, 0, 2 * Math.PI);
    this.context.fill();
  }

  // One path per status: a fill for each of 20,000 seats would be the slow part.
  drawSeats(indexes) {
    const paths = new Map();
    const size = this.seatSize;
    for (const index of indexes) {
      const status = STATUS_OF_CODE[this.board.seats[index]] ?? "other";
      let path = paths.get(status);
      if (path === undefined) paths.set(status, (path = new Path2D()));
      const [x, y] = this.seatPlaces[index];
      path.rect(x - size / 2, y - size / 2, size, size);
    }
    for (const [status, path] of paths) {
      // The background first, so that no rim of the former colour shines through.
      this.context.fillStyle = this.colors.card;
      this.context.fill(path);
      this.context.fillStyle = this.colors[status];
      this.context.fill(path);
    }
  }

  drawArea(area, [x, y]) {
    const { context, colors } = this;
    const counts = this.board.areas.get(area.label);
    const left = x - AREA_WIDTH / 2;
    const top = y - AREA_HEIGHT / 2;
    context.fillStyle = colors.card;
    context.fillRect(left, top, AREA_WIDTH, AREA_HEIGHT);
    if (counts) {
      let from = left;
      for (const status of ["booked", "held", "free", "blocked"]) {
        const share = (AREA_WIDTH * (counts[status] ?? 0)) / area.capacity;
        context.fillStyle = colors[status];
        context.fillRect(from, top + AREA_HEIGHT - 8, share, 8);
        from += share;
      }
    }
    context.strokeStyle = colors.line;
    context.strokeRect(left + 0.5, top + 0.5, AREA_WIDTH - 1, AREA_HEIGHT - 1);
    context.textAlign = "center";
    context.fillStyle = colors.ink;
    context.font = "600 12px system-ui, sans-serif";
    context.fillText(area.label, x, top + 15, AREA_WIDTH - 8);
    context.fillStyle = colors.quiet;
    context.font = "11px system-ui, sans-serif";
    const free = counts ? `${counts.free.toLocaleString()} free` : "…";
    context.fillText(free, x, top + 30, AREA_WIDTH - 8);
  }
}

function haveOverlap(points) {
  return points.some(([x, y], i) =>
    points.slice(i + 1).some(
      ([u, v]) => Math.abs(x - u) < AREA_WIDTH + 4 && Math.abs(y - v) < AREA_HEIGHT + 4,
    ),
  );
}

function findBounds(map) {
  const points = [...map.seats, ...map.areas.filter((area) => area.x != null)];
  if (map.focal_point) points.push(map.focal_point);
  if (points.length === 0) return { x: 0, y: 0, width: 1, height: 1, spacing: 1 };
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const spacing = findSpacing(map.seats);
  return {
    x: left,
    y: top,
    width: Math.max(right - left, spacing),
    height: Math.max(bottom - top, spacing),
    spacing,
  };
}

// The usual distance between two seats that follow each other in a row.
function findSpacing(seats) {
  const steps = [];
  for (let i = 1; i < seats.length; i++) {
    const [a, b] = [seats[i - 1], seats[i]];
    if (a.row === b.row && a.section === b.section) steps.push(Math.hypot(a.x - b.x, a.y - b.y));
  }
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] || 1;
}
