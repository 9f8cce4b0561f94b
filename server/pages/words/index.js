// @ts-check
// The words of the pages, by language and wing: one file for each, all of a wing's words.

import { ofBrowser } from "../client/storage.js";

export const LANGUAGES = /** @type {const} */ ({ en: "English", de: "Deutsch" });
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
const CHOSEN = "onsale.language";

/** @returns {string} the language of this browser that we have, or English */
function wanted() {
  const asked = [ofBrowser.read(CHOSEN), ...(navigator.languages ?? [])];
  const known = asked.map((one) => String(one).slice(0, 2)).find((one) => one in LANGUAGES);
  return known ?? "en";
}

/** The language of the pages. */
export const language = wanted();
/** For `Intl`: how that language is written where the reader is, as en-GB. */
export const locale = (navigator.languages ?? []).find((one) => one.slice(0, 2) === language) ?? language;
document.documentElement.lang = language;
document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";

/** Speak another language from now on. @param {string} one */
export function choose(one) {
  ofBrowser.write(CHOSEN, one);
  location.reload();
}

/** @typedef {string | Record<string, string>} Phrase by plural form, which `n` chooses */
/** @typedef {(name: string, values?: Record<string, string | number>) => string} Translate */

/**
 * Load the words of some wings; `common` is always among them.
 * @param {...string} wings
 * @returns {Promise<Translate>}
 */
export async function words(...wings) {
  const loaded = await Promise.all(
    ["common", ...wings].map(async (wing) => [wing, (await import(`./${language}/${wing}.js`)).default]),
  );
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(locale);
  /** @type {Map<string, Phrase>} */
  const known = new Map();
  for (const [wing, phrases] of loaded) {
    for (const [name, phrase] of Object.entries(phrases)) known.set(`${wing}.${name}`, phrase);
  }
  return (name, values = {}) => {
    const phrase = known.get(name);
    if (phrase === undefined) throw new Error(`No words for ${name}.`);
    const form = typeof phrase === "string" ? phrase
      : phrase[rules.select(Number(values.n))] ?? phrase.other;
    return form.replace(/\{(\w+)\}/g, (_, slot) => {
      const value = values[slot];
      return typeof value === "number" ? numbers.format(value) : String(value ?? "");
    });
  };
}
