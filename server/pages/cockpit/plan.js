// @ts-check
// The map of an event that sells: seats are picked on it, to be taken off sale or put back.

import { Sale } from "../buy/sale.js";
import { usePlaces } from "../buy/places.js";
import { Blocks } from "../counter/blocks.js";
import { Refused, Unreachable } from "../client/index.js";
import { Legend } from "../map/legend.js";
import { troubleText } from "../own/forms.js";
import { Check } from "../parts/fields.js";
import { Wrong } from "../parts/forms.js";
import { html, useEffect, useMemo, useReducer, useState } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";

const FREE = "f".charCodeAt(0);
const t = await words("buy", "map", "own", "counter", "cockpit");

/** An event whose seats are picked, whatever its sale does, and not held. */
class Plan extends Sale {
  /** Whether a tap picks all of a row that is free. */
  rows = false;

  /** @param {any} what @override */
  take(what) {
    const { event } = what;
    super.take(event ? { ...what, event: { ...event, status: "on_sale", line: null } } : what);
  }

  /** @override */
  async open() {
    await super.open();
    this.take({ event: this.event });
  }

  /** The page tells how the sale is. @override */
  turned() {}

  /** What is picked nobody holds: there is nothing to ask for. @override */
  refresh() {}

  /** @returns {string[]} */
  get picked() {
    return this.hold?.seats ?? [];
  }

  /** Show seats as picked: as those that one has. @param {string[]} seats */
  choose(seats) {
    const hold = { hold: "", seats, areas: {}, total: null, until: Infinity };
    this.take({ hold: seats.length ? hold : null });
  }

  /** @param {string} label @override */
  pick(label) {
    const { picked } = this;
    const seats = this.rows ? this.rowOf(label) : [label];
    if (picked.includes(label)) this.choose(picked.filter((one) => !seats.includes(one)));
    else this.choose([...new Set([...picked, ...seats])]);
  }

  /** The seats of a row that can be picked. @param {string} label of one of them */
  rowOf(label) {
    const { seats } = this.map;
    const one = seats[this.indexes?.get(label) ?? 0];
    return seats.filter((/** @type {any} */ seat) => seat.section === one.section && seat.row === one.row
      && this.state?.seats[seat.index] === FREE).map((/** @type {any} */ seat) => seat.label);
  }
}

/** @param {{event: string}} props */
export function PlanPart({ event }) {
  const [, update] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [trouble, setTrouble] = useState("");
  const plan = useMemo(() => new Plan(event), [event]);
  useEffect(() => {
    plan.addEventListener("update", update);
    plan.open().catch((error) => {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      setTrouble(troubleText(t, error));
    });
    return () => {
      plan.removeEventListener("update", update);
      plan.end();
    };
  }, [plan]);
  if (trouble) return html`<${Wrong} text=${trouble} />`;
  if (plan.map === null) return html`<div class="skeleton block" aria-busy="true"></div>`;
  return html`<${Chosen} plan=${plan} />`;
}

/** @param {{plan: Plan}} props */
function Chosen({ plan }) {
  const { map } = plan;
  const seated = map.seats.length > 0;
  const places = usePlaces(t, plan, null);
  const legend = useMemo(
    () => seated && html`<${Legend} t=${t} map=${map} state=${plan.state} prices=${plan.event.prices}
      types=${Object.values(plan.event.types)} filter=${null} onFilter=${() => {}} />`,
    [map, plan.figures, plan.event],
  );
  return html`<div class=${seated ? "sale-grid" : "sale-grid alone"}>
    ${seated && html`<div class="stack plan-part">${legend}<div ref=${places.plan}></div></div>`}
    <div class="stack" id="panel">
      ${seated && html`<${Check} label=${t("cockpit.rows")} checked=${plan.rows} data-testid="whole-rows"
        onChange=${(/** @type {boolean} */ rows) => plan.take({ rows })} />`}
      <${Blocks} t=${t} till=${plan} picked=${plan.picked}
        onPicked=${(/** @type {string[]} */ seats) => plan.choose(seats)} /></div>
    ${seated && html`<details class="list-part"><summary>${t("map.list")}</summary>
      <div ref=${places.list}></div></details>`}
  </div>`;
}
