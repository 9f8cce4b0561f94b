// @ts-check
// A question that has to be answered first. The browser keeps the focus inside of it, and
// gives it back to where it was.

import { html, useLayoutEffect, useRef, useState } from "../vendor/preact/standalone.js";

let named = 0;

/**
 * Have a dialog stand above all else as long as it is there.
 *
 * Before anything is painted: whoever types on would be in it already, and would not be
 * led back to where they were.
 * @returns {{current: HTMLDialogElement | null}} its `ref`
 */
export function useModal() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Else it is gone before it gives the focus back.
    return () => shown?.close();
  }, []);
  return dialog;
}

/** @param {{title: string, onClose: () => void, children?: any}} props */
export function Ask({ title, onClose, children }) {
  const dialog = useModal();
  const [name] = useState(() => `ask-${++named}`);
  return html`<dialog class="stack" ref=${dialog} aria-labelledby=${name} onClose=${onClose}>
    <h2 id=${name}>${title}</h2>${children}
  </dialog>`;
}
