// The service worker of the health code. `SHELL` stands above: the pages that work without network, their files, and
// a name that changes with every release. Nothing else is kept, and nothing of anybody: those pages are empty forms.

const ANSWER_WITHIN_MS = 6000;

async function keepPages(cache) {
  for (const page of SHELL.pages) {
    const response = await fetch(page, { credentials: 'same-origin', cache: 'no-store' });
    if (response.ok && !response.redirected) await cache.put(page, response);
  }
}

addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(SHELL.name).then(async (cache) => {
      await cache.addAll(SHELL.files);
      await keepPages(cache);
      await skipWaiting();
    }),
  );
});

addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys().then(async (names) => {
      const old = names.filter((name) => name.startsWith('health-') && name !== SHELL.name);
      await Promise.all(old.map((name) => caches.delete(name)));
      await clients.claim();
    }),
  );
});

// The language or the size of the type may have changed.
addEventListener('message', (event) => {
  if (event.data !== 'refresh') return;
  event.waitUntil(caches.open(SHELL.name).then((cache) => keepPages(cache).catch(() => {})));
});

/** The page that does without network what this one does with it; undefined for all that have none. */
const withoutNetwork = (path) => {
  if (/^\/health\/code(\/offline|\/of\/[^/]+)?$/.test(path)) return SHELL.pages[0];
  return /^\/health\/verify(\/offline)?$/.test(path) ? SHELL.pages[1] : undefined;
};

/** A page from the network, or in its place the one that works without. */
async function page(request, instead) {
  const kept = await caches.match(instead);
  const fresh = fetch(request);
  if (!kept) return fresh;
  const late = new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS, kept));
  return Promise.race([fresh.catch(() => kept), late]);
}

addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate') {
    const instead = withoutNetwork(pathname);
    if (instead) event.respondWith(page(request, instead));
  } else if (pathname.startsWith('/assets/'))
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
});
