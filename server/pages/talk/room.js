// @ts-check
// The page of a room: what people say there, and saying something.

import { Refused } from "../client/index.js";
import { Away } from "../own/away.js";
import { troubleText, useWork } from "../own/forms.js";
import { Ask } from "../parts/dialog.js";
import { Button, Wrong } from "../parts/forms.js";
import { Page, entitle, show } from "../parts/page.js";
import {
  html,
  useEffect,
  useLayoutEffect,
  useReducer,
  useRef,
  useState,
} from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { words } from "../words/index.js";
import { Talk } from "./talk.js";

/** @typedef {import("./talk.js").Message} Message */

const t = await words("own", "talk");
const room = decodeURIComponent(location.pathname.split("/")[2]);
const TEXT_MAX = 1_000;
const MUTE_S = 600;
let talk = new Talk(room);

/** What the interface refuses to who talks, and what to do then. */
const MEANINGS = {
  muted: () => t("talk.muted"),
  banned: () => t("talk.banned"),
  too_fast: () => t("talk.tooFast"),
  room_closed: () => t("talk.closed"),
  message_settled: () => t("talk.settled"),
  room_message_not_found: () => t("talk.gone"),
};

/** As `troubleText`, with what is refused to who talks. @type {typeof troubleText} */
function talkText(t, error) {
  const code = /** @type {keyof MEANINGS} */ (error instanceof Refused ? error.code : "");
  return code in MEANINGS ? MEANINGS[code]() : troubleText(t, error);
}

function Room() {
  const [, update] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [, renew] = useState(talk);
  useLayoutEffect(() => {
    talk.addEventListener("update", update);
    return () => talk.removeEventListener("update", update);
  }, [talk]);
  const title = t(room.startsWith("order:") ? "talk.orderTitle" : "talk.eventTitle");
  useEffect(() => entitle(title), [title]);
  const again = () => {
    talk.end();
    renew((talk = new Talk(room)));
  };
  const barred = talk.refused?.code;
  if (barred === "banned") {
    return html`<${Page} t=${t} narrow><h1>${title}</h1>
      <p class="note bad" role="alert">${t("talk.banned")}</p><//>`;
  }
  if (barred) {
    return html`<${Page} t=${t} narrow><${Away} t=${t} title=${title} why=${"other"}
      onDone=${again} /><//>`;
  }
  return html`<${Page} t=${t} narrow><div class="stack">
    <div class="row apart"><h1>${title}</h1>
      <p class="quiet small" role="status" data-testid="present">${talk.live
        ? t("talk.present", { n: talk.present }) : t("common.unreachable")}</p></div>
    ${talk.names.length > 1 && html`<p class="quiet small" dir="auto">${talk.names.join(", ")}</p>`}
    <${Said} />
  </div><//>`;
}

