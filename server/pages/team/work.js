// @ts-check
// Work of those who run something: what was refused, in words, and lists that are read in
// parts.

import { Refused, Unreachable } from "../client/index.js";
import { troubleText, useWork } from "../own/forms.js";
import { askOwnJson, session } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** Codes that have words of their own here: `team.no_` and the code. */
const KNOWN = new Set([
  "already_member", "announcement_not_found", "event_not_found", "forbidden", "hook_not_found",
  "hook_off", "invitation_not_found", "job_not_found", "key_not_found", "key_revoked",
  "last_admin", "last_owner", "limit_reached", "member_not_found", "organisation_in_use",
  "organisation_not_found", "precondition_failed", "process_not_found", "request_not_found",
  "row_not_found", "user_not_found",
]);

/** As `troubleText`, with what those who run something are refused. @type {typeof troubleText} */
function teamText(t, error) {
  if (!(error instanceof Refused)) return troubleText(t, error);
  if (error.code !== null && KNOWN.has(error.code)) return t(`team.no_${error.code}`);
  const fields = (error.problem.errors ?? []).map((/** @type {any} */ one) => one.field);
  if (error.code === "bad_field" && fields.includes("url")) return t("team.badUrl");
  return troubleText(t, error);
}

/** As `useWork`, with those words. @param {Translate} t */
export const useTeamWork = (t) => useWork(t, teamText);

/** @typedef {ReturnType<typeof useList>} Listed */

/**
 * A list of the interface, a page at a time; read anew when its path is another one.
 * @param {Translate} t @param {string} path with its filters; "" reads nothing yet
 * @param {(items: any[]) => boolean} [moves] whether something in it is still under way: then
 *   it is looked at again, as long as somebody sees it
 */
export function useList(t, path, moves = () => false) {
  const [page, setPage] = useState(/** @type {{path: string, items: any[], next_cursor: string | null} | null} */ (null));
  const [trouble, setTrouble] = useState("");
  const asked = useRef(0);
  /** @param {string} address @param {any[]} before */
  const read = async (address, before) => {
    const mine = ++asked.current;
    try {
      const found = await askOwnJson(address);
      if (mine !== asked.current) return;
      setPage({ ...found, path, items: [...before, ...found.items] });
      setTrouble("");
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      if (mine === asked.current) setTrouble(teamText(t, error));
    }
  };
  const load = async () => (path ? read(path, []) : undefined);
  const shown = page?.path === path ? page : null;
  const more = () => {
    const cursor = encodeURIComponent(shown?.next_cursor ?? "");
    return read(`${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}`, shown?.items ?? []);
  };
  const busy = shown !== null && moves(shown.items);
  useEffect(() => { load(); }, [path]);
  useEffect(() => {
    if (!busy) return undefined;
    const look = () => document.visibilityState === "visible" && load();
    const timer = setInterval(look, 2_000);
    const end = () => clearInterval(timer);
    session.addEventListener("ended", end);
    return () => {
      end();
      session.removeEventListener("ended", end);
    };
  }, [busy, path]);
  return { items: shown?.items ?? null, hasMore: shown !== null && shown.next_cursor !== null,
    trouble, load, more };
}

/**
 * A list with what there is to say where it is empty, and where there is more of it.
 * @param {{t: Translate, list: Listed, none: string, row: (one: any) => any, by?: string,
 *   name?: string}} props `by` is the field by which its items are told apart
 */
export function Listing({ t, list, none, row, name = "", by = "id" }) {
  const { items, hasMore, trouble, load, more } = list;
  if (items === null) {
    return trouble ? html`<${Wrong} text=${trouble} />
      <div class="row"><${Button} onClick=${load}>${t("common.again")}<//></div>`
      : html`<div class="skeleton block" aria-busy="true"></div>`;
  }
  return html`${items.length === 0 ? html`<p class="quiet">${none}</p>`
    : html`<ul class="things" data-testid=${name || undefined}>${items.map((one) =>
      html`<li key=${one[by]}>${row(one)}</li>`)}</ul>`}
    <${Wrong} text=${trouble} />
    ${hasMore && html`<div class="row"><${Button} onClick=${more}>${t("own.more")}<//></div>`}`;
}

/**
 * A part of a page that says what was done in it, and takes the focus to that: what had it
 * may be gone.
 */
export function useTold() {
  const [told, setTold] = useState("");
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  /** @param {string} text */
  const tell = (text) => {
    setTold(text);
    if (text) requestAnimationFrame(() => place.current?.focus());
  };
  return { told, tell, place };
}

/**
 * @param {{title: string, of: ReturnType<typeof useTold>, beside?: any, name?: string,
 *   children?: any}} props
 */
export const Part = ({ title, of, beside, name, children }) =>
  html`<section class="card stack" data-testid=${name}>
    <div class="row apart"><h2 tabindex="-1" ref=${of.place}>${title}</h2>${beside}</div>
    <p class=${of.told ? "note good" : ""} role="status">${of.told}</p>
    ${children}
  </section>`;

/**
 * A secret that is shown once.
 * @param {{t: Translate, words: string, secret: string, onClose: () => any}} props
 */
export function Secret({ t, words, secret, onClose }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
  };
  return html`<div class="note wait stack" data-testid="secret"><p>${words}</p>
    <p><code class="secret">${secret}</code></p>
    <p role="status">${copied && t("team.copied")}</p>
    <div class="row"><${Button} onClick=${copy}>${t("team.copy")}<//>
      <${Button} kind="first" onClick=${onClose}>${t("team.kept")}<//></div></div>`;
}

/** @param {Translate} t @param {string} role in an organisation, or here */
export const roleText = (t, role) => t(`team.as_${role}`);
