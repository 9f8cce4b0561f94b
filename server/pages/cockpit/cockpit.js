// @ts-check
// An event while it sells, for those who run it: what happens by the second, and what to do.

import { serverNow } from "../client/index.js";
import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { askOwnJson } from "../own/owner.js";
import { Button } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { clockText, numberText, percentText } from "../words/format.js";
import { words } from "../words/index.js";
import { Queue } from "./line.js";
import { Bar, Line } from "./pictures.js";
import { KEPT_S, PACE_S, growth, grown, series, sum } from "./seconds.js";
import { Sale } from "./steer.js";

const t = await words("own", "organise", "cockpit");
const event = named("events");
const home = `/v1/events/${encodeURIComponent(event)}`;
const LOOK_MS = 1_000;
/** A second may be told again, by a process that answered late. */
const AGAIN_S = 2;

/** What stands in a tile. */
const TILES = /** @type {const} */ (["watching", "waiting", "turns", "held", "paying", "booked"]);

/** @type {import("./seconds.js").Second[]} */
let seconds = [];
let name = "";

async function look() {
  const last = seconds.at(-1)?.at ?? 0;
  name ||= (await askOwnJson(home)).name;
  const told = await askOwnJson(`${home}/live?after=${Math.max(0, last - AGAIN_S)}`);
  const now = Math.floor(serverNow() / 1_000);
  seconds = grown(seconds, told.seconds, now);
  return { ...told, now, seconds };
}

function Cockpit() {
  const work = useRead(t, look, LOOK_MS);
  const { known } = work;
  return html`<${Desk} t=${t} title=${t("organise.cockpit")} about=${name} work=${work}
      tabs=${tabsOfEvent(event)} here="">
    ${known && html`<${Sale} t=${t} home=${home} known=${known} load=${work.load} />
      <${Tiles} known=${known} />
      <div class="cockpit"><${Queue} t=${t} home=${home} known=${known} />
        <${Sold} known=${known} /><${Lost} known=${known} /><${Engine} known=${known} /></div>
      <${Places} />`}
  <//>`;
}

/** @param {{known: any}} props */
function Tiles({ known }) {
  return html`<dl class="tiles">${TILES.map((one) => {
    const values = series(known.seconds, one, known.now, KEPT_S);
    return html`<div key=${one} class="card" data-testid=${`tile-${one}`}><dt>${t(`cockpit.${one}`)}</dt>
      <dd>${numberText(values.at(-1) ?? 0)}</dd><${Line} values=${values} /></div>`;
  })}</dl>`;
}

/** How much is sold, and until when it lasts. @param {{known: any}} props */
function Sold({ known }) {
  const { free, held, booked } = known.counts;
  const whole = free + held + booked;
  const share = whole ? booked / whole : 0;
  return html`<section class="card stack"><h2>${t("cockpit.sold")}</h2>
    <p class="big" data-testid="cockpit-sold">${t("cockpit.soldOf", { n: booked, whole })}</p>
    <${Bar} share=${share} />
    <${Line} kind="curve" most=${whole} values=${series(known.seconds, "booked", known.now, KEPT_S)}
      name=${t("cockpit.curve", { share: percentText(Math.round(share * 1_000_000)) })} />
    <p class="quiet small">${t("cockpit.lastMinutes")}</p>
    <p data-testid="cockpit-forecast">${whole > 0 && booked === whole ? t("cockpit.soldOut")
      : forecastText(known.forecast)}</p></section>`;
}

/** @param {any} forecast @returns {string} */
function forecastText(forecast) {
  if (forecast === null) return t("cockpit.noForecast");
  const [at, soonest, latest] = [forecast.at, forecast.soonest, forecast.latest].map((one) =>
    clockText(Date.parse(one)));
  return t(soonest === latest ? "cockpit.forecast" : "cockpit.forecastRange",
    { at, soonest, latest, n: Math.round(forecast.per_min) });
}