/** What was said, and the field to say more. */
function Said() {
  const [answers, setAnswers] = useState(/** @type {Message | null} */ (null));
  const [asked, setAsked] = useState(/** @type {{act: string, one: Message} | null} */ (null));
  const work = useWork(t, talkText);
  const last = useRef(/** @type {HTMLElement | null} */ (null));
  const near = useRef(true);
  useEffect(() => {
    const look = () => {
      near.current = innerHeight + scrollY > document.documentElement.scrollHeight - 160;
    };
    addEventListener("scroll", look, { passive: true });
    return () => removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    // Who reads what was said earlier is left there.
    if (near.current) last.current?.scrollIntoView({ block: "end" });
    if (document.visibilityState === "visible") talk.see();
  }, [talk.to]);
  const earlier = () => work.run(() => talk.readEarlier());
  const messages = talk.ordered();
  return html`
    ${talk.hasEarlier && html`<div class="row"><${Button} busy=${work.busy} onClick=${earlier}>
      ${t("talk.earlier")}<//></div>`}
    <${Wrong} text=${work.trouble} />
    ${talk.to !== null && messages.length === 0 && html`<p class="empty">${t("talk.nothing")}</p>`}
    <ol class="said" role="log" aria-label=${t("talk.said")} aria-busy=${talk.to === null}>
      ${messages.map((one) => html`<${One} key=${one.seq} one=${one}
        onAnswer=${() => setAnswers(one)} onAct=${(/** @type {string} */ act) => setAsked({ act, one })} />`)}
    </ol>
    ${talk.closed && !talk.staff ? html`<p class="note">${t("talk.closed")}</p>`
      : html`<${Say} answers=${answers} onDone=${() => setAnswers(null)} />`}
    <div ref=${last}></div>
    ${asked && html`<${Act} ...${asked} onClose=${() => setAsked(null)} />`}`;
}

/** @param {{one: Message, onAnswer: () => void, onAct: (act: string) => void}} props */
function One({ one, onAnswer, onAct }) {
  const mine = one.author === talk.me;
  const gone = one.state === "deleted" || one.state === "removed";
  const answered = one.reply_to ? talk.messages.get(one.reply_to) : undefined;
  const acts = gone ? [] : [
    !mine && "report", mine && "edit", mine && "delete",
    talk.staff && one.state === "held" && "show", talk.staff && !mine && "remove",
    talk.staff && !mine && "mute", talk.staff && !mine && "ban",
  ].filter((act) => act !== false);
  return html`<li class=${mine ? "mine" : ""} data-testid="message" data-seq=${one.seq}
      data-state=${one.state}>
    <p class="row small"><b dir="auto">${one.name || t("talk.nobody")}</b>
      ${one.staff && html`<span class="pill good">${t("talk.staff")}</span>`}
      ${one.state === "held" && html`<span class="pill wait">${t("talk.held")}</span>`}
      <time class="quiet" datetime=${one.at}>${dayText(Date.parse(one.at))}</time>
      ${one.edited_at && html`<span class="quiet">${t("talk.edited")}</span>`}</p>
    ${answered && html`<p class="quoted small" dir="auto">${answered.text || t("talk.away")}</p>`}
    <p class=${gone ? "quiet" : "words"} dir="auto">${gone ? t(`talk.${one.state}`) : one.text}</p>
    ${!gone && html`<div class="row acts">
      <${Button} kind="bare" onClick=${onAnswer}>${t("talk.answer")}<//>
      ${acts.map((act) => html`<${Button} key=${act} kind="bare" data-testid=${`act-${act}`}
        onClick=${() => onAct(/** @type {string} */ (act))}>${t(`talk.${act}`)}<//>`)}
    </div>`}
  </li>`;
}

/** @param {{answers: Message | null, onDone: () => void}} props */
function Say({ answers, onDone }) {
  const [text, setText] = useState("");
  const work = useWork(t, talkText);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useEffect(() => {
    if (answers) field.current?.focus();
  }, [answers]);
  const send = async () => {
    if (!text.trim()) return;
    await work.run(async () => {
      await talk.say(text.trim(), answers?.seq ?? null);
      setText("");
      onDone();
    });
    field.current?.focus();
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  return html`<form class="stack say" onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault();
    send();
  }}>
    ${answers && html`<p class="row small"><span class="quoted" dir="auto">${answers.text}</span>
      <${Button} kind="bare" onClick=${onDone}>${t("talk.noAnswer")}<//></p>`}
    <div class="field"><label for="say">${t("talk.yours")}</label>
      <textarea id="say" rows="2" dir="auto" maxlength=${TEXT_MAX} value=${text} ref=${field}
        data-testid="say-text" onInput=${(/** @type {any} */ event) => setText(event.target.value)}
        onKeyDown=${press}></textarea></div>
    <${Wrong} text=${work.trouble} />
    <div class="row"><${Button} kind="first" type="submit" busy=${work.busy} data-testid="say">
      ${t("talk.send")}<//></div>
  </form>`;
}

/** Asks once, and does it. @param {{act: string, one: Message, onClose: () => void}} props */
function Act({ act, one, onClose }) {
  const [text, setText] = useState(act === "edit" ? one.text : "");
  const work = useWork(t, talkText);
  const writes = act === "edit" || act === "report";
  const message = `/messages/${one.seq}`;
  const member = `/members/${encodeURIComponent(one.user ?? "")}/mute`;
  /** @type {Record<string, () => Promise<void>>} */
  const acts = {
    report: () => talk.act(`${message}/report`, "POST", { reason: text.trim() }),
    edit: () => talk.act(message, "PATCH", { text: text.trim() }),
    delete: () => talk.act(message, "DELETE"),
    show: () => talk.act(`${message}/show`, "POST"),
    remove: () => talk.act(`${message}/remove`, "POST"),
    mute: () => talk.act(member, "POST", { seconds: MUTE_S }),
    ban: () => talk.act(member, "POST", { banned: true }),
  };
  const go = async () => {
    if (await work.run(acts[act])) onClose();
  };
  return html`<${Ask} title=${t(`talk.${act}Title`)} onClose=${onClose}>
    <p>${t(`talk.${act}Words`)}</p>
    ${!writes && html`<blockquote class="quoted" dir="auto">${one.text}</blockquote>`}
    ${writes && html`<div class="field"><label for="act-text">${t("talk.yours")}</label>
      <textarea id="act-text" rows="3" dir="auto" maxlength=${act === "edit" ? TEXT_MAX : 300}
        value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea></div>`}
    <${Wrong} text=${work.trouble} />
    <div class="row"><${Button} onClick=${onClose}>${t("common.close")}<//>
      <${Button} kind=${writes ? "first" : "danger"} busy=${work.busy} data-testid="act-yes"
        onClick=${() => (!writes || text.trim()) && go()}>${t(`talk.${act}`)}<//></div>
  <//>`;
}

show(html`<${Room} />`);
