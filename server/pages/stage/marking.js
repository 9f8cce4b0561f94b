// @ts-check
// What is special about single seats: by a tap on the map, or by their labels.

import { Select } from "../parts/fields.js";
import { Button, Field, Form } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./make.js").Plan} Plan */

const FLAGS = ["accessible", "companion", "restricted", "gone"];
const CATEGORY = "category:";

/** @param {any} seat @param {string} tool @returns {boolean} whether it is so already */
function isSo(seat, tool) {
  if (tool.startsWith(CATEGORY)) return seat.category === tool.slice(CATEGORY.length);
  return seat[tool] === true;
}

/** @param {any} map @param {string} tool @returns {string[]} the seats that are so */
export const soMarked = (map, tool) =>
  tool === "" ? [] : map.seats.filter((/** @type {any} */ one) => isSo(one, tool)).map((/** @type {any} */ one) => one.label);

/**
 * The plan with seats marked by a tool, or not any more where all of them are.
 * @param {Plan} plan @param {any} map of it @param {string} tool @param {string[]} labels
 * @returns {Plan}
 */
export function withMarks(plan, map, tool, labels) {
  const seats = map.seats.filter((/** @type {any} */ one) => labels.includes(one.label));
  const undo = seats.every((/** @type {any} */ one) => isSo(one, tool));
  const marks = { ...plan.marks };
  for (const { label } of seats) {
    if (!tool.startsWith(CATEGORY)) marks[label] = { ...marks[label], [tool]: !undo };
    else if (!undo) marks[label] = { ...marks[label], category: tool.slice(CATEGORY.length) };
    else {
      const { category: _, ...rest } = marks[label] ?? {};
      marks[label] = rest;
    }
  }
  return { ...plan, marks };
}

/** @param {string} text as "A-1, A-2" @returns {string[]} */
const labelsIn = (text) => text.split(/[,;\n]+/).map((one) => one.trim()).filter(Boolean);

/**
 * @param {{t: Translate, plan: Plan, map: any, tool: string, onTool: (tool: string) => void,
 *   change: (plan: Plan) => void}} props
 */
export function Marking({ t, plan, map, tool, onTool, change }) {
  const [told, setTold] = useState("");
  const gone = Object.keys(plan.marks).filter((label) => plan.marks[label].gone);
  const tools = /** @type {[string, string][]} */ ([
    ["", t("stage.tapNothing")],
    ...FLAGS.map((one) => [one, t(`stage.tap_${one}`)]),
    ...plan.categories.map(({ key, label }) => [CATEGORY + key, t("stage.tapCategory", { label })]),
  ]);
  const send = (/** @type {any} */ { labels }, /** @type {HTMLFormElement} */ form) => {
    const wanted = labelsIn(labels);
    const strange = wanted.filter((one) => !map.seats.some((/** @type {any} */ seat) => seat.label === one));
    setTold(strange.length ? t("stage.noSuchSeat", { labels: strange.join(", ") }) : "");
    if (strange.length > 0 || wanted.length === 0) return;
    change(withMarks(plan, map, tool, wanted));
    form.reset();
  };
  const putBack = () => {
    const marks = Object.fromEntries(Object.entries(plan.marks).map(([label, { gone: _, ...rest }]) => [label, rest]));
    change({ ...plan, marks });
  };
  return html`<${Select} label=${t("stage.tap")} value=${tool} options=${tools} data-testid="tool"
      onChange=${(/** @type {any} */ { target }) => onTool(target.value)} />
    ${tool && html`<${Form} class="row marking" onSend=${send}>
      <${Field} label=${t("stage.bySeats")} name="labels" hint=${t("stage.bySeatsHint")} data-testid="mark-seats" />
      <${Button} type="submit" data-testid="mark">${t("stage.mark")}<//>
    <//>`}
    <p class=${told ? "note bad" : ""} role="alert">${told}</p>
    ${gone.length > 0 && html`<p dir="auto">${t("stage.goneSeats", { labels: gone.join(", ") })}</p>
      <div class="row"><${Button} onClick=${putBack}>${t("stage.putBack")}<//></div>`}`;
}
