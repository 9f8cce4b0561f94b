// A map, its list and its legend by themselves, with a state that tests change as they like.

import { EventState } from "/assets/000000000000/client/index.js";
import { Legend } from "/assets/000000000000/map/legend.js";
import { SeatList } from "/assets/000000000000/map/seat_list.js";
import { SeatMap } from "/assets/000000000000/map/seat_map.js";
import { isBlock } from "/assets/000000000000/map/seats.js";
import { targetAt } from "/assets/000000000000/map/target.js";
import { html, render } from "/assets/000000000000/vendor/preact/standalone.js";
import { words } from "/assets/000000000000/words/index.js";

const LETTERS = "fhbxo";

const rest = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

const map = await (await fetch("/map-stand.json")).json();
const t = await words("map");
const state = new EventState(map.seats.length);
const areas = Object.fromEntries(
  map.areas.map(({ label, capacity }) => [label, { free: capacity, held: 0, booked: 0, blocked: 0 }]),
);
state.applySnapshot({
  history_id: "h", epoch: 1, version: 1, seats: "f".repeat(map.seats.length), areas,
});
const prices = Object.fromEntries(
  map.categories.map(({ key }, i) => [key, { amount: 9500 - 1000 * i, currency: "EUR" }]),
);

const seatMap = new SeatMap(document.getElementById("map"), { t });
seatMap.show(map, state, prices);
const seatList = new SeatList(document.getElementById("list"), { t });
seatList.show(map, state, prices);
const picked = [];
for (const view of [seatMap, seatList]) {
  view.onPick = (index, label) => picked.push(label);
  view.onArea = (label) => picked.push(label);
}

let filter = null;
function showLegend() {
  render(html`<${Legend} map=${map} state=${state} prices=${prices} filter=${filter} t=${t}
    onFilter=${(next) => {
      filter = next;
      seatMap.setFilter(next);
      seatList.setFilter(next);
      showLegend();
    }} />`, document.getElementById("legend"));
}
showLegend();

/** Numbers that look random, and are the same each time. */
function randomOf(seed) {
  let at = seed;
  return (below) => {
    at = (at * 1103515245 + 12345) % 2147483648;
    return Math.floor((at / 2147483648) * below);
  };
}

let version = 1;

/** Take a delta with some seats changed to letters; tell the map and the list. */
function change(random, count) {
  const seats = {};
  for (let k = 0; k < count; k++) {
    const index = random(map.seats.length);
    (seats[LETTERS[random(LETTERS.length)]] ??= []).push(index);
  }
  const changed = {};
  if (map.areas.length > 0) {
    const { label, capacity } = map.areas[random(map.areas.length)];
    const free = random(capacity + 1);
    changed[label] = { free, held: capacity - free, booked: 0, blocked: 0 };
  }
  const frame = { history_id: "h", epoch: 1, from: version, to: ++version, seats, areas: changed };
  const indexes = state.applyDelta(frame);
  seatMap.changed(indexes, Object.keys(changed));
  seatList.changed(indexes, Object.keys(changed));
}

/** Draw until nothing more is to do. */
async function settle() {
  for (let still = 0; still < 12; still++) {
    await rest();
    if (seatMap.frame !== 0 || seatList.frame !== 0 || seatMap.flight !== null) still = 0;
  }
}

/** Where a seat's middle is in the window; the map goes there first, close enough. */
async function goTo(label, pitch = 30) {
  const index = seatMap.model.indexOf(label);
  const { model, view } = seatMap;
  seatMap.flyTo(model.xs[index], model.ys[index], pitch / model.sectionOf(index).pitch);
  await settle();
  const box = seatMap.canvas.getBoundingClientRect();
  return {
    x: box.left + view.screenX(model.xs[index]),
    y: box.top + view.screenY(model.ys[index]),
  };
}

/** The labels of seats that are not what is hit at their middles, on the screen or not. */
function missed() {
  const { model, view } = seatMap;
  const wrong = [];
  for (const section of model.sections) {
    view.set(view.centred(section.x, section.y, 12 / section.pitch));
    for (const row of section.rows) {
      for (const i of model.rows[row].seats) {
        const [x, y] = [view.screenX(model.xs[i]), view.screenY(model.ys[i])];
        const hit = isBlock(section, view.scale) ? null : targetAt(model, view, section.floor, x, y);
        if (hit?.kind !== "seat" || hit.index !== i) wrong.push(model.seats[i].label);
      }
    }
  }
  return wrong;
}

/** What of the list's buttons and counts is not as the state has it. */
function lies() {
  const wrong = [];
  const looks = { f: "free", h: "held", b: "booked", x: "closed", o: "closed" };
  const buttons = [...document.querySelectorAll("#list [data-seat]")];
  for (const button of buttons) {
    const letter = String.fromCharCode(state.seats[seatMap.model.indexOf(button.dataset.seat)]);
    if (button.dataset.status !== looks[letter]) wrong.push(button.dataset.seat);
  }
  for (const [index, { said }] of seatList.sections) {
    const free = map.seats.filter(
      (seat, i) => seatMap.model.sectionOf(i).index === index && state.seats[i] === 102).length;
    const text = free === 0 ? t("map.soldOut") : t("map.free", { n: free });
    if (said.textContent.split(" · ")[0] !== text) wrong.push(`${said.textContent}, not ${text}`);
  }
  for (const button of document.querySelectorAll("#list [data-area]")) {
    const { free } = state.areas.get(button.dataset.area);
    const text = free === 0 ? t("map.soldOut") : t("map.free", { n: free });
    if (!button.textContent.includes(text)) wrong.push(button.textContent);
  }
  return { wrong, buttons: buttons.length };
}

/** How many pixels of what was drawn bit by bit are not as when all is drawn anew. */
async function staleness() {
  await settle();
  const { canvas } = seatMap;
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  const pixels = () => {
    context.drawImage(canvas, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const before = pixels();
  seatMap.tiles.clear();
  seatMap.redraw();
  await settle();
  const after = pixels();
  let stale = 0;
  for (let i = 0; i < before.length; i += 4) {
    const far = Math.abs(before[i] - after[i]) + Math.abs(before[i + 1] - after[i + 1]) +
      Math.abs(before[i + 2] - after[i + 2]);
    if (far > 90) stale++;
  }
  return stale;
}

/** Show the same map as if it had just come, in a task of its own, which is measured. */
function showAnew(copy) {
  const root = document.createElement("div");
  document.body.prepend(root);
  return new Promise((done) => setTimeout(() => {
    new SeatMap(root, { t }).show(copy, state, prices);
    done();
  }));
}

window.stand = {
  map, state, seatMap, seatList, picked, random: randomOf(3), randomOf, change, rest, settle, goTo,
  missed, lies, staleness, showAnew,
};
await settle();
window.ready = true;
