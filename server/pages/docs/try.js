// The page for trying: forms from /openapi.json with its examples, and who you are.

import { Lessons, addressOf, examplesIn, operationsOf } from "./lessons.js";

const JSON_TYPE = "application/json";
const HEARD_MAX = 200; // frames on show

const element = (id) => document.getElementById(id);
const lessons = new Lessons();
const people = new Map(); // access tokens by who they are of
const fields = new Map(); // inputs by "place name"
const heard = [];

let chosen = null;
let codeExample = "";
let replies = new Map(); // to commands, by their op
let socket = null;

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

// Descriptions hold `code` and nothing else that has to be shown in another way.
function say(place, text) {
  const parts = text.replaceAll("**", "").split("`");
  place.replaceChildren(...parts.map((part, at) => (at % 2 ? make("code", part) : part)));
}

function fillSelect(select, names) {
  select.replaceChildren(...names.map((name) => make("option", name, { value: name })));
}

// -- Choosing an operation

function showOperations(tags) {
  for (const tag of tags) {
    const group = make("details", "");
    const steps = make("p", "", { className: "quiet" });
    say(steps, tag.description);
    group.append(make("summary", tag.name), steps);
    for (const operation of tag.operations) {
      const button = make("button", `${operation.said.summary} `, { type: "button" });
      button.append(make("small", `${operation.method} ${operation.path}`));
      button.addEventListener("click", () => choose(operation, button));
      group.append(button);
    }
    element("operations").append(group);
  }
}

function choose(operation, button) {
  chosen = operation;
  document.querySelector("[aria-current]")?.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  say(element("title"), `${operation.method} ${operation.path}`);
  say(element("summary"), operation.said.summary);
  say(element("who"), operation.said.description);
  showParameters(operation.said.parameters);
  const content = operation.said.requestBody?.content ?? {};
  const examples = examplesIn(content[JSON_TYPE]);
  fillSelect(element("example"), [...examples.keys()]);
  element("example-line").hidden = examples.size < 2;
  element("body-line").hidden = !(JSON_TYPE in content);
  element("file-line").hidden = !("multipart/form-data" in content);
  element("send").disabled = false;
  element("status").textContent = "";
  element("answer").textContent = "";
  showExample();
}

function showParameters(parameters) {
  fields.clear();
  const lines = parameters.map((one) => {
    const line = make("label", "");
    say(line, `\`${one.name}\` ${one.description}`);
    const input = make("input", "", { autocomplete: "off", spellcheck: false });
    if (one.in === "path") input.value = lessons.fill(one.example);
    else if (one.example !== undefined) input.placeholder = `such as ${one.example}`;
    fields.set(`${one.in} ${one.name}`, input);
    line.append(input);
    return line;
  });
  element("parameters").replaceChildren(...lines);
}

function exampleOfBody() {
  const content = chosen.said.requestBody?.content[JSON_TYPE];
  return examplesIn(content).get(element("example").value);
}

function showExample() {
  const example = exampleOfBody();
  const missing = lessons.unknown([
    example ?? null,
    ...chosen.said.parameters.filter((one) => one.in === "path").map((one) => one.example),
  ]);
  const filled = example === undefined ? "" : JSON.stringify(lessons.fill(example), null, 2);
  element("body").value = filled;
  element("unknown").textContent = missing.length
    ? `No answer gave these yet, so put your own in their place: ${missing.join(", ")}`
    : "";
}

// -- Sending it

