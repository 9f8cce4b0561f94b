// @ts-check
// Tickets as they were last seen, so that a door without a network is no closed door.

import { ask, ofBrowser } from "../client/index.js";

const COPIES = "onsale.tickets";
const KEPT_MAX = 200; // some 6 KB each

/** @typedef {{address: string, category: string}} Where what the ticket does not say itself */
/** @typedef {{ticket?: any, at?: number, code?: string, qr?: string, where?: Where}} Copy */

/** @returns {Map<string, Copy>} */
const kept = () => new Map(ofBrowser.read(COPIES) ?? []);

/** @param {string} id @param {Copy} copy */
function write(id, copy) {
  const copies = kept();
  copies.delete(id);
  copies.set(id, copy);
  ofBrowser.write(COPIES, [...copies].slice(-KEPT_MAX));
}

/** @param {string} id @returns {Copy | null} */
export const copyOf = (id) => kept().get(id) ?? null;

/**
 * The QR of a ticket, as the address of an image. It is asked for once for each code.
 * @param {string} id @param {string} code @param {string | null} token
 */
export async function qrOf(id, code, token) {
  const known = copyOf(id);
  if (known !== null && known.code === code && known.qr) return known.qr;
  const svg = await (await ask(`/v1/tickets/${encodeURIComponent(id)}.svg`, { token })).text();
  const qr = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  // What was kept meanwhile stays.
  write(id, { ...copyOf(id), code, qr });
  return qr;
}

/** @param {any} ticket @param {number} at when the server said so, in ms since 1970 */
export function keepCopy(ticket, at) {
  write(ticket.ticket, { ...copyOf(ticket.ticket), ticket, at });
}

/** @param {string} id @param {Where} where */
export function keepWhere(id, where) {
  write(id, { ...copyOf(id), where });
}

/** @param {string} id of a ticket that somebody else has by now */
export const forgetCopy = (id) =>
  ofBrowser.write(COPIES, [...kept()].filter(([one]) => one !== id));

/** Keep nothing of what somebody has, who says that they go. @param {string} user */
export function forgetCopies(user) {
  const left = [...kept()].filter(([, { ticket }]) => ticket && ticket.holder.user !== user);
  ofBrowser.write(COPIES, left);
}
