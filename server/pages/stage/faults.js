// @ts-check
// All that is wrong with a chart: where, by the labels in the chart itself, and why.

import { Refused } from "../client/index.js";
import { reasonIn } from "../parts/reasons.js";
import { html } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{field: string, detail: string}} Fault */

const QUOTED = `(?:'([^']*)'|"([^"]*)")`;
const SHOWN_MAX = 200;

/** What the server says of charts: the sentence, and our words for it. */
export const REASONS = /** @type {[string, string][]} */ ([
  [`^The label ${QUOTED} is used twice`, "stage.f_twice"],
  [`^The category key ${QUOTED} is used twice`, "stage.f_keyTwice"],
  [`^${QUOTED} has no category`, "stage.f_noCategory"],
  [`^${QUOTED} names the category ${QUOTED}, which is not listed`, "stage.f_strange"],
  ["^Has no label yet", "stage.f_unlabelled"],
  ["^A seat needs a number or a label", "stage.f_unlabelled"],
  ["^This is missing", "stage.f_missing"],
  ["^There is neither a seat nor an area", "stage.f_empty"],
  ["^Longer than \\d+ characters", "stage.f_long"],
  ["^More than \\d+ (?:categories|seats|areas)", "stage.f_tooMany"],
  ["^Must be 1 to \\d+", "stage.f_range"],
  ["^(?:A table|An area) needs a center", "stage.f_nowhere"],
  ["^Needs both x and y", "stage.f_nowhere"],
  ["^An area needs a capacity", "stage.f_capacity"],
  ["^Must be a colour", "stage.f_colour"],
  ["^(?:Has|Contains) (?:control|half) characters", "stage.f_unreadable"],
  ["^Expected ", "stage.f_kind"],
  ["^It takes more memory or time", "stage.f_tooMuch"],
]);

/** Things of a chart that have places of their own in lists. */
const KINDS = {
  rows: "stage.w_row", seats: "stage.w_seat", tables: "stage.w_table", booths: "stage.w_booth",
  areas: "stage.w_area", generalAdmissionAreas: "stage.w_area", sections: "stage.w_section",
  categories: "stage.w_category", list: "stage.w_category", subChartFloors: "stage.w_floor",
};

/**
 * Where a fault is: `subChart.rows.3.seats.2.label` as "Row C, seat 3".
 * @param {Translate} t @param {any} chart @param {string} path without its first step
 */
export function placeText(t, chart, path) {
  const told = [];
  let here = chart;
  const steps = path.split(".");
  for (const [i, step] of steps.entries()) {
    const kind = KINDS[/** @type {keyof typeof KINDS} */ (steps[i - 1])];
    here = here?.[step];
    if (kind === undefined || !/^\d+$/.test(step)) continue;
    const name = here?.label ?? here?.name ?? here?.number ?? here?.key;
    const named = typeof name === "string" || typeof name === "number" ? String(name).trim() : "";
    told.push(t(kind, { name: named && named !== "?" ? named : `#${Number(step) + 1}` }));
  }
  return told.join(", ") || path;
}

const inOrder = new Intl.Collator("en", { numeric: true });

/** @param {unknown} error @returns {Fault[]} what is wrong with what was sent, as it stands there */
export function faultsOf(error) {
  if (!(error instanceof Refused) || error.code !== "bad_field") return [];
  const faults = /** @type {Fault[]} */ (error.problem.errors ?? []);
  return [...faults].sort((a, b) => inOrder.compare(a.field, b.field));
}

/** Whether the server's own sentence says more than ours. @param {Translate} t @param {string} detail */
const isVague = (t, detail) =>
  [t("stage.f_other"), t("stage.f_kind")].includes(reasonIn(t, REASONS, detail, "stage.f_other"));

/**
 * The list of all faults of a chart or a map.
 * @param {{t: Translate, faults: Fault[], sent: any}} props `sent` is the body they are of
 */
export function Faults({ t, faults, sent }) {
  if (faults.length === 0) return null;
  return html`<section class="stack faults" data-testid="faults" data-count=${faults.length}>
    <h3>${t("stage.faults", { n: faults.length })}</h3>
    <ol>${faults.slice(0, SHOWN_MAX).map(({ field, detail }) => {
      const [top, ...rest] = field.split(".");
      return html`<li key=${field} data-testid="fault" data-field=${field}>
        <strong dir="auto">${rest.length ? placeText(t, sent[top], rest.join(".")) : t("stage.whole")}</strong>
        <span dir="auto">${reasonIn(t, REASONS, detail, "stage.f_other")}</span>
        ${isVague(t, detail) && html`<small class="quiet" lang="en">${detail}</small>`}
        <small class="quiet">${field}</small></li>`;
    })}</ol>
    ${faults.length > SHOWN_MAX && html`<p>${t("stage.moreFaults", { n: faults.length - SHOWN_MAX })}</p>`}
  </section>`;
}
