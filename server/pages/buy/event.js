// @ts-check
// The page of one event: what it is, its places, and buying them.

import { Refused, mayHold, serverNow } from "../client/index.js";
import { Line, isBarred, isGated, isSoldOut, takePlace } from "../line/seen.js";
import { Legend } from "../map/legend.js";
import { Page, entitle, show } from "../parts/page.js";
import {
  html,
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../vendor/preact/standalone.js";
import { dayText, leftText, moneyText } from "../words/format.js";
import { words } from "../words/index.js";
import { About, Description } from "./about.js";
import { Areas, Choose, nameOfArea } from "./choose.js";
import { Checkout } from "./checkout.js";
import { Held, useLeft } from "./hold.js";
import { usePlaces } from "./places.js";
import { Sale } from "./sale.js";
import { TroubleNote } from "./trouble.js";

const AGAIN_MS = 2_000;
const sale = new Sale(decodeURIComponent(location.pathname.split("/")[2]));
if (location.hash) await takePlace(sale.id);
// Before there are words, or anything to show: both come over the same line.
let opening = sale.open();
opening.catch(() => undefined); // told where it is shown
const t = await words("buy", "map");

/** @returns {Error | null} why it could not be opened */
function useOpened() {
  const [, update] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [failure, setFailure] = useState(/** @type {Error | null} */ (null));
  // At once: what comes before the next frame is not missed.
  useLayoutEffect(() => {
    sale.addEventListener("update", update);
    let timer = 0;
    const open = () =>
      opening.then(
        () => setFailure(null),
        (error) => {
          setFailure(error);
          // Whoever cannot be reached may be back soon; what was refused stays refused.
          if (error instanceof Refused && !error.problem.transient) return;
          timer = setTimeout(() => {
            opening = sale.open();
            open();
          }, AGAIN_MS);
        },
      );
    open();
    const back = () => document.visibilityState === "visible" && mayHold() && sale.refresh();
    document.addEventListener("visibilitychange", back);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", back);
      sale.end();
    };
  }, []);
  return failure;
}

/** Why nothing can be taken, and what to do then. @param {{sale: Sale}} props */
function Closed({ sale }) {
  const { event } = sale;
  const [, tick] = useState(0);
  const opens =
    event.status === "scheduled" && event.on_sale_at ? Date.parse(event.on_sale_at) : null;
  useEffect(() => {
    if (opens === null) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 1_000);
    return () => clearInterval(timer);
  }, [opens]);
  if (opens !== null) {
    const left = opens - serverNow();
    const soon = left < 86_400_000;
    return html`<div class="note wait stack" data-testid="opens">
      <p><b>${t("buy.opensAt", { at: dayText(opens) })}</b></p>
      ${
        soon &&
        html`<p class="opening number" role="timer">${
          left > 3_600_000
            ? t("buy.inHours", {
                hours: Math.floor(left / 3_600_000),
                minutes: Math.floor((left % 3_600_000) / 60_000),
              })
            : leftText(left)
        }</p>`
      }
      ${!isGated(event) && html`<p class="small">${t("buy.opensHint")}</p>`}</div>`;
  }
  if (event.status === "on_sale") return null;
  return html`<div class=${event.status === "cancelled" ? "note bad" : "note"}>
    <p>${t(`buy.is_${event.status}`)}</p></div>`;
}

/**
 * A hold beside the one that is shown, as of two tabs that began at once.
 * @param {{sale: Sale, other: any}} props
 */
function Other({ sale, other }) {
  const places = [
    ...other.seats,
    ...Object.entries(other.areas).map(([area, n]) => `${n} × ${nameOfArea(t, area)}`),
  ];
  return html`<div class="note stack"><p>${t("buy.alsoYours")} <bdi>${places.join(", ")}</bdi></p>
    <div class="row"><button type="button" class="button" onClick=${() => sale.turnTo(other)}>
        ${t("buy.turnTo")}</button>
      <button type="button" class="button" onClick=${() => sale.drop(other)}>
        ${t("buy.dropThem")}</button></div></div>`;
}

