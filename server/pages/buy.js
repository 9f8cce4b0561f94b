// Buying on the page of an event: some places are held, ordered, and paid elsewhere.

import { Refused, askJson, guestToken, outliveTheTab } from "./visitor.js";
import { element, leftText, moneyText, say } from "./words.js";

const HOLD = "onsale.hold"; // of this tab, so that reloading it loses nothing

export class Buying {
  constructor() {
    this.event = null;
    this.map = null;
    this.hold = null;
    this.free = null; // how much of all is, as far as it is known
    on("choose", "submit", () => this.does("best", () => this.take()));
    on("release", "click", () => this.does("release", () => this.release()));
    on("checkout", "click", () => this.askBuyer());
    on("buyer", "submit", () => this.does("order", () => this.order()));
    setInterval(() => this.countDown(), 500);
    // A browser may keep this page as it was, and show it where the order's is by now.
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted && location.pathname !== "/") location.reload();
    });
  }

  hide() {
    this.event = null;
    this.free = null;
    element("buy").hidden = true;
  }

  show(event, map) {
    this.event = event;
    this.map = map;
    element("quantity").max = event.max_per_booking;
    fillPlaces(map, event.prices);
    const kept = JSON.parse(sessionStorage.getItem(HOLD));
    const mine = kept !== null && kept.event === event.id && kept.until > Date.now();
    this.setHold(mine ? kept : null);
    this.showState(event.status);
  }

  showState(status) {
    if (this.event === null) return;
    const buys = status === "on_sale";
    const chooses = buys && this.hold === null;
    element("choose").hidden = !chooses || this.free === 0;
    element("nothing-free").hidden = !chooses || this.free !== 0;
    element("held-part").hidden = this.hold === null;
    element("buy").hidden = !buys && this.hold === null;
  }

  showFree(free) {
    const same = (this.free === 0) === (free === 0);
    this.free = free;
    if (!same && this.event !== null) this.showState(this.event.status);
  }

  setHold(hold) {
    this.hold = hold;
    if (hold === null) sessionStorage.removeItem(HOLD);
    else sessionStorage.setItem(HOLD, JSON.stringify(hold));
    element("buyer").hidden = true;
    element("hold-choices").hidden = false;
    if (hold !== null) {
      say("hold-seats", placesText(hold));
      say("hold-total", hold.total === null ? "free" : moneyText(hold.total));
    }
    if (this.event !== null) this.showState(this.event.status);
    this.countDown();
  }

  // -- What is done

  async does(button, work) {
    element(button).disabled = true;
    say("buy-trouble", "");
    try {
      await work();
    } catch (error) {
      const known = error instanceof Refused;
      say("buy-trouble", known ? error.message : "The server cannot be reached. Try again.");
      if (known && error.code?.startsWith("hold_")) this.setHold(null);
    } finally {
      element(button).disabled = false;
    }
  }

  async command(body) {
    const path = `/v1/events/${encodeURIComponent(this.event.id)}/commands`;
    return askJson(path, { method: "POST", token: await guestToken(), body });
  }

  async take() {
    const { event } = this;
    const quantity = element("quantity").valueAsNumber;
    const { kind, name } = JSON.parse(element("category").value);
    const wish = {
      any: { op: "hold_best", quantity },
      category: { op: "hold_best", quantity, category: name },
      area: { op: "hold", areas: { [name]: quantity } },
    };
    const reply = await this.command(wish[kind]);
    outliveTheTab();
    const { hold, seats, areas, total = null, expires_in_ms: left } = reply;
    if (event !== this.event) return;
    this.setHold({ event: event.id, hold, seats, areas, total, until: Date.now() + left });
  }

  async release() {
    await this.command({ op: "release", hold: this.hold.hold });
    this.setHold(null);
  }

  askBuyer() {
    const { total } = this.hold;
    const pays = total !== null && total.amount > 0 && this.event.payment === "required";
    element("order").textContent = pays ? "Go on to pay" : "Order now";
    element("fees").hidden = total === null;
    element("hold-choices").hidden = true;
    element("buyer").hidden = false;
    element("buyer-email").focus();
  }

  async order() {
    const { event, hold, total } = this.hold;
    const said = { email: element("buyer-email").value, name: element("buyer-name").value };
    const buyer = { locale: navigator.language };
    for (const [name, value] of Object.entries(said)) {
      if (value.trim()) buyer[name] = value.trim();
    }
    const token = await guestToken();
    const body = { event, hold, buyer };
    const made = await askJson("/v1/orders", { method: "POST", token, body });
    this.setHold(null);
    const own = `/orders/${encodeURIComponent(made.order)}`;
    // So that going back from the provider leads to the order, and not to a hold that is
    // the order's by now.
    history.replaceState(null, "", own);
    location.assign(made.payment?.url ?? own);
  }

  countDown() {
    if (this.hold === null) return;
    const left = this.hold.until - Date.now();
    element("hold-countdown").textContent = leftText(left);
    if (left > 0) return;
    this.setHold(null);
    say("buy-trouble", "Your time is over, and the places went back. Take some again.");
  }
}

function on(id, type, work) {
  element(id).addEventListener(type, (event) => {
    event.preventDefault();
    work();
  });
}

function placesText({ seats, areas }) {
  const places = Object.entries(areas).map(([area, count]) => `${count} × ${area}`);
  return [...seats, ...places].join(", ");
}

function fillPlaces(map, prices) {
  const priceOf = (key) => (prices[key] ? ` – ${moneyText(prices[key])}` : "");
  const seated = new Set(map.seats.map(({ category }) => category));
  const options = map.categories
    .filter(({ key }) => seated.has(key))
    .map(({ key, label }) => optionOf("category", key, `${label}${priceOf(key)}`));
  if (options.length > 1) options.unshift(optionOf("any", null, "Any seat"));
  for (const { label, category } of map.areas) {
    options.push(optionOf("area", label, `${label}${priceOf(category)}`));
  }
  element("category").replaceChildren(...options);
}

const optionOf = (kind, name, text) => new Option(text, JSON.stringify({ kind, name }));
