// The switches of the header load the page anew; what was typed comes back. Secrets are typed again: they are kept
// nowhere, not even for a moment. Another page, or the same one a minute later, forgets.
const KEPT_MS = 60_000;
const place = `entries ${location.pathname}`;
const SECRET = /password|code|response/;

const fields = () =>
  [...document.querySelectorAll('main form :is(input, select, textarea)[name]')].filter(
    ({ name, type }) => type !== 'hidden' && type !== 'password' && !SECRET.test(name),
  );
const chosen = (type) => type === 'radio' || type === 'checkbox';

document.getElementById('preferences')?.addEventListener('submit', () => {
  const entries = fields().map(({ name, type, value, checked }) => [
    name,
    value,
    chosen(type) ? checked : null,
  ]);
  sessionStorage.setItem(place, JSON.stringify({ at: Date.now(), entries }));
});

const kept = JSON.parse(sessionStorage.getItem(place) ?? 'null');
sessionStorage.removeItem(place);
if (kept && Date.now() - kept.at < KEPT_MS) {
  for (const [name, value, checked] of kept.entries) {
    for (const field of fields().filter((each) => each.name === name)) {
      if (checked === null) field.value = value;
      else if (field.value === value) field.checked = checked;
    }
  }
}
