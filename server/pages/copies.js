// Tickets as they were last seen, so that a door without a network is no closed door.

import { ask } from "./visitor.js";

const COPIES = "onsale.tickets";
const KEPT_MAX = 200; // some 6 KB each

function read() {
  return new Map(JSON.parse(localStorage.getItem(COPIES)) ?? []);
}

function write(id, copy) {
  const copies = read();
  copies.delete(id);
  copies.set(id, copy);
  const kept = [...copies].slice(-KEPT_MAX);
  localStorage.setItem(COPIES, JSON.stringify(kept));
}

export const copyOf = (id) => read().get(id) ?? null;

// The QR of a ticket, as the address of an image. It is asked for once for each code.
export async function qrOf(id, code, token) {
  const known = copyOf(id);
  if (known !== null && known.code === code && known.qr) return known.qr;
  const svg = await (await ask(`/v1/tickets/${encodeURIComponent(id)}.svg`, { token })).text();
  const qr = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  write(id, { ...known, code, qr });
  return qr;
}

export function keepCopy(ticket, at) {
  write(ticket.ticket, { ...copyOf(ticket.ticket), ticket, at });
}
