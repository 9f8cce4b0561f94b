// @ts-check
// The editor: blocks made of numbers, categories, special seats, and the map of it all.

import { askOwn, askOwnJson } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Confirm } from "../parts/confirm.js";
import { Check } from "../parts/fields.js";
import { Button, Field, Wrong } from "../parts/forms.js";
import { html, useMemo, useReducer, useState } from "../vendor/preact/standalone.js";
import { AboutFields, aboutBody } from "./about.js";
import { Copy } from "./acts.js";
import { BlockForm } from "./blocks.js";
import { Categories } from "./categories.js";
import { Steps, keepDraft, newBlock } from "./draft.js";
import { Faults, faultsOf } from "./faults.js";
import { doubled, mapOf } from "./make.js";
import { Marking, soMarked, withMarks } from "./marking.js";
import { Counts, PlanView } from "./plan_view.js";
import { venueText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./make.js").Plan} Plan */

const KINDS = /** @type {const} */ (["rows", "tables", "area"]);

/**
 * A draft whose steps can be undone, and which the browser keeps.
 * @param {string} venue @param {any} draft
 */
function useSteps(venue, draft) {
  const [, update] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [kept, setKept] = useState(true);
  const [steps] = useState(() => new Steps(draft, (now) => {
    setKept(keepDraft(venue, now));
    update(0);
  }));
  return { steps, kept };
}

/**
 * @param {{t: Translate, venue: string, draft: any, known: any, onDrop: () => void,
 *   onSaved?: () => Promise<void>, onStale?: () => Promise<void>}} props of a venue that is
 *   there: what comes after saving, and reads it again where somebody else changed it
 */
export function Editor({ t, venue, draft, known, onDrop, onSaved, onStale }) {
  const { steps, kept } = useSteps(venue, draft);
  const [tool, setTool] = useState("");
  const dropping = useWork(t, venueText);
  const { plan, about } = steps.now;
  const map = useMemo(() => mapOf(plan), [plan]);
  const change = (/** @type {Plan} */ next) => steps.take({ ...steps.now, plan: next });
  const pick = (/** @type {string} */ label) => tool && change(withMarks(plan, map, tool, [label]));
  const marked = useMemo(() => soMarked(map, tool), [map, tool]);
  return html`${!kept && html`<p class="note wait" role="status">${t("stage.notKept")}</p>`}
    <div class="editor">
      <div class="stack plan-side">
        <section class="card stack">
          <div class="row apart"><h2>${t("stage.map")}</h2><div class="row tight">
            <${Button} kind="bare" disabled=${steps.before.length === 0} data-testid="undo"
              onClick=${() => steps.undo()}>${t("stage.undo")}<//>
            <${Button} kind="bare" disabled=${steps.after.length === 0} data-testid="redo"
              onClick=${() => steps.redo()}>${t("stage.redo")}<//></div></div>
          ${map.seats.length + map.areas.length === 0 ? html`<p class="empty">${t("stage.nothingYet")}</p>`
            : html`<${PlanView} t=${t} map=${map} onPick=${pick} chosen=${marked} />`}
          <${Counts} t=${t} map=${map} />
          <${Doubled} t=${t} map=${map} />
          <${Marking} t=${t} plan=${plan} map=${map} tool=${tool} onTool=${setTool} change=${change} />
        </section>
      </div>
      <div class="stack">
        <${Blocks} t=${t} plan=${plan} change=${change} />
        <section class="card stack"><h2>${t("stage.categories")}</h2>
          <${Categories} t=${t} plan=${plan} map=${map} change=${change} /></section>
        <section class="card stack"><h2>${t("stage.focal")}</h2>
          <${Focal} t=${t} plan=${plan} map=${map} change=${change} /></section>
        ${about !== null && html`<section class="card stack"><h2>${t("stage.about")}</h2>
          <${AboutFields} t=${t} told=${about} organisations=${known.organisations}
            onTell=${(/** @type {any} */ next) => steps.take({ ...steps.now, about: next })} /></section>`}
        <section class="card stack"><h2>${t(onSaved ? "stage.saveMap" : "stage.make")}</h2>
          <${Saving} t=${t} venue=${venue} steps=${steps} map=${map} known=${known}
            onSaved=${onSaved} onStale=${onStale} />
          <div class="row"><${Confirm} label=${t("stage.drop")} kind="bare" title=${t("stage.dropAsk")}
            words=${t("stage.dropWords")} yes=${t("stage.drop")} no=${t("stage.leaveIt")} name="drop-draft"
            work=${dropping} act=${async () => onDrop()} /></div></section>
      </div>
    </div>`;
}

/** Labels that two have, before the server has to say it. @param {{t: Translate, map: any}} props */
function Doubled({ t, map }) {
  const labels = useMemo(() => doubled(map), [map]);
  const some = labels.slice(0, 5).join(", ");
  return html`<p class=${labels.length ? "note bad" : ""} role="status" dir="auto" data-testid="doubled">
    ${labels.length > 0 && t("stage.doubled", { n: labels.length, labels: some })}</p>`;
}

/** @param {{t: Translate, plan: Plan, change: (plan: Plan) => void}} props */
function Blocks({ t, plan, change }) {
  const { blocks } = plan;
  const be = (/** @type {any[]} */ next) => change({ ...plan, blocks: next });
  const move = (/** @type {number} */ at, /** @type {number} */ by) => {
    const next = [...blocks];
    [next[at], next[at + by]] = [next[at + by], next[at]];
    be(next);
  };
  return html`${blocks.map((block, i) => html`<${BlockForm} key=${block.id} t=${t} block=${block}
      categories=${plan.categories} first=${i === 0} last=${i === blocks.length - 1}
      change=${(/** @type {any} */ next) => be(blocks.map((one) => (one.id === block.id ? next : one)))}
      move=${(/** @type {number} */ by) => move(i, by)}
      remove=${() => be(blocks.filter((one) => one.id !== block.id))} />`)}
    <section class="card stack"><h2>${t("stage.add")}</h2><div class="row">
      ${KINDS.map((kind) => html`<${Button} key=${kind} data-testid=${`add-${kind}`}
        onClick=${() => be([...blocks, newBlock(kind, plan, t(`stage.named_${kind}`))])}>${t(`stage.add_${kind}`)}<//>`)}
    </div></section>`;
}

/** Where seats look to. @param {{t: Translate, plan: Plan, map: any, change: (plan: Plan) => void}} props */
function Focal({ t, plan, map, change }) {
  const here = map.focal_point ?? { x: 0, y: 0 };
  const set = (/** @type {"x" | "y"} */ name) => (/** @type {any} */ { target }) => {
    const number = Number(target.value);
    if (target.value.trim() === "" || !Number.isFinite(number)) return;
    change({ ...plan, focal: { ...here, [name]: number } });
  };
  return html`<p>${t("stage.focalWords")}</p>
    <${Check} label=${t("stage.stageDrawn")} checked=${plan.stage !== ""}
      onChange=${(/** @type {boolean} */ yes) => change({ ...plan, stage: yes ? t("stage.stageName") : "" })} />
    <${Check} label=${t("stage.focalUsual")} checked=${plan.focal === null} data-testid="focal-usual"
      onChange=${(/** @type {boolean} */ usual) => change({ ...plan, focal: usual ? null : here })} />
    ${plan.focal !== null && html`<div class="fields">
      <${Field} label=${t("stage.focalX")} type="number" step="any" value=${here.x} onChange=${set("x")} />
      <${Field} label=${t("stage.focalY")} type="number" step="any" value=${here.y} onChange=${set("y")} /></div>`}`;
}

/**
 * @param {{t: Translate, venue: string, steps: Steps, map: any, known: any,
 *   onSaved?: () => Promise<void>, onStale?: () => Promise<void>}} props
 */
function Saving({ t, venue, steps, map, known, onSaved, onStale }) {
  const work = useWork(t, venueText);
  const [refused, setRefused] = useState(/** @type {any} */ (null));
  const { about } = steps.now;
  const home = `/v1/venues/${encodeURIComponent(venue)}`;
  const save = () => work.run(async () => {
    setRefused(null);
    if (about !== null && !about.name.trim()) return work.setTrouble(t("stage.nameNeeded"));
    const body = about === null ? { map } : madeBody(about, map);
    try {
      if (onSaved) {
        await askOwn(home, { method: "PATCH", body, headers: { "If-Match": known.tag } });
        return await onSaved();
      }
      const made = await askOwnJson("/v1/venues", { method: "POST", body, key: about.key });
      keepDraft(venue, null);
      location.assign(`/organise/venues/${encodeURIComponent(made.id)}`);
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      setRefused({ faults: faultsOf(error), sent: body, code });
      if (code === "precondition_failed") await onStale?.();
      throw error;
    }
    return undefined;
  });
  return html`<${Wrong} text=${work.trouble} />
    ${refused && html`<${Faults} t=${t} faults=${refused.faults} sent=${refused.sent} />`}
    ${refused?.code === "venue_in_use" && html`<${Copy} t=${t} about=${known.about} home=${home} />`}
    <div class="row"><${Button} kind="first" busy=${work.busy} onClick=${save} data-testid="save-venue">
      ${t(onSaved ? "stage.saveMap" : "stage.make")}<//></div>`;
}

/** @param {any} about @param {any} map @returns {any} */
const madeBody = (about, map) => ({
  ...aboutBody(about), map, ...(about.organisation && { organisation: about.organisation }),
});
