/**
 * A small store on the device (IndexedDB): objects by name, in named drawers. Keys of WebCrypto can be kept in it
 * though nobody can read them out.
 */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export async function openStore(name, drawers) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const drawer of drawers) opening.result.createObjectStore(drawer);
  };
  const db = await done(opening);
  const within = (drawer, mode) => db.transaction(drawer, mode).objectStore(drawer);
  return {
    get: (drawer, key) => done(within(drawer, 'readonly').get(key)),
    all: (drawer) => done(within(drawer, 'readonly').getAll()),
    put: (drawer, key, value) => done(within(drawer, 'readwrite').put(value, key)),
    /** Whether there was nothing under this key until now; decided by the store, so that two pages cannot both win. */
    add: (drawer, key, value) =>
      done(within(drawer, 'readwrite').add(value, key)).then(
        () => true,
        () => false,
      ),
    remove: (drawer, key) => done(within(drawer, 'readwrite').delete(key)),
    clear: (drawer) => done(within(drawer, 'readwrite').clear()),
    keys: (drawer) => done(within(drawer, 'readonly').getAllKeys()),
  };
}