/** Keep the focus in the panel where the button that had it is gone. */
function useKeptFocus() {
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  const inside = useRef(false);
  useEffect(() => {
    const look = (/** @type {any} */ { target }) => {
      inside.current = panel.current?.contains(target) ?? false;
    };
    for (const kind of ["focusin", "pointerdown"]) document.addEventListener(kind, look);
    return () =>
      ["focusin", "pointerdown"].forEach((kind) => document.removeEventListener(kind, look));
  }, []);
  useEffect(() => {
    const lost = document.activeElement === document.body && inside.current;
    if (lost) panel.current?.focus({ preventScroll: true });
  });
  return panel;
}

/** @param {{sale: Sale}} props */
function Panel({ sale }) {
  const [buys, setBuys] = useState(false);
  const { event, hold } = sale;
  const enabled = event.status === "on_sale" && !isBarred(sale);
  const full = enabled && isSoldOut(sale);
  const checksOut = buys && hold !== null;
  useEffect(() => {
    if (hold === null) setBuys(false);
  }, [hold]);
  const panel = useKeptFocus();
  return html`<aside ref=${panel} class="panel card stack" id="panel" aria-label=${t("buy.buying")}
    tabindex="-1">
    <p class="unseen" role="status">${hold !== null && t("buy.nowYours", { n: sale.size })}</p>
    ${!sale.live && html`<p class="strip" role="status" data-testid="connecting">
      ${t("buy.connecting")}</p>`}
    <${Closed} sale=${sale} />
    <${Line} sale=${sale} />
    ${
      sale.order !== null &&
      html`<div class="note wait row apart"><span>${t("buy.orderWaits")}</span>
      <a class="button" href=${`/orders/${encodeURIComponent(sale.order)}`}>${t("buy.toOrder")}</a>
        </div>`
    }
    ${sale.others.map(
      (other) => html`<${Other} key=${other.hold} sale=${sale} other=${other} />`,
    )}
    ${full && hold === null && !event.waitlist && html`<div class="note"><p>${t("buy.nothingFree")}</p></div>`}
    <${TroubleNote} t=${t} sale=${sale} />
    ${
      checksOut
        ? html`<${Checkout} t=${t} sale=${sale} onBack=${() => setBuys(false)} />`
        : html`${
            hold !== null &&
            html`<section class="stack mine" aria-labelledby="mine-title">
          <h2 id="mine-title">${t("buy.yourPlaces")}</h2>
          <${Held} t=${t} sale=${sale} />
          <div class="row actions">
            <button type="button" class="button first" data-testid="checkout"
              onClick=${() => setBuys(true)}>${t("buy.goOn")}</button>
            <button type="button" class="button" data-testid="release"
              onClick=${() => sale.giveBack()}>${t("buy.release")}</button>
          </div></section>`
          }
        ${
          enabled &&
          !(event.waitlist && full) &&
          html`<section class="stack" aria-labelledby="choose-title">
          <h2 id="choose-title">${t(hold === null ? "buy.choose" : "buy.addMore")}</h2>
          <${Choose} t=${t} sale=${sale} enabled=${enabled} />
          ${sale.map.seats.length > 0 && html`<p class="quiet small">${t("buy.orTap")}</p>`}
        </section>`
        }
        <${Areas} t=${t} sale=${sale} enabled=${enabled} />`
    }
    ${checksOut && html`<${HeldBriefly} sale=${sale} />`}
  </aside>`;
}

/** While the order is written the hold goes on. @param {{sale: Sale}} props */
function HeldBriefly({ sale }) {
  return html`<details class="briefly"><summary>${t("buy.yourPlaces")} (${sale.size})</summary>
    <${Held} t=${t} sale=${sale} sums=${false} /></details>`;
}

