// @ts-check
// The blocks of a venue as forms: rows, tables, areas, and what was drawn elsewhere.

import { Check, Select } from "../parts/fields.js";
import { Button, Field } from "../parts/forms.js";
import { html } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./make.js").Block} Block */

const LABEL_MAX = 40;

/**
 * A whole number between two; what is none of them is the nearest.
 * @param {string} text @param {number} least @param {number} most @param {number} before
 */
export function numberIn(text, least, most, before) {
  const number = Math.round(Number(text));
  if (text.trim() === "" || !Number.isFinite(number)) return before;
  return Math.min(most, Math.max(least, number));
}

/** @param {string} text as "5, 15" @returns {number[]} rising, each once */
export function aislesIn(text) {
  const numbers = text.split(/[\s,;]+/).filter((one) => /^\d+$/.test(one)).map(Number);
  return [...new Set(numbers)].filter((one) => one > 0).sort((a, b) => a - b);
}

/**
 * Fields of one block, each of which changes it.
 * @param {any} block @param {(block: any) => void} change
 */
function fieldsOf(block, change) {
  const set = (/** @type {string} */ name, /** @type {any} */ value) => {
    if (JSON.stringify(value) !== JSON.stringify(block[name])) change({ ...block, [name]: value });
  };
  return {
    set,
    text: (/** @type {string} */ name, /** @type {string} */ label, more = {}) =>
      html`<${Field} label=${label} value=${block[name]} maxlength=${LABEL_MAX} data-field=${name} ...${more}
        onChange=${(/** @type {any} */ { target }) => set(name, target.value.trim())} />`,
    number: (/** @type {string} */ name, /** @type {string} */ label, /** @type {number} */ least,
      /** @type {number} */ most, more = {}) =>
      html`<${Field} label=${label} type="number" inputmode="numeric" min=${least} max=${most} step="1"
        value=${block[name]} data-field=${name} ...${more}
        onChange=${(/** @type {any} */ { target }) => {
          const next = numberIn(target.value, least, most, block[name]);
          // What was typed and is none of these is replaced though nothing changed.
          target.value = String(next);
          set(name, next);
        }} />`,
  };
}

/** @param {{t: Translate, block: any, change: (block: any) => void}} props */
function Rows({ t, block, change }) {
  const { text, number, set } = fieldsOf(block, change);
  return html`<div class="fields">
    ${text("section", t("stage.section"), { hint: t("stage.sectionHint") })}
    ${text("first", t("stage.firstRow"), { hint: t("stage.firstRowHint") })}
    ${number("rows", t("stage.rows"), 1, 200)}
    ${number("seats", t("stage.seatsEach"), 1, 500)}
    ${number("grows", t("stage.grows"), -10, 10, { hint: t("stage.growsHint") })}
    ${number("start", t("stage.start"), 0, 9999)}
    <${Select} label=${t("stage.from")} value=${block.from}
      options=${[["left", t("stage.fromLeft")], ["right", t("stage.fromRight")]]}
      onChange=${(/** @type {any} */ { target }) => set("from", target.value)} />
    <${Field} label=${t("stage.aisles")} value=${block.aisles.join(", ")} hint=${t("stage.aislesHint")}
      data-field="aisles" onChange=${(/** @type {any} */ { target }) => set("aisles", aislesIn(target.value))} />
    ${number("bend", t("stage.bend"), 0, 180, { hint: t("stage.bendHint") })}
  </div>`;
}

/** @param {{t: Translate, block: any, change: (block: any) => void}} props */
function Tables({ t, block, change }) {
  const { text, number, set } = fieldsOf(block, change);
  return html`<div class="fields">
    ${text("section", t("stage.section"), { hint: t("stage.sectionHint") })}
    ${text("first", t("stage.firstTable"))}
    ${number("tables", t("stage.tables"), 1, 500)}
    ${number("seats", t("stage.seatsAtTable"), 1, 40)}
    ${number("abreast", t("stage.abreast"), 1, 100)}
  </div>
  <${Check} label=${t("stage.wholeTables")} checked=${block.whole}
    onChange=${(/** @type {boolean} */ whole) => set("whole", whole)} />`;
}

/** @param {{t: Translate, block: any, change: (block: any) => void}} props */
function Area({ t, block, change }) {
  const { text, number } = fieldsOf(block, change);
  return html`<div class="fields">${text("label", t("stage.areaName"))}
    ${number("capacity", t("stage.capacity"), 1, 1_000_000)}</div>`;
}

/** @param {{t: Translate, block: any, change: (block: any) => void}} props */
function Placing({ t, block, change }) {
  const { number, set } = fieldsOf(block, change);
  return html`<details><summary>${t("stage.placing")}</summary><div class="stack">
    <${Check} label=${t("stage.beside")} checked=${block.beside}
      onChange=${(/** @type {boolean} */ beside) => set("beside", beside)} />
    <div class="fields">
      ${number("right", t("stage.right"), -500, 500)}
      ${number("back", t("stage.back"), -500, 500)}
      ${number("turn", t("stage.turn"), -180, 180)}
    </div></div></details>`;
}

const FORMS = { rows: Rows, tables: Tables, area: Area };

/** @param {Translate} t @param {any} block @returns {string} what it is, for its title */
export function blockText(t, block) {
  switch (block.kind) {
    case "rows": return t("stage.isRows", { name: block.section || t("stage.rowsOf", { first: block.first }) });
    case "tables": return t("stage.isTables", { name: block.section || block.first });
    case "area": return t("stage.isArea", { name: block.label });
    default: return t("stage.isDrawn", { name: block.name });
  }
}

/**
 * @param {{t: Translate, block: any, categories: {key: string, label: string}[], first: boolean,
 *   last: boolean, change: (block: any) => void, move: (by: number) => void,
 *   remove: () => void}} props
 */
export function BlockForm({ t, block, categories, first, last, change, move, remove }) {
  const Kind = FORMS[/** @type {keyof typeof FORMS} */ (block.kind)];
  const title = blockText(t, block);
  const setCategory = (/** @type {any} */ { target }) => change({ ...block, category: target.value });
  return html`<section class="card stack block" data-testid="block" data-kind=${block.kind}>
    <div class="row apart"><h3 dir="auto">${title}</h3>
      <div class="row tight">
        <${Button} kind="bare" aria-label=${t("stage.up", { title })} disabled=${first}
          onClick=${() => move(-1)}>↑<//>
        <${Button} kind="bare" aria-label=${t("stage.down", { title })} disabled=${last}
          onClick=${() => move(1)}>↓<//>
        <${Button} kind="bare" aria-label=${t("stage.removeNamed", { title })} data-testid="remove-block"
          onClick=${remove}>${t("stage.remove")}<//>
      </div></div>
    ${Kind ? html`<${Kind} t=${t} block=${block} change=${change} />
      <${Select} label=${t("stage.category")} value=${block.category} onChange=${setCategory}
        data-field="category" options=${categories.map(({ key, label }) => [key, label])} />
      <${Placing} t=${t} block=${block} change=${change} />`
      : html`<p class="quiet">${t("stage.drawnWords", { n: block.seats.length })}</p>`}
  </section>`;
}
