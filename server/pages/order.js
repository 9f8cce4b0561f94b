// The page of one order: what became of it, what to do next, and its tickets.
//
// It believes the server alone: the provider leads back here whether or not anything was
// paid. The frame `order` tells when to look again, and a slow poll where no frame comes.

import { onSignIn, showAway, showOwn } from "./away.js";
import { qrOf } from "./copies.js";
import { onLookUp } from "./look_up.js";
import { OrderLine } from "./order_line.js";
import { OPEN, wordsOf } from "./order_words.js";
import { isOpened, keepOpened } from "./opened.js";
import { Refused, ask, askJson, forget, readOwn } from "./visitor.js";
import { amountText, element, leftText, make, momentText, moneyText, say } from "./words.js";

const POLL_MS = 20_000;
const TICKETS_MS = [500, 1_000, 2_000, 4_000, 8_000, 30_000]; // they follow the booking
const STATES = { offered: "on its way to somebody else", locked: "being given back",
  revoked: "not valid any more" };

const id = location.pathname.split("/")[2];
const path = `/v1/orders/${id}`;
const line = new OrderLine(id, () => load());

let order = null;
let token = null;
let ahead = 0; // of our clock, the server's
let timer = 0;
let looks = 0; // for tickets
let loading = null;

// One at a time, and once more where somebody asked meanwhile.
function load() {
  if (loading !== null) {
    loading.again = true;
    return loading.done;
  }
  const now = { again: false };
  loading = now;
  now.done = read().finally(() => {
    loading = null;
    if (now.again) load();
  });
  return now.done;
}

async function read() {
  clearTimeout(timer);
  try {
    const found = await readOwn(path);
    if (found === null) return away(null);
    token = found.token;
    ahead = found.at - Date.now();
    trouble("");
    show(found.document);
  } catch (error) {
    if (error instanceof Refused && [401, 404].includes(error.status)) return away(error);
    trouble("The server cannot be reached just now. This page goes on by itself.");
  }
  lookAgain();
}

// A link from a mail has a secret behind the #. It leaves the address bar once it is used:
// pictures of the screen, and who reads the history, need not have it.
async function begin() {
  const secret = location.hash.slice(1);
  let refused = "";
  if (secret) {
    try {
      const opened = await askJson(`${path}/open`, { method: "POST", body: { secret } });
      keepOpened(opened.access_token, Date.now() + opened.expires_in * 1_000);
      history.replaceState(null, "", location.pathname);
    } catch (error) {
      refused = error instanceof Refused ? error.message : "The server cannot be reached.";
    }
  }
  await load();
  if (refused && order === null) trouble(refused);
}

function away(refused) {
  line.end();
  trouble("");
  showAway(refused);
}

function lookAgain() {
  const waits = order === null || OPEN.has(order.status);
  const lacks = order?.status === "confirmed" && !order.tickets.length ||
    order?.tickets.some(({ status }) => status === "locked");
  if (waits) timer = setTimeout(load, POLL_MS);
  else if (lacks) {
    const pause = TICKETS_MS[Math.min(looks++, TICKETS_MS.length - 1)];
    timer = setTimeout(load, pause);
  }
  // Money may come late, or go back: only what is over needs no line.
  if (order?.status === "completed") line.end();
  else if (token !== null && !isOpened(token)) line.hold(token);
}

function trouble(text) {
  say("trouble", text);
}

// -- What is shown

function show(document_) {
  order = document_;
  const words = wordsOf(order);
  document.title = `${words.headline} – Onsale`;
  const pill = element("status");
  pill.textContent = order.status.replaceAll("_", " ");
  pill.dataset.state = order.status;
  say("headline", words.headline);
  say("words", words.words);
  say("refund", words.refund);
  say("due", words.due);
  showPaying();
  showBill();
  showTickets();
  element("cancel").hidden = !words.mayCancel;
  showOwn();
}

