// @ts-check
// The page of one order: what became of it, what to do next, and its tickets.

import { ask, askJson, forget, isOpened, newKey, serverNow } from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { leftText, moneyText } from "../words/format.js";
import { words } from "../words/index.js";
import { Away } from "./away.js";
import { Ask } from "../parts/dialog.js";
import { OrderFollower } from "./follow.js";
import { toTitle, useWork } from "./forms.js";
import { GivingBack } from "./give_back.js";
import { Bill, Tickets, When, usePlace } from "./order_parts.js";
import { LOOKS, statusText, wordsOf } from "./order_words.js";
import { Refunds } from "./refunds.js";
import { takeSecret } from "./secrets.js";

const t = await words("own");
const id = decodeURIComponent(location.pathname.split("/")[2]);

function OrderPage() {
  const [seen, setSeen] = useState(/** @type {import("./follow.js").Seen | null} */ (null));
  const follower = useRef(/** @type {OrderFollower | null} */ (null));
  useEffect(() => {
    const one = new OrderFollower(id, setSeen);
    follower.current = one;
    const begin = () => one.begin(takeSecret());
    addEventListener("hashchange", begin);
    begin();
    return () => {
      removeEventListener("hashchange", begin);
      one.end();
    };
  }, []);
  return html`<${Page} t=${t} narrow>
    ${seen?.unreachable && html`<p class="note wait" role="status">${t("common.unreachable")}</p>`}
    <${Shown} seen=${seen} follower=${follower} />
  <//>`;
}

/** @param {{seen: import("./follow.js").Seen | null, follower: any}} props */
function Shown({ seen, follower }) {
  if (seen?.away) {
    entitle(t("own.order"));
    return html`<${Away} t=${t} title=${t("own.orderAway")} why=${seen.away}
      refused=${seen.refused} looksUp onDone=${() => follower.current.load().then(toTitle)} />`;
  }
  if (!seen?.order) return html`<${Waiting} />`;
  return html`<${Order} order=${seen.order} token=${seen.token} follower=${follower.current} />`;
}

const Waiting = () => html`<div class="stack" aria-busy="true">
  <h1 class="unseen">${t("own.loading")}</h1>
  <div class="card stack"><div class="skeleton line"></div><div class="skeleton title"></div>
    <div class="skeleton line"></div></div>
  <div class="card"><div class="skeleton block"></div></div>
</div>`;

/** @param {{order: any, token: string, follower: OrderFollower}} props */
function Order({ order, token, follower }) {
  const said = wordsOf(t, order);
  const place = usePlace(order.event.id);
  const look = LOOKS[/** @type {keyof LOOKS} */ (order.status)] ?? "";
  useEffect(() => entitle(said.headline), [said.headline]);
  return html`<div class="stack">
    <section class="card stack">
      <p role="status"><span class=${`pill ${look}`} data-testid="order-status"
        data-state=${order.status}>${statusText(t, order.status)}</span></p>
      <h1>${said.headline}</h1>
      ${said.words && html`<p>${said.words}</p>`}
      ${said.refund && html`<p class="note">${said.refund}</p>`}
      ${said.due && html`<p class="note wait">${said.due}</p>`}
      <${Paying} order=${order} token=${token} follower=${follower} />
    </section>
    ${order.tickets.length > 0 && html`<section class="card stack">
      <h2>${t("own.yourTickets")}</h2>
      <${Tickets} t=${t} tickets=${order.tickets} token=${token}
        own=${order.buyer === undefined} />
    </section>`}
    <section class="card stack">
      <h2 dir="auto">${order.event.name}</h2>
      <${When} t=${t} event=${order.event} place=${place} token=${token} />
      ${order.buyer === undefined && !isOpened(token) && html`<p class="row">
        <a href=${`/rooms/order:${order.id}`}>${t("own.askOrganiser")}</a>
        ${order.tickets.length > 0 && html`<a href=${`/rooms/event:${order.event.id}`}>
          ${t("own.talk")}</a>`}</p>`}
      <${Bill} t=${t} order=${order} place=${place} />
      <p class="quiet">${t("own.reference")} <b class="number">${order.reference}</b></p>
      <${Refunds} t=${t} order=${order} token=${token} follower=${follower} />
      ${said.mayLeave && html`<${Cancelling} order=${order} follower=${follower} />`}
      ${said.mayGiveBack && html`<${GivingBack} t=${t} order=${order} follower=${follower}
        until=${place?.until ?? null} zone=${order.event.timezone}
        names=${place?.categories ?? null} />`}
    </section>
  </div>`;
}

/** @param {{order: any, token: string, follower: OrderFollower}} props */
function Paying({ order, token, follower }) {
  const work = useWork(t);
  const key = useRef(newKey()); // until it is answered: a repetition is the same attempt
  if (order.status !== "payment_pending" || order.pay_until === null) return null;
  const payAgain = () => work.run(async () => {
    const made = await ownAsk(`${follower.path}/payments`, token, key.current);
    key.current = newKey();
    if (made.payment === null) follower.show(token, made);
    else location.assign(made.payment.url);
  });
  return html`
    <${TimeLeft} until=${order.pay_until} onOver=${() => follower.load()} />
    <${Wrong} text=${work.trouble} />
    <div class="row">${order.payment !== null
      ? html`<a class="button first" data-testid="pay" href=${order.payment.url}>
          ${t("own.paySum", { sum: moneyText(order.total) })}</a>`
      : !isOpened(token) && html`<${Button} kind="first" busy=${work.busy} onClick=${payAgain}>
          ${t("own.payAgain")}<//>`}
    </div>`;
}

/** @param {string} path @param {string} token @param {string} key */
async function ownAsk(path, token, key) {
  try {
    return await askJson(path, { method: "POST", token, key });
  } catch (error) {
    if (/** @type {any} */ (error).status === 401) forget(token);
    throw error;
  }
}

/** @param {{until: string, onOver: () => void}} props */
function TimeLeft({ until, onOver }) {
  const [left, setLeft] = useState(() => Date.parse(until) - serverNow());
  useEffect(() => {
    let told = false;
    const look = () => {
      const now = Date.parse(until) - serverNow();
      setLeft(now);
      // The server says what that means; it gives the payment a moment to end.
      if (now < 0 && !told) onOver();
      told ||= now < 0;
    };
    look();
    const timer = setInterval(look, 1_000);
    return () => clearInterval(timer);
  }, [until]);
  return html`<p>${t("own.timeLeft")} <b class="number" role="timer">${leftText(left)}</b></p>`;
}

/** Leaving an order that is not paid yet. @param {{order: any, follower: OrderFollower}} props */
function Cancelling({ order, follower }) {
  const [asks, setAsks] = useState(false);
  const work = useWork(t);
  const cancel = () => work.run(async () => {
    await ask(`${follower.path}/cancel`, { method: "POST", token: follower.seen.token });
    await follower.load();
    setAsks(false);
    toTitle();
  });
  return html`
    <div class="row"><${Button} onClick=${() => setAsks(true)}>${t("own.cancel")}<//></div>
    ${asks && html`<${Ask} title=${t("own.sure")} onClose=${() => setAsks(false)}>
      <p>${t("own.sureUnpaid")}</p>
      <p class="quiet">${t("own.reference")} <b class="number">${order.reference}</b></p>
      <${Wrong} text=${work.trouble} />
      <div class="row">
        <${Button} onClick=${() => setAsks(false)}>${t("own.keep")}<//>
        <${Button} kind="danger" busy=${work.busy} onClick=${cancel}>${t("own.cancelYes")}<//>
      </div>
    <//>`}`;
}

show(html`<${OrderPage} />`);
