// @ts-check
// A question that has to be answered first. The browser keeps the focus inside of it, and
// gives it back to where it was.

import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";

let named = 0;

/** @param {{title: string, onClose: () => void, children?: any}} props */
export function Ask({ title, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [name] = useState(() => `ask-${++named}`);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Else it is gone before it gives the focus back.
    return () => shown?.close();
  }, []);
  return html`<dialog class="stack" ref=${dialog} aria-labelledby=${name} onClose=${onClose}>
    <h2 id=${name}>${title}</h2>${children}
  </dialog>`;
}