function showPaying() {
  const pays = order.status === "payment_pending" && order.pay_until !== null;
  const link = element("pay");
  link.hidden = !pays || order.payment === null;
  element("again").hidden = !pays || order.payment !== null || isOpened(token);
  if (!link.hidden) {
    link.href = order.payment.url;
    link.textContent = `Pay ${moneyText(order.total)}`;
  }
  countDown();
}

function countDown() {
  const until = order?.status === "payment_pending" ? order.pay_until : null;
  element("left-line").hidden = until === null || until === undefined;
  if (!until) return;
  const left = Date.parse(until) - Date.now() - ahead;
  element("left").textContent = leftText(left);
  // The server says what that means; it gives the payment a moment to end.
  if (left < 0 && left > -1_500) load();
}

function showBill() {
  const { event, lines, currency, total } = order;
  say("event", event.name);
  say("when", momentText(event.starts_at, event.timezone));
  element("reference").textContent = order.reference;
  element("bill").hidden = !lines.length;
  element("lines").replaceChildren(...lines.map((one) => rowOf(one, currency)));
  element("total").textContent = total === null ? "nothing" : moneyText(total);
  const live = lines.filter(({ state }) => state !== "gone");
  const tax = live.reduce((sum, one) => sum + one.tax, 0);
  say("tax", tax ? `Includes ${amountText(tax, currency)} of tax` : "");
}

function rowOf(one, currency) {
  const row = make("tr", "", { className: one.state });
  const name = make("td", "");
  name.append(make("bdi", one.kind === "fee" ? one.label || "Fee" : one.label));
  const told = one.kind === "fee" || one.category === one.label ? null : one.category;
  const more = [one.type, told].filter(Boolean);
  if (more.length) name.append(" ", make("small", more.join(", ")));
  if (one.state !== "live") {
    name.append(" ", make("small", one.state === "gone" ? "given back" : "on its way back"));
  }
  const price = currency === null ? "free" : amountText(one.gross, currency);
  row.append(name, make("td", price));
  return row;
}

function showTickets() {
  element("ticket-part").hidden = !order.tickets.length;
  element("tickets").replaceChildren(...order.tickets.map(ticketOf));
}

function ticketOf(one) {
  const item = make("li", "");
  const link = make("a", "", { href: `/tickets/${encodeURIComponent(one.ticket)}` });
  const label = make("bdi", one.label, { className: "label" });
  const number = make("span", one.number, { className: "number" });
  number.dataset.testid = "ticket-number";
  link.append(label, number);
  if (one.status in STATES) link.append(make("small", STATES[one.status]));
  if (one.code !== null) {
    const image = make("img", "", { alt: `QR of ticket ${one.number}`, width: 120, height: 120 });
    image.dataset.testid = "ticket-qr";
    link.prepend(image);
    // Without it, the ticket's own page still shows one.
    qrOf(one.ticket, one.code, token).then(
      (address) => { image.src = address; },
      () => image.remove(),
    );
  }
  item.append(link);
  return item;
}

// -- What is done

async function does(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    trouble(error instanceof Refused ? error.message : "The server cannot be reached.");
    if (error instanceof Refused && error.status === 401) forget(token);
  } finally {
    button.disabled = false;
  }
}

element("again").addEventListener("click", ({ target }) =>
  does(target, async () => {
    const made = await askJson(`${path}/payments`, { method: "POST", token });
    if (made.payment === null) show(made);
    else location.assign(made.payment.url);
  }));

element("cancel").addEventListener("click", () => {
  say("sure-words", wordsOf(order).sure);
  element("sure").showModal();
});
element("sure-no").addEventListener("click", () => element("sure").close());
element("sure-yes").addEventListener("click", ({ target }) =>
  does(target, async () => {
    element("sure").close();
    await ask(`${path}/cancel`, { method: "POST", token });
    await load();
  }));

onSignIn(load);
onLookUp();
addEventListener("hashchange", begin);
setInterval(() => {
  if (order !== null) countDown();
}, 1_000);
// Back from the provider by the browser's own button, or from another tab.
addEventListener("pageshow", ({ persisted }) => persisted && load());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && order !== null) load();
});
begin();