/** Refusals that have words of their own; all others are one bar. */
const REFUSALS = ["seat_not_free", "not_enough_seats", "orphan_seat", "user_limit", "too_many_seats",
  "wait_your_turn", "turn_over", "hold_expired", "held_too_often", "sale_paused", "sale_closed",
  "sale_not_open", "overloaded", "unavailable"];

/** How often each code was said. @param {any} known @returns {[string, number][]} with a name of words */
function refusals(known) {
  const codes = new Set(known.seconds.flatMap((/** @type {any} */ one) => Object.keys(one.refused_total)));
  const counts = new Map();
  for (const code of codes) {
    const of = (/** @type {any} */ one) => one.refused_total[code] ?? 0;
    const name = REFUSALS.includes(code) ? code : "other";
    counts.set(name, (counts.get(name) ?? 0) + sum(growth(known.seconds, of, known.now, KEPT_S)));
  }
  return [...counts].filter(([, count]) => count > 0).map(([name, count]) => [`no_${name}`, count]);
}

/** What was not sold to who wanted it, and why. @param {{known: any}} props */
function Lost({ known }) {
  const total = (/** @type {string} */ name) => sum(growth(known.seconds, name, known.now, KEPT_S));
  /** @type {[string, number][]} */
  const always = [["released", total("released_total")], ["expired", total("expired_total")],
    ["unpaid", known.seconds.at(-1)?.payments_failed ?? 0]];
  const reasons = [...always, ...refusals(known).sort(([, one], [, other]) => other - one)]
    .map(([words, count]) => ({ words, count }));
  const most = Math.max(1, ...reasons.map((one) => one.count));
  return html`<section class="card stack"><h2>${t("cockpit.lost")}</h2>
    <p class="quiet small">${t("cockpit.lastMinutes")}</p>
    <dl class="bars">${reasons.map(({ words, count }) => html`<div key=${words}>
      <dt>${t(`cockpit.${words}`)}</dt><dd data-testid=${`lost-${words}`}>${numberText(count)}</dd>
      <${Bar} share=${count / most} /></div>`)}</dl></section>`;
}

/** What the server does for it. @param {{known: any}} props */
function Engine({ known }) {
  const last = known.seconds.at(-1);
  const lately = (/** @type {string} */ total) => sum(growth(known.seconds, total, known.now, PACE_S));
  const commands = lately("commands_total");
  const commits = lately("commits_total");
  const figures = [
    ["commands", numberText(Math.round(commands / PACE_S))],
    ["batch", commits ? numberText(Math.round((10 * commands) / commits) / 10) : "–"],
    ["commit", last ? t("cockpit.times", { p50: last.commit_p50_ms, p99: last.commit_p99_ms }) : "–"],
    ["mailbox", numberText(last?.mailbox ?? 0)],
    ["owner", known.owner.process],
    ["epoch", numberText(known.owner.epoch)],
  ];
  return html`<section class="card stack"><h2>${t("cockpit.engine")}</h2>
    <dl class="engine">${figures.map(([one, text]) => html`<div key=${one}>
      <dt>${t(`cockpit.${one}`)}</dt><dd data-testid=${`engine-${one}`}>${text}</dd></div>`)}</dl>
  </section>`;
}

/** The map, which is large, and only some look at. */
function Places() {
  const [Part, setPart] = useState(/** @type {{shown: any} | null} */ (null));
  const open = async () => setPart({ shown: (await import("./plan.js")).PlanPart });
  return html`<section class="card stack" data-testid="places"><h2>${t("cockpit.places")}</h2>
    ${Part ? html`<${Part.shown} event=${event} />` : html`<p>${t("cockpit.placesWords")}</p>
      <div class="row"><${Button} onClick=${open} data-testid="show-map">${t("cockpit.showMap")}<//></div>`}
  </section>`;
}

show(html`<${Cockpit} />`);
