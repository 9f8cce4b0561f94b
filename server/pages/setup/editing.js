// @ts-check
// An event that is there: all that it is set to, saved on top of what was read, or beside
// what somebody else made of it meanwhile.

import { Refused } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Button, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { Acts } from "./acts.js";
import { Place, What, When } from "./basics.js";
import { categoriesOf, nameIn } from "./categories.js";
import { Conflict } from "./conflict.js";
import { Picture } from "./image.js";
import { forgetForm, keepForm, keptForm } from "./kept.js";
import { Limits, Line } from "./limits.js";
import { Prices, Types } from "./prices.js";
import { mergedWith, patchOf, valuesOf } from "./terms.js";
import { WrongFields, eventText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const CURRENCY = "EUR";
const OVER = ["cancelled", "completed"];

/** @param {any} event @returns {any} */
const read = (event) => valuesOf(event, CURRENCY);

/**
 * The form as it was left, on top of the event as it is now.
 * @param {any} known
 */
function begun(known) {
  const base = read(known.event);
  const kept = keptForm(known.event.id);
  if (kept === null) return { base, values: base, clashes: [] };
  return { base, ...mergedWith(kept.base, { ...base, ...kept.values }, base) };
}

/**
 * @param {{t: Translate, home: string, known: any, load: () => Promise<any>,
 *   onKnown: (known: any) => void}} props
 */
export function Editing({ t, home, known, load, onKnown }) {
  const work = useWork(t, eventText);
  const [form, setForm] = useState(() => begun(known));
  const [found, setFound] = useState(/** @type {any} */ ({ wrong: [], refused: null }));
  const [done, setDone] = useState("");
  const { event } = known;
  const { base, values, clashes } = form;
  const be = (/** @type {any} */ next) => {
    if (next.values === next.base) forgetForm(event.id);
    else keepForm(event.id, next.base, next.values);
    setForm(next);
  };
  const set = (/** @type {any} */ changes) => {
    setDone("");
    be({ ...form, values: { ...values, ...changes } });
  };
  /** Take an event as it is by now; what is changed here stays. */
  const take = (/** @type {any} */ next, /** @type {any} */ changed) => {
    onKnown(next);
    const now = read(next.event);
    const merged = mergedWith(base, changed, now);
    const rest = patchOf(now, merged.values);
    const same = Object.keys(rest.patch).length === 0 && rest.wrong.length === 0;
    be({ base: now, values: same ? now : merged.values, clashes: merged.clashes });
    return same;
  };
  /** @returns {Promise<boolean>} whether all of it is saved */
  const save = async () => {
    setDone("");
    const { patch, wrong } = patchOf(base, values);
    setFound({ wrong, refused: null });
    if (wrong.length > 0) {
      work.setTrouble(t("setup.t_fields"));
      return false;
    }
    if (Object.keys(patch).length === 0) return true;
    try {
      const answer = await askOwn(home, { method: "PATCH", body: patch, headers: { "If-Match": known.tag } });
      const after = { ...known, event: await answer.json(), tag: answer.headers.get("ETag") };
      onKnown(after);
      const now = read(after.event);
      be({ base: now, values: now, clashes: [] });
      return true;
    } catch (error) {
      setFound({ wrong: [], refused: error });
      if (!(error instanceof Refused) || error.code !== "precondition_failed") throw error;
      // It may be our own, whose answer was lost.
      if (take(await load(), values)) return true;
      work.setTrouble(t("setup.t_meanwhile"));
      return false;
    }
  };
  const send = () => work.run(async () => {
    if (await save()) setDone(t("setup.saved"));
  });
  const takeTheirs = (/** @type {string} */ name) => be({
    base, values: { ...values, [name]: base[name] }, clashes: clashes.filter((/** @type {string} */ one) => one !== name),
  });
  const categories = categoriesOf(t, known.categories);
  const shown = { t, values, set, categories };
  const isDirty = Object.keys(patchOf(base, values).patch).length > 0;
  const over = OVER.includes(event.status);
  return html`<p class="row"><span class="pill" data-testid="event-status" data-status=${event.status}>
      ${t(`setup.is_${event.status}`)}</span>
      <a class="button bare" href=${`/events/${encodeURIComponent(event.id)}`}>${t("setup.asBuyers")}</a></p>
    ${over && html`<p class="note">${t("setup.overStays")}</p>`}
    <${Acts} t=${t} home=${home} known=${known} save=${save} isDirty=${isDirty}
      nameOf=${nameIn(values, categories)}
      onTaken=${async () => take(await load(), values)} />
    <${Form} onSend=${send} data-testid="edit-event" novalidate>
      <${What} ...${shown} /><${Place} ...${shown} event=${event} /><${When} ...${shown} />
      <${Prices} ...${shown} /><${Types} ...${shown} />
      <${Limits} ...${shown} capacityOnly=${event.venue === null} /><${Line} ...${shown} />
      <section class="card stack saving">
        <${Conflict} t=${t} clashes=${clashes} mine=${values} theirs=${base} onTake=${takeTheirs} />
        <${Wrong} text=${work.trouble} />
        <${WrongFields} t=${t} wrong=${found.wrong} refused=${found.refused} nameOf=${nameIn(values, categories)} />
        <p class=${done ? "note good" : ""} role="status" data-testid="event-saved">${done}</p>
        <div class="row"><${Button} kind="first" type="submit" busy=${work.busy} data-testid="save-event">
          ${t("setup.save")}<//>
          ${isDirty && html`<${Button} kind="bare" onClick=${() => be({ base, values: base, clashes: [] })}>
            ${t("setup.discard")}<//>`}</div>
      </section><//>
    <${Picture} t=${t} home=${home} image=${event.image} onChanged=${async () => {
      take(await load(), values);
    }} />`;
}
