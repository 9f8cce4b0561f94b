// @ts-check
// A chart from a file or the clipboard: its map, or all that is wrong with it.

import { askOwnJson } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Button, Wrong } from "../parts/forms.js";
import { Lines } from "../parts/fields.js";
import { html, useRef, useState } from "../vendor/preact/standalone.js";
import { Faults, faultsOf } from "./faults.js";
import { Counts, PlanView } from "./plan_view.js";
import { venueText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** A chart as others publish it says what it is made of there; all else is our own map. */
const CHART_FIELDS = ["subChart", "subChartFloors", "venueType"];

/**
 * A document as it is sent to be looked at. Throws `SyntaxError`.
 * @param {string} text @returns {any}
 */
export function bodyOf(text) {
  const read = JSON.parse(text);
  const given = read?.map ?? read?.chart ?? read;
  const isChart = CHART_FIELDS.some((one) => given !== null && typeof given === "object" && one in given);
  return isChart ? { chart: given } : { map: given };
}

/**
 * @param {{t: Translate, onTake: (map: any) => void}} props `map` as the interface shows it
 */
export function Importing({ t, onTake }) {
  const work = useWork(t, venueText);
  const [text, setText] = useState("");
  const [looked, setLooked] = useState(/** @type {any} */ (null));
  const shown = useRef(/** @type {HTMLElement | null} */ (null));
  const look = (/** @type {string} */ given) => work.run(async () => {
    setLooked(null);
    const body = parsed(given);
    if (body === null) return work.setTrouble(t("stage.noJson"));
    try {
      setLooked({ map: await askOwnJson("/v1/venues/preview", { method: "POST", body }), faults: [], body });
    } catch (error) {
      const faults = faultsOf(error);
      if (faults.length > 0) setLooked({ map: null, faults, body });
      throw error;
    } finally {
      // What comes stands below the button.
      requestAnimationFrame(() => shown.current?.focus());
    }
    return undefined;
  });
  const readFile = async (/** @type {any} */ event) => {
    const [file] = event.target.files;
    if (file) await look(await file.text());
  };
  return html`<p>${t("stage.byChartWords")}</p>
    <div class="field"><label for="chart-file">${t("stage.file")}</label>
      <input id="chart-file" type="file" accept=".json,application/json" data-testid="chart-file"
        onChange=${readFile} /></div>
    <${Lines} label=${t("stage.paste")} value=${text} spellcheck="false" data-testid="chart-text"
      onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
    <div class="row"><${Button} busy=${work.busy} data-testid="look" onClick=${() => look(text)}>
      ${t("stage.look")}<//></div>
    <div class="stack" ref=${shown} tabindex="-1">
      <${Wrong} text=${work.trouble} />
      ${looked !== null && html`<${Faults} t=${t} faults=${looked.faults} sent=${looked.body} />`}
      ${looked?.map && html`<${PlanView} t=${t} map=${looked.map} /><${Counts} t=${t} map=${looked.map} />
        <div class="row"><${Button} kind="first" data-testid="take-chart"
          onClick=${() => onTake(looked.map)}>${t("stage.take")}<//></div>`}
    </div>`;
}

/** @param {string} text @returns {any} the body, or null for what is no JSON */
function parsed(text) {
  try {
    return bodyOf(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
