// @ts-check
// A ticket as a gate wants it: nothing but its code, large, on white, and a screen that
// stays on. A page cannot turn up the light of a screen, but white is as bright as it gets.

import { stayAwake } from "../parts/awake.js";
import { useModal } from "../parts/dialog.js";
import { html, useEffect } from "../vendor/preact/standalone.js";

/** Take the whole screen where the browser has it so. @returns {Promise<unknown>} */
const takeScreen = () =>
  document.documentElement.requestFullscreen?.().catch(() => null) ?? Promise.resolve();

/**
 * @param {{t: import("../words/index.js").Translate, ticket: any, qr: string,
 *   onClose: () => void}} props
 */
export function Gate({ t, ticket, qr, onClose }) {
  const dialog = useModal();
  useEffect(() => {
    const sleep = stayAwake();
    const left = () => document.fullscreenElement === null && onClose();
    takeScreen();
    document.addEventListener("fullscreenchange", left);
    return () => {
      document.removeEventListener("fullscreenchange", left);
      if (document.fullscreenElement !== null) document.exitFullscreen();
      sleep();
    };
  }, []);
  return html`<dialog class="gate" ref=${dialog} onClose=${onClose} aria-label=${t("own.ticket")}
      data-testid="ticket-bright">
    <img src=${qr} alt=${t("own.qrOf", { number: ticket.number })} width="320" height="320" />
    <p class="number large">${ticket.number}</p>
    <p class="label" dir="auto">${ticket.label}</p>
    <p dir="auto">${ticket.event.name}</p>
    <button type="button" class="button" onClick=${onClose}>${t("common.close")}</button>
  </dialog>`;
}
