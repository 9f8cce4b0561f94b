// The service worker of `/tickets/`: keeps the page and its files, for reloading it where
// there is no network. The tickets themselves the page keeps.

const KEPT = "onsale.pages";
const PAGE = "/tickets/";
const FILES = [
  "away.js", "copies.js", "opened.js", "own.css", "style.css", "ticket.js", "visitor.js",
  "words.js",
].map((name) => `/assets/${name}`);

const isFile = ({ pathname }) => pathname.startsWith("/assets/");

addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const shows = request.mode === "navigate" && url.pathname.startsWith(PAGE);
  // All tickets have one page; which is shown says its address.
  if (shows) event.respondWith(freshOrKept(request, PAGE));
  else if (isFile(url)) event.respondWith(freshOrKept(request, url.pathname));
});

// The first visit loads its files before this worker is there to see them.
async function fill() {
  const cache = await caches.open(KEPT);
  await cache.addAll([PAGE, ...FILES]);
  await self.skipWaiting();
}

async function freshOrKept(request, name) {
  const cache = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(name, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(name);
    if (kept === undefined) throw error;
    return kept;
  }
}
