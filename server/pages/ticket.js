// The page of one ticket: its code for the gate, and how it stands.
//
// What was last seen of it is kept, so that it can be shown at a door without a network.

import { onSignIn, showAway, showOwn } from "./away.js";
import { copyOf, keepCopy, qrOf } from "./copies.js";
import { Refused, ask, readOwn } from "./visitor.js";
import { dayText, element, momentText, say } from "./words.js";

const STATES = {
  valid: "Show this code at the entrance. It lets one person in.",
  offered: "This ticket is on its way to somebody else. Until they take it, it lets you in.",
  locked: "This ticket is being given back, and lets nobody in meanwhile.",
  revoked: "This ticket is not valid any more: it was given back, or its event was" +
    " cancelled. It lets nobody in.",
};
const NOT_HOLDER = "Its code is shown to whoever holds the ticket.";
const NO_QR = "Its code was not loaded in time.";
const NO_NETWORK = "Without a network";
// Guests are forgotten after some days, and events may be weeks away.
const NO_TOKEN = "The server does not know any more who you are";

const id = location.pathname.split("/")[2];
const path = `/v1/tickets/${id}`;

let ticket = null;
let token = null;

async function load() {
  try {
    const found = await readOwn(path);
    if (found === null) return away(null);
    token = found.token;
    ticket = found.document;
    keepCopy(ticket, found.at);
    say("trouble", "");
    show();
    if (ticket.code !== null) showQr(await qrOf(id, ticket.code, token));
  } catch (error) {
    if (!(error instanceof Refused)) {
      if (!showCopy(NO_NETWORK)) say("trouble", "The server cannot be reached, and this" +
        " browser has no copy of the ticket. Try again in a moment.");
    } else if ([401, 404].includes(error.status)) {
      away(error);
    } else if (ticket !== null || !showCopy(error.message)) {
      say("trouble", error.message);
    }
  }
}

function away(refused) {
  if (!showCopy(NO_TOKEN)) showAway(refused);
}

// Shows what was last seen, and returns whether there was anything.
function showCopy(why) {
  const copy = copyOf(id);
  if (!copy?.ticket) return false;
  ticket = copy.ticket;
  say("trouble", `${why}: this is your ticket as it was on ${dayText(copy.at)}.`);
  show();
  for (const name of ["pdf", "wallet", "order"]) element(name).hidden = true;
  if (ticket.code === null) return true;
  if (copy.code === ticket.code) showQr(copy.qr);
  else say("words", NO_QR);
  return true;
}

// -- What is shown

function show() {
  const { event, status } = ticket;
  document.title = `${ticket.label}, ${event.name} – Onsale`;
  const used = ticket.entered_at !== null && status !== "revoked";
  element("status").textContent = used ? "used" : status;
  element("status").dataset.state = used ? "used" : status;
  say("event", event.name);
  say("when", momentText(event.starts_at, event.timezone));
  say("venue", event.venue);
  say("number", ticket.number);
  say("label", ticket.label);
  say("category", ticket.category === ticket.label ? "" : ticket.category);
  say("holder", ticket.holder.name);
  say("words", wordsOf(used));
  element("qr-part").hidden = ticket.code === null;
  element("pdf").hidden = ticket.code === null;
  element("wallet").hidden = ticket.code === null;
  element("order").hidden = ticket.order === null;
  if (ticket.order !== null) element("order").href = `/orders/${encodeURIComponent(ticket.order)}`;
  showOwn();
}

function wordsOf(used) {
  if (used) {
    const at = momentText(ticket.entered_at, ticket.event.timezone);
    return `This ticket was used: it came in on ${at}.`;
  }
  const holds = ticket.code !== null || !["valid", "offered"].includes(ticket.status);
  return holds ? STATES[ticket.status] : NOT_HOLDER;
}

function showQr(address) {
  element("qr").src = address;
  element("qr").alt = `QR of ticket ${ticket.number}`;
}

// -- What is done

// The server wants to know who asks, which a plain link cannot say.
async function download(button, address, name) {
  button.disabled = true;
  say("trouble", "");
  try {
    const url = URL.createObjectURL(await (await ask(address, { token })).blob());
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    say("trouble", error instanceof Refused ? error.message : "The server cannot be reached.");
  } finally {
    button.disabled = false;
  }
}

element("pdf").addEventListener("click", ({ target }) =>
  download(target, `${path}.pdf`, `ticket-${ticket.number}.pdf`));
element("wallet").addEventListener("click", ({ target }) =>
  download(target, `${path}/wallet.json`, `ticket-${ticket.number}.json`));

onSignIn(load);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && ticket !== null) load();
});
load();
// Without it all works but for reloading where there is no network.
navigator.serviceWorker?.register("/tickets/offline.js");
