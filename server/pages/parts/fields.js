// @ts-check
// Fields beside `Field` of forms.js: to choose, to write more, to tick.

import { html, useState } from "../vendor/preact/standalone.js";

let named = 0;

/** @param {string} hint @param {string} id */
const told = (hint, id) => hint && html`<span class="hint" id=${`${id}-hint`}>${hint}</span>`;

/**
 * A choice of few, each a value and its words; all else is as `<select>` has it.
 * @param {{label: string, hint?: string, value: string, options: [string, string][]}
 *   & Record<string, any>} props
 */
export function Select({ label, hint = "", value, options, ...rest }) {
  const [id] = useState(() => `choice-${++named}`);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} ...${rest} value=${value} aria-describedby=${hint ? `${id}-hint` : undefined}>
      ${options.map(([one, words]) =>
        html`<option key=${one} value=${one} selected=${one === value}>${words}</option>`)}
    </select>${told(hint, id)}
  </div>`;
}

/**
 * A field of several lines; all else is as `<textarea>` has it.
 * @param {{label: string, hint?: string, value: string} & Record<string, any>} props
 */
export function Lines({ label, hint = "", value, ...rest }) {
  const [id] = useState(() => `lines-${++named}`);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <textarea id=${id} rows="4" ...${rest} value=${value}
      aria-describedby=${hint ? `${id}-hint` : undefined}></textarea>${told(hint, id)}
  </div>`;
}

/**
 * Something that is so or not.
 * @param {{label: string, checked: boolean, onChange: (checked: boolean) => void}
 *   & Record<string, any>} props
 */
export const Check = ({ label, checked, onChange, ...rest }) =>
  html`<label class="check"><input type="checkbox" checked=${checked} ...${rest}
    onChange=${(/** @type {any} */ event) => onChange(event.target.checked)} />${label}</label>`;
