// The page: choose an event, load its map, watch it, show what the board says.

import { Board } from "./board.js";
import { Buying } from "./buy.js";
import { Drawing } from "./canvas.js";
import { askJson, forget, guestToken } from "./visitor.js";

const EVENTS_EVERY_MS = 5_000;
const SUMMARY_EVERY_MS = 5_000;
const SILENCE_MS = 25_000; // a beat comes every 10 s, so this long means a dead line
const BACKOFF_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

const element = (id) => document.getElementById(id);
const buying = new Buying();
const drawing = new Drawing(element("venue"));
const summary = { text: "", at: 0, timer: 0 };

let events = [];
let chosen = new URLSearchParams(location.hash.slice(1)).get("event");
let watching = null; // the Watch of the event on show

// Reads need a token too where the server says so; asking with one is always right.
async function read(path) {
  const token = await guestToken();
  try {
    return await askJson(path, { token });
  } catch (error) {
    if (error.status !== 401) throw error;
    forget(token);
    return askJson(path, { token: await guestToken() });
  }
}

// -- One event on show

class Watch {
  constructor(event) {
    this.event = event;
    this.board = null;
    this.socket = null;
    this.failures = 0;
    this.pause_ms = 0; // how long the server asked us to stay away
    this.nextId = 1;
    this.token = null;
    this.awaited = 0; // id of the watch frame whose reply has not come yet
    this.heardAt = 0;
    this.timer = 0;
    this.ended = false;
    this.watchdog = setInterval(() => this.checkLine(), 1_000);
  }

  async start() {
    try {
      if (this.board === null) {
        const map = await read(`/v1/events/${encodeURIComponent(this.event.id)}/map`);
        if (this.ended) return;
        this.board = new Board(map);
        drawing.show(this.board);
        buying.show(this.event, map);
      }
      const token = await guestToken();
      if (!this.ended) this.connect(token);
    } catch {
      this.retry();
    }
  }