function authorisation() {
  const token = element("token").value.trim();
  const key = element("key").value.trim();
  if (key) return { "X-API-Key": key };
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function request() {
  const headers = authorisation();
  const values = new Map([...fields].map(([name, input]) => [name, input.value.trim()]));
  for (const { in: place, name } of chosen.said.parameters) {
    const value = values.get(`${place} ${name}`);
    if (place === "header" && value) headers[name] = value;
  }
  const options = { method: chosen.method, headers, cache: "no-store" };
  if (!element("body-line").hidden && element("body").value.trim()) {
    options.body = element("body").value;
    headers["Content-Type"] = JSON_TYPE;
  } else if (!element("file-line").hidden && element("file").files.length) {
    options.body = new FormData();
    options.body.append("image", element("file").files[0]);
  }
  return [addressOf(chosen, values), options];
}

async function send() {
  const operation = chosen;
  const example = element("example").value;
  element("send").disabled = true;
  try {
    const response = await fetch(...request());
    await showAnswer(operation, example, response);
  } catch (error) {
    showStatus(String(error), "bad");
  } finally {
    element("send").disabled = false;
  }
}

async function showAnswer(operation, example, response) {
  const kind = (response.headers.get("Content-Type") ?? "").split(";")[0];
  showStatus(`${response.status} ${response.statusText}`, response.ok ? "good" : "bad");
  const place = element("answer");
  element("pay-line").hidden = true;
  if (kind.startsWith("image/")) {
    const url = URL.createObjectURL(await response.blob());
    place.replaceChildren(make("img", "", { src: url, alt: "The image" }));
    return;
  }
  if (kind === "application/pdf") {
    place.textContent = `${(await response.blob()).size} bytes of a PDF`;
    return;
  }
  const text = await response.text();
  if (!kind.endsWith("json")) {
    place.textContent = text;
    return;
  }
  const body = JSON.parse(text);
  place.textContent = JSON.stringify(body, null, 2);
  showPaying(body.payment?.url);
  if (!response.ok) return;
  const content = operation.said.responses[response.status]?.content?.[JSON_TYPE];
  const examples = examplesIn(content);
  lessons.learn(examples.get(example) ?? examples.values().next().value, body);
  if (body.access_token) await meet(body);
}

// What an order answers with: it is paid somewhere else.
function showPaying(url) {
  element("pay-line").hidden = url === undefined;
  if (url !== undefined) element("pay").href = url;
}

function showStatus(text, state) {
  element("status").textContent = text;
  element("status").dataset.state = state;
}

// -- Who you are

async function meet({ access_token: token, user }) {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch("/v1/me", { headers, cache: "no-store" });
  const me = response.ok ? await response.json() : user;
  people.set(`${me.email ?? me.id} (${me.role})`, token);
  fillSelect(element("people"), ["", ...people.keys()]);
  element("people").options[0].textContent = "nobody";
  element("people").selectedIndex = people.size;
  element("token").value = token;
}

function takeCode() {
  const code = element("code").value.trim().replace(/^.*#\w+=/, "");
  if (code) lessons.known.set(codeExample, code);
  else lessons.known.delete(codeExample);
  if (chosen !== null) {
    showParameters(chosen.said.parameters);
    showExample();
  }
}

// -- Live

function hear(sign, frame) {
  heard.unshift(`${sign} ${frame}`);
  heard.length = Math.min(heard.length, HEARD_MAX);
  element("heard").textContent = heard.join("\n\n");
}

function connect() {
  socket?.close();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const line = new WebSocket(`${scheme}://${location.host}/v1/ws`, "onsale.v1.json");
  socket = line;
  element("line").textContent = "connecting";
  line.onopen = () => {
    element("line").textContent = "connected";
    element("send-frame").disabled = false;
    // At once, because the server waits for it for ten seconds only.
    const token = element("token").value.trim();
    if (!token) return;
    line.send(JSON.stringify({ op: "hello", id: 0, token }));
    hear("→", "hello, with the token above");
  };
  line.onmessage = ({ data }) => {
    hear("←", data);
    const frame = JSON.parse(data);
    if ("hold" in frame) lessons.learn(replies.get("hold"), frame);
    if ("booking" in frame) lessons.learn(replies.get("book"), frame);
  };
  line.onclose = ({ code, reason }) => {
    if (socket !== line) return;
    element("line").textContent = `closed: ${code} ${reason}`;
    element("send-frame").disabled = true;
  };
}

function sendFrame() {
  const frame = element("frame").value;
  socket.send(frame);
  hear("→", frame);
}

function showFrames(description) {
  const received = Object.values(description.operations).filter(
    ({ action }) => action === "receive",
  );
  const frames = new Map();
  for (const { messages } of received) {
    const name = messages[0].$ref.split("/").at(-1);
    const { title, examples = [] } = description.components.messages[name];
    examples.forEach(({ payload }, at) => {
      frames.set(at ? `${title} (${at + 1})` : title, payload);
    });
  }
  const show = () => {
    const frame = lessons.fill(frames.get(element("frames").value));
    if (frame.op === "hello") frame.token = element("token").value.trim();
    element("frame").value = JSON.stringify(frame, null, 2);
  };
  fillSelect(element("frames"), [...frames.keys()]);
  element("frames").addEventListener("change", show);
  // Ids may have come since.
  element("connect").addEventListener("click", show);
  show();
}

async function start() {
  const read = async (path) => (await fetch(path)).json();
  const [description, live] = await Promise.all([
    read("/openapi.json"),
    read("/asyncapi.json"),
  ]);
  const verify = description.paths["/v1/auth/email/verify"].post;
  codeExample = verify.requestBody.content[JSON_TYPE].example.code;
  const { post } = description.paths["/v1/events/{event}/commands"];
  replies = examplesIn(post.responses[200].content[JSON_TYPE]);
  showOperations(operationsOf(description));
  showFrames(live);
}

element("send").addEventListener("click", send);
element("example").addEventListener("change", showExample);
element("code").addEventListener("change", takeCode);
element("connect").addEventListener("click", connect);
element("send-frame").addEventListener("click", sendFrame);
element("people").addEventListener("change", () => {
  element("token").value = people.get(element("people").value) ?? "";
});
start();
