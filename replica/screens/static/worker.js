// Stands in when the phone's own server is not running: it says so, and that nothing is lost.
// It keeps the look of the pages and no page with data. VERSION and LANGUAGE are set
// by the server, so that another of either is another worker.
const KEPT = `screens-${VERSION}-${LANGUAGE}`;
const FILES = ["/asleep", ...["screens.css", "mark.svg"].map((name) => `/static/${VERSION}/${name}`)];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = async () => {
    for (const name of await caches.keys()) if (name !== KEPT) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(fetch(event.request).catch(() => caches.match(FILES[0])));
  } else if (FILES.includes(new URL(event.request.url).pathname)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(event.request)));
  }
});
