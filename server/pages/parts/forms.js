// @ts-check
// What forms are made of, and files that a page hands over.

import { html, useState } from "../vendor/preact/standalone.js";

const SAVED_MS = 60_000;

/** Says what went wrong, as soon as it does. @param {{text: string}} props */
export const Wrong = ({ text }) =>
  html`<p class=${text ? "note bad" : ""} role="alert">${text}</p>`;

let named = 0;

/**
 * A field with its label; all else is as `<input>` has it.
 * @param {{label: string, hint?: string} & Record<string, any>} props
 */
export function Field({ label, hint, ...input }) {
  const [id] = useState(() => `field-${++named}`);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} ...${input} aria-describedby=${hint ? `${id}-hint` : undefined} />
    ${hint && html`<span class="hint" id=${`${id}-hint`}>${hint}</span>`}
  </div>`;
}

/** A form whose fields are given to `onSend`, by their names. @param {any} props */
export function Form({ onSend, children, ...rest }) {
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    onSend(Object.fromEntries(new FormData(form)), form);
  };
  return html`<form class="stack" onSubmit=${send} ...${rest}>${children}</form>`;
}

/**
 * A button that keeps the focus while it works, which a disabled one would lose.
 * @param {any} props
 */
export function Button({ busy = false, kind = "", children, ...rest }) {
  const state = busy ? "true" : undefined;
  return html`<button type="button" class=${`button ${kind}`} aria-disabled=${state} ...${rest}>
    ${children}</button>`;
}

/** Give a file to whoever looks. @param {Blob} blob @param {string} name of the file */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_MS);
}