/** On small screens: what is held, while its panel is out of sight. @param {{sale: Sale}} props */
function Bar({ sale }) {
  const left = useLeft(sale.hold);
  const [seen, setSeen] = useState(true);
  useEffect(() => {
    const panel = document.querySelector("#panel .mine, #panel .checkout");
    if (panel === null) return undefined;
    const watcher = new IntersectionObserver(([entry]) => setSeen(entry.isIntersecting));
    watcher.observe(panel);
    return () => watcher.disconnect();
  });
  if (sale.hold === null || seen) return null;
  const sum = sale.quote?.total ?? sale.hold.total;
  const go = () => {
    const panel = /** @type {HTMLElement} */ (document.getElementById("panel"));
    panel.scrollIntoView({ block: "start" });
    panel.focus({ preventScroll: true });
  };
  return html`<div class="bar"><div class="row apart">
    <span>${t("buy.held", { n: sale.size })} · <b class="number">${
      sum?.amount ? moneyText(sum) : t("common.free")
    }</b> · <b class="number">${leftText(left)}</b></span>
    <button type="button" class="button first" onClick=${go}>${t("buy.showMine")}</button>
  </div></div>`;
}

function Skeleton() {
  return html`<div class="stack" aria-hidden="true"><div class="skeleton line title"></div>
    <div class="skeleton line half"></div><${PlacesSkeleton} /></div>`;
}

function PlacesSkeleton() {
  return html`<div class="sale-grid" aria-hidden="true"><div class="skeleton map-place"></div>
    <div class="skeleton panel-place"></div></div>`;
}

/** @param {{failure: Error}} props */
function Failed({ failure }) {
  const gone = failure instanceof Refused && failure.status === 404;
  const told = failure instanceof Refused ? failure.message : t("common.unreachable");
  return html`<div class="empty" role="alert"><h1>${t(gone ? "buy.noEvent" : "buy.notNow")}</h1>
    <p>${gone ? t("buy.noEventHint") : told}</p>
    <a class="button" href="/">${t("buy.toEvents")}</a></div>`;
}

function Event() {
  const failure = useOpened();
  const { event, map } = sale;
  const [filter, setFilter] = useState(/** @type {Set<string> | null} */ (null));
  const { plan, list } = usePlaces(t, sale, filter);
  const seated = map?.seats.length > 0;
  // It counts all seats, so not whenever a clock ticks.
  const legend = useMemo(
    () =>
      seated &&
      html`<${Legend} t=${t} map=${map} state=${sale.state}
    prices=${event.prices} types=${Object.values(event.types)} filter=${filter}
      onFilter=${setFilter} />`,
    [map, sale.figures, event, filter],
  );
  useEffect(() => entitle(event?.name ?? ""), [event?.name]);
  if (event === null) {
    return html`<${Page} t=${t}>${failure ? html`<${Failed}
      failure=${failure} />` : html`<${Skeleton} />`}<//>`;
  }
  if (map === null) {
    return html`<${Page} t=${t}><${About} t=${t} sale=${sale} />${
      failure ? html`<${Failed} failure=${failure} />` : html`<${PlacesSkeleton} />`
    }<//>`;
  }
  return html`<${Page} t=${t}>
    <${About} t=${t} sale=${sale} />
    <div class=${seated ? "sale-grid" : "sale-grid alone"}>
      ${
        seated &&
        html`<div class="stack plan-part">
        ${legend}
        <div ref=${plan}></div></div>`
      }
      <${Panel} sale=${sale} />
      ${
        seated &&
        html`<details class="list-part" open><summary>${t("map.list")}</summary>
        <div ref=${list}></div></details>`
      }
    </div>
    <${Description} t=${t} event=${event} />
    <${Bar} sale=${sale} />
  <//>`;
}

// A browser may keep this page as it was, and show it where the order's is by now.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && !location.pathname.startsWith("/events/")) location.reload();
});
show(html`<${Event} />`);
