// @ts-check
// An event while it sells, for those who run it: what happens by the second, and what to do.

import { newKey, serverNow } from "../client/index.js";
import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { askOwnJson } from "../own/owner.js";
import { show } from "../parts/page.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { clockText, numberText, percentText } from "../words/format.js";
import { words } from "../words/index.js";
import { Confirm } from "./confirm.js";
import { Bar, Line } from "./pictures.js";
import { KEPT_S, growth, grown, series, sum } from "./seconds.js";

const t = await words("own", "organise", "cockpit");
const event = named("events");
const home = `/v1/events/${encodeURIComponent(event)}`;
const LOOK_MS = 1_000;
/** Over so many seconds "a second" is reckoned. */
const PACE_S = 10;
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
    ${known && html`<${Sale} known=${known} load=${work.load} /><${Tiles} known=${known} />
      <div class="cockpit"><${Sold} known=${known} /><${Lost} known=${known} />
        <${Engine} known=${known} /></div>`}
  <//>`;
}

/** Whether it sells, and what changes that. @param {{known: any, load: () => any}} props */
function Sale({ known, load }) {
  const [did, setDid] = useState("");
  const step = (/** @type {string} */ what) => async () => {
    await askOwnJson(`${home}/${what}`, { method: "POST", key: newKey() });
    setDid(t(`cockpit.${what}Did`, { time: clockText(serverNow()) }));
    await load();
  };
  const button = (/** @type {string} */ what, kind = "") => html`<${Confirm} key=${what} t=${t}
    name=${t(`cockpit.${what}`)} about=${t(`cockpit.${what}Will`)} yes=${t(`cockpit.${what}Yes`)}
    run=${step(what)} kind=${kind} data-testid=${`cockpit-${what}`} />`;
  const status = STATES.has(known.status) ? known.status : "other";
  return html`<section class="card stack" aria-label=${t("cockpit.sale")}>
    <div class="row apart"><p class="big" data-testid="cockpit-status">${t(`cockpit.state_${status}`)}</p>
      <div class="row">
        ${known.status === "on_sale" && button("pause")}
        ${known.status === "paused" && button("resume", "first")}
        ${(known.status === "on_sale" || known.status === "paused") && button("close", "danger")}
      </div></div>
    <p class="note good" role="status" hidden=${!did}>${did}</p>
  </section>`;
}

const STATES = new Set(["draft", "scheduled", "on_sale", "paused", "closed", "completed", "cancelled"]);

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

/** What was not sold to who wanted it, and why. @param {{known: any}} props */
function Lost({ known }) {
  const reasons = [["expired_total", "expired"], ["not_free_total", "notFree"]].map(([total, words]) =>
    ({ words, count: sum(growth(known.seconds, total, known.now, KEPT_S)) }));
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

show(html`<${Cockpit} />`);
