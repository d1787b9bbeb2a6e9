// What was typed comes back when a page is loaded anew. Secrets are typed again: they are kept nowhere, not even for
// a moment.
const KEPT_MS = 60_000;
const place = `entries ${location.pathname}`;
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

// The switches of the header: another page, or the same one a minute later, forgets.
document.getElementById('preferences')?.addEventListener('submit', () => {
  sessionStorage.setItem(place, JSON.stringify({ at: Date.now(), entries: entriesOf(fields()) }));
});

const kept = JSON.parse(sessionStorage.getItem(place) ?? 'null');
sessionStorage.removeItem(place);
if (kept && Date.now() - kept.at < KEPT_MS) putBack(kept.entries);

// Reload, and Back from a link: the entry in the history keeps what was typed. Browsers do so for Back alone, and not
// for what came filled in, as a refused form does. Like them, it keeps nothing that is marked "off".
const keep = () => {
  const entries = entriesOf(fields().filter(({ autocomplete }) => autocomplete !== 'off'));
  history.replaceState({ place, entries }, '');
};
const refused = document.getElementById('main')?.dataset.formAt !== undefined;
if (history.state?.place === place) putBack(history.state.entries);
else if (refused || kept) keep();
document.addEventListener('change', keep);
// In the middle of a word, but not at each letter: browsers allow so many changes of the history and no more.
let later;
document.addEventListener('input', () => {
  clearTimeout(later);
  later = setTimeout(keep, 300);
});