  connect(token) {
    this.token = token;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/v1/ws`, "onsale.v1.json");
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => {
      // A browser cannot send headers with a websocket, so hello carries the token.
      this.send({ op: "hello", token });
      this.watch();
    };
    socket.onmessage = (message) => {
      if (socket === this.socket) this.receive(JSON.parse(message.data));
    };
    socket.onclose = () => {
      if (socket === this.socket) this.retry();
    };
  }

  send(frame) {
    const id = this.nextId++;
    this.socket.send(JSON.stringify({ id, ...frame }));
    return id;
  }

  watch() {
    this.awaited = this.send({ op: "watch", event: this.event.id, since: this.board.since });
  }

  // Some deltas were missed: watching anew from our position brings them.
  resync() {
    this.send({ op: "unwatch", event: this.event.id });
    this.watch();
  }

  receive(frame) {
    this.heardAt = performance.now();
    if (frame.op === "refused" || frame.op === "error") {
      if (frame.code === "unauthenticated") forget(this.token);
      this.socket.close();
      return;
    }
    if (frame.op === "bye") {
      this.pause_ms = frame.retry_after_ms;
      return;
    }
    if (frame.id === this.awaited) this.awaited = 0;
    if (frame.event !== this.event.id) return;
    // What comes before the reply to `watch` belongs to the former watch.
    if (this.awaited !== 0 && frame.op !== "sale") return;
    if (frame.op === "snapshot") {
      this.board.applySnapshot(frame);
      drawing.redraw();
    } else if (frame.op === "delta") {
      const changed = this.board.applyDelta(frame);
      if (changed === null) return this.resync();
      drawing.change(changed);
    } else if (frame.op === "beat") {
      if (this.board.isBehind(frame)) return this.resync();
    } else if (frame.op === "sale") {
      this.event.status = frame.status;
      buying.showState(frame.status);
    } else {
      return;
    }
    this.failures = 0;
    showConnection("live");
    if (this.board.position !== null) showFigures(this);
  }

  checkLine() {
    const open = this.socket !== null && this.socket.readyState === WebSocket.OPEN;
    if (!open) return;
    const silence = performance.now() - this.heardAt;
    if (silence > SILENCE_MS) this.socket.close();
    // A close handshake over a dead line may never end, so do not wait for it.
    if (silence > SILENCE_MS + 3_000) this.retry();
  }

  retry() {
    if (this.ended || this.timer !== 0) return;
    this.socket = null;
    showConnection("connecting");
    const longest = BACKOFF_MS[Math.min(this.failures++, BACKOFF_MS.length - 1)];
    const pause = Math.max(this.pause_ms, longest * (0.5 + Math.random() / 2));
    this.pause_ms = 0;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.start();
    }, pause);
  }

  end() {
    this.ended = true;
    clearTimeout(this.timer);
    clearInterval(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}

// -- What is shown

function showConnection(state) {
  const pill = element("connection");
  if (pill.dataset.state === state) return;
  pill.dataset.state = state;
  pill.textContent = state;
}

function showFigures({ board, event }) {
  const counts = board.counts();
  for (const status of ["free", "held", "booked"]) {
    element(status).textContent = counts[status].toLocaleString();
  }
  const { history_id, epoch, version } = board.position;
  element("version").textContent = version.toLocaleString();
  element("position").textContent = `History ${history_id}, epoch ${epoch}`;
  buying.showFree(counts.free);
  const total = counts.free + counts.held + counts.booked;
  element("sold").value = total ? counts.booked / total : 0;

  const soldOut = total > 0 && counts.booked === total;
  const state = soldOut ? "sold_out" : event.status;
  const pill = element("sale");
  pill.dataset.state = state;
  pill.textContent = state.replaceAll("_", " ");
  summarize(
    `${event.name}: ${pill.textContent}. ${counts.free} free, ${counts.held} held,` +
      ` ${counts.booked} booked.`,
  );
}

// Read aloud now and then, not with every seat.
function summarize(text) {
  summary.text = text;
  if (summary.timer !== 0) return;
  const wait = Math.max(0, summary.at + SUMMARY_EVERY_MS - performance.now());
  summary.timer = setTimeout(() => {
    summary.timer = 0;
    summary.at = performance.now();
    element("summary").textContent = summary.text;
  }, wait);
}

function showEvent(event) {
  watching?.end();
  buying.hide();
  chosen = event.id;
  element("name").textContent = event.name;
  element("events").value = event.id;
  document.title = `${event.name} – Onsale`;
  for (const id of ["free", "held", "booked", "version"]) element(id).textContent = "–";
  showConnection("connecting");
  watching = new Watch({ ...event });
  watching.start();
}

// -- The list of events

async function listEvents() {
  const found = [];
  let path = "/v1/events?limit=200";
  for (let page = 0; page < 5; page++) {
    const { items, next_cursor } = await read(path);
    found.push(...items);
    if (!next_cursor) break;
    path = `/v1/events?limit=200&cursor=${encodeURIComponent(next_cursor)}`;
  }
  return found.filter((event) => event.status !== "draft");
}

// The newest that is on sale, else the newest of all.
function newest(list) {
  const age = (event) => event.created_at ?? event.starts_at ?? "";
  const byAge = [...list].sort((a, b) => (age(a) < age(b) ? 1 : -1));
  return byAge.find((event) => event.status === "on_sale") ?? byAge[0];
}

function fillChooser() {
  const select = element("events");
  const options = events.map((event) => new Option(event.name, event.id));
  if (options.length === 0) return;
  select.replaceChildren(...options);
  select.disabled = false;
  if (chosen !== null) select.value = chosen;
}

async function refreshEvents() {
  try {
    const listed = await listEvents();
    const same = JSON.stringify(listed.map(({ id, name }) => [id, name])) ===
      JSON.stringify(events.map(({ id, name }) => [id, name]));
    events = listed;
    if (!same) fillChooser();
    if (watching === null && events.length > 0) {
      showEvent(events.find(({ id }) => id === chosen) ?? newest(events));
    } else if (watching === null) {
      showConnection("waiting for an event");
    }
  } catch {
    if (watching === null) showConnection("connecting");
  }
  setTimeout(refreshEvents, watching === null ? 1_000 : EVENTS_EVERY_MS);
}

element("events").addEventListener("change", ({ target }) => {
  const event = events.find(({ id }) => id === target.value);
  if (event === undefined) return;
  history.replaceState(null, "", `#event=${encodeURIComponent(event.id)}`);
  showEvent(event);
});

// Another address of this page, typed or followed in the same tab.
addEventListener("hashchange", () => {
  const id = new URLSearchParams(location.hash.slice(1)).get("event");
  const event = events.find((one) => one.id === id);
  if (event !== undefined) showEvent(event);
});

refreshEvents();
