// @ts-check
// A venue: made of a chart or of numbers, shown, changed, copied, deleted.

import { Desk, named, useRead } from "../organise/frame.js";
import { askOwn, askOwnJson, readAll } from "../own/owner.js";
import { Button } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { About, sayAbout } from "./about.js";
import { Acts } from "./acts.js";
import { keepDraft, keptDraft, newPlan, planOf } from "./draft.js";
import { Editor } from "./editor.js";
import { Importing } from "./importing.js";
import { Counts, PlanView } from "./plan_view.js";

const t = await words("own", "organise", "map", "stage");
const venue = named("venues");
const isNew = venue === "new";
const home = `/v1/venues/${encodeURIComponent(venue)}`;

/** @returns {Promise<any>} what the page shows, and what may be done */
async function read() {
  const all = await readAll("/v1/organisations", askOwnJson);
  const organisations = all.filter(({ role }) => role === "owner" || role === "leader");
  if (isNew) return { organisations, about: null, map: null, tag: null };
  const response = await askOwn(home);
  const map = await askOwnJson(`${home}/map`);
  return { organisations, about: await response.json(), map, tag: response.headers.get("ETag") };
}

function Venue() {
  const work = useRead(t, read);
  const title = isNew ? t("stage.newVenue") : t("stage.venue");
  return html`<${Desk} t=${t} title=${title} about=${work.known?.about?.name} work=${work}
      beside=${html`<a class="button bare" href="/organise">${t("stage.toHome")}</a>`}>
    ${work.known && (isNew ? html`<${Making} known=${work.known} />`
      : html`<${Made} known=${work.known} load=${work.load} />`)}
  <//>`;
}

/**
 * A venue that is not there yet: how its map comes about, then all else.
 * @param {{known: any}} props
 */
function Making({ known }) {
  const [draft, setDraft] = useState(() => keptDraft(venue));
  const [told, setTold] = useState("");
  const begin = (/** @type {any} */ plan) => {
    const next = { plan, about: sayAbout(null, known.organisations) };
    keepDraft(venue, next);
    setDraft(next);
  };
  if (draft !== null) {
    const again = () => {
      keepDraft(venue, null);
      setDraft(null);
      setTold(t("stage.draftGone"));
    };
    return html`<${Editor} t=${t} venue=${venue} draft=${draft} known=${known} onDrop=${again} />`;
  }
  return html`<p class=${told ? "note" : ""} role="status">${told}</p>
    <div class="ways">
      <section class="card stack"><h2>${t("stage.byChart")}</h2>
        <${Importing} t=${t} onTake=${(/** @type {any} */ map) => begin(planOf(map, t("stage.plainSeats")))} />
      </section>
      <section class="card stack"><h2>${t("stage.byNumbers")}</h2>
        <p>${t("stage.byNumbersWords")}</p>
        <div class="row"><${Button} kind="first" data-testid="by-numbers"
          onClick=${() => begin(newPlan(t("stage.usualCategory"), t("stage.stageName")))}>${t("stage.begin")}<//></div>
      </section>
    </div>`;
}

/**
 * A venue that is there.
 * @param {{known: any, load: () => Promise<void>}} props
 */
function Made({ known, load }) {
  const [draft, setDraft] = useState(() => keptDraft(venue));
  const { about, map } = known;
  const redraw = () => {
    const next = { plan: planOf(map, t("stage.plainSeats")), about: null };
    keepDraft(venue, next);
    setDraft(next);
  };
  const drop = () => {
    keepDraft(venue, null);
    setDraft(null);
  };
  if (draft !== null) {
    const saved = async () => {
      drop();
      await load();
    };
    return html`<${Editor} t=${t} venue=${venue} draft=${draft} known=${known}
      onDrop=${drop} onSaved=${saved} onStale=${load} />`;
  }
  return html`<section class="card stack">
      <${PlanView} t=${t} map=${map} /><${Counts} t=${t} map=${map} />
      <div class="row"><${Button} data-testid="change-map" onClick=${redraw}>${t("stage.changeMap")}<//></div>
    </section>
    <section class="card stack"><h2>${t("stage.about")}</h2>
      <${About} t=${t} known=${known} home=${home} load=${load} /></section>
    <section class="card stack"><h2>${t("stage.more")}</h2>
      <${Acts} t=${t} about=${about} home=${home} tag=${known.tag} /></section>`;
}

show(html`<${Venue} />`);
