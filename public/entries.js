// What was typed comes back when a page is loaded anew. Secrets are typed again: they are kept nowhere, not even for
// a moment.
const LONGEST_MS = 10 * 60_000;
const SECRET = /password|code|response/;

const fields = () =>
  [...document.querySelectorAll('main form :is(input, select, textarea)[name]')].filter(
    ({ name, type }) => type !== 'hidden' && type !== 'password' && !SECRET.test(name),
  );
const chosen = (type) => type === 'radio' || type === 'checkbox';
const entriesOf = (some) =>
  some.map(({ name, type, value, checked }) => [name, value, chosen(type) ? checked : null]);

/** Several forms of a page may have fields of one name: each entry goes to the first that has none yet. */
function putBack(entries) {
  const left = fields();
  for (const [name, value, checked] of entries) {
    const at = left.findIndex(
      (each) => each.name === name && (checked === null ? !chosen(each.type) : each.value === value),
    );
    if (at === -1) continue;
    const [field] = left.splice(at, 1);
    if (checked === null) field.value = value;
    else field.checked = checked;
  }
}

function remember(key, some) {
  sessionStorage.setItem(
    key,
    JSON.stringify({ at: Date.now(), place: location.pathname, entries: entriesOf(some) }),
  );
}

function recall(key, forMs) {
  const { at, place, entries } = JSON.parse(sessionStorage.getItem(key) ?? '{}');
  if (place === location.pathname && Date.now() - at < forMs) putBack(entries);
}

for (const key of Object.keys(sessionStorage)) {
  if (!key.startsWith('entries ')) continue;
  const { at } = JSON.parse(sessionStorage.getItem(key));
  if (!(Date.now() - at < LONGEST_MS)) sessionStorage.removeItem(key);
}

// The switches of the header: another page, or the same one a minute later, forgets.
const switched = `entries ${location.pathname}`;
document.getElementById('preferences')?.addEventListener('submit', () => remember(switched, fields()));
recall(switched, 60_000);
sessionStorage.removeItem(switched);

// Whoever logs out or is somebody else finds nothing of the one before at this screen.
let leaving = false;
document.addEventListener('submit', ({ submitter }) => {
  if (submitter?.name !== 'logout' && !['logout', 'switch'].includes(submitter?.value)) return;
  leaving = true;
  sessionStorage.clear();
});

// A form that was refused comes empty from a reload, and from Back after a link on it: its entry in the history is an
// ordinary address, and browsers put back what was typed, not what came filled in. Like them, this keeps nothing that
// is marked "off".
const { entry } = history.state ?? {};
if (entry) {
  const left = `entries ${entry}`;
  recall(left, LONGEST_MS);
  window.addEventListener('pagehide', () => {
    if (!leaving)
      remember(
        left,
        fields().filter(({ autocomplete }) => autocomplete !== 'off'),
      );
  });
}
