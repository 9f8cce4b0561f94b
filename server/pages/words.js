// How amounts, times and parts of a page are written.

// By their digits behind the point; all others have two. What browsers think of it differs.
const NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND";

export function exponentOf(currency) {
  if (NO_DIGITS.split(" ").includes(currency)) return 0;
  return THREE_DIGITS.split(" ").includes(currency) ? 3 : 2;
}

// An amount in minor units, as people read it.
export function amountText(amount, currency) {
  const digits = exponentOf(currency);
  return new Intl.NumberFormat(undefined, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
}

export const moneyText = ({ amount, currency }) => amountText(amount, currency);

// A moment on the clocks of a zone, with the zone's name.
export function momentText(text, zone) {
  const form = { dateStyle: "full", timeStyle: "short" };
  const at = new Date(text);
  try {
    const said = new Intl.DateTimeFormat(undefined, { ...form, timeZone: zone }).format(at);
    return `${said} (${zone.replaceAll("_", " ")})`;
  } catch (error) {
    // A zone that is newer than this browser.
    if (!(error instanceof RangeError)) throw error;
    return `${new Intl.DateTimeFormat(undefined, { ...form, timeZone: "UTC" }).format(at)} (UTC)`;
  }
}

// The time on the reader's own clock: for what is over in minutes.
export function clockText(ms) {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(new Date(ms));
}

export function dayText(ms) {
  const form = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(undefined, form).format(new Date(ms));
}

// What is left of a time, as 4:05.
export function leftText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export const element = (id) => document.getElementById(id);

export function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

// Shows a text, or hides its place where there is none.
export function say(id, text) {
  element(id).textContent = text ?? "";
  element(id).hidden = !text;
}
