// `/health/verify`: scans or takes what is typed, asks the platform, and without network decides by itself.
import { cameraButton } from './camera.js';
import { age, checkHere, forgetShowing, recall, refresh, rememberVenue, venueName } from './door-memory.js';
import { fill, keepPages, post, qrSvg, showSvg } from './page.js';
import { verdictAtDoor } from './wire/at-door.js';
import { newNonce, QUESTION } from './wire/offline-code.js';
import { LIST_OLD } from './wire/verify.js';

/** A code that stays before the camera is one showing; away for longer than this and back, it is another. */
const AWAY_MS = 1500;
const REFRESHED_MS = 5 * 60_000;

const one = (selector, within = document) => within.querySelector(selector);
const result = one('[data-result]');
const form = one('[data-check]');
let question;
/** What was asked without an answer: asked again, it is the same question, and not a second showing. */
let unanswered;
let connected = navigator.onLine;

function showVerdict({ verdict, colour, name, last_two: lastTwo }) {
  const copy = one(`template[data-template=${verdict}]`).content.cloneNode(true);
  const box = one('.verdict', copy);
  const word = one('[data-colour-word]', copy);
  if (colour && (verdict === 'valid' || verdict === 'wrong_colour')) {
    word.hidden = false;
    word.textContent = result.dataset[colour.toLowerCase()];
    if (colour === 'YELLOW') box.classList.replace('health-red', 'health-yellow');
  }
  one('[data-holder]', copy).hidden = !name;
  one('[data-name]', copy).textContent = name ?? '';
  one('[data-last-two]', copy).textContent = lastTwo ?? '';
  result.replaceChildren(copy);
  result.scrollIntoView({ block: 'nearest' });
}

/** A name for a question that nobody else can know. */
const newRequest = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );

/** The verdict on a code; nothing when the device has to be set up again. */
async function verdictOn(code, document) {
  if (unanswered?.code !== code) unanswered = { code, request: newRequest() };
  const asked = { ...unanswered, ...(document && { document }), ...(question && { nonce: question }) };
  const { said, answered, signedOut } = await verdictAtDoor({
    code,
    nonce: question,
    here: (text) => checkHere(text, question),
    there: () => post('/health/verify', asked),
    forget: forgetShowing,
  });
  if (answered) unanswered = undefined;
  if (answered !== undefined) noteNet(answered);
  if (signedOut) location.reload();
  return said;
}

let checking = Promise.resolve();
function check(code, document) {
  checking = checking.then(async () => {
    const verdict = await verdictOn(code, document);
    if (!verdict) return;
    showVerdict(verdict);
    const paper = verdict.verdict.startsWith('document');
    form.elements.health_code.value = paper ? code : '';
    form.elements.document.value = '';
    if (paper) form.elements.document.focus();
    if (question) ask(true);
  });
  return checking;
}

form.addEventListener('submit', (event) => {
  const { health_code: code, document } = event.target.elements;
  if (code.value === '') return;
  event.preventDefault();
  check(code.value, document.value);
});

let last = { text: '', seenAt: 0 };
one('[data-scanner]').hidden = false;
cameraButton({
  button: one('[data-scan]'),
  video: one('video'),
  failed(whether) {
    one('[data-camera-error]').hidden = !whether;
    last = { text: '', seenAt: 0 };
  },
  found(text) {
    const now = performance.now();
    const same = text === last.text && now - last.seenAt < AWAY_MS;
    last = { text, seenAt: now };
    if (!same) check(text);
  },
});

/** Shows a new question, or with false none any more. */
function ask(on) {
  question = on ? newNonce() : undefined;
  const button = one('[data-ask]');
  button.setAttribute('aria-pressed', String(on));
  button.textContent = on ? button.dataset.stop : button.dataset.start;
  one('[data-question]').hidden = !on;
  if (!on) return;
  one('[data-digits]').textContent = question.replace(/(....)/, '$1 ');
  showSvg(one('[data-question] [data-qr]'), qrSvg(QUESTION + question));
}
one('[data-gate]').hidden = false;
one('[data-ask]').dataset.start = one('[data-ask]').textContent;
one('[data-ask]').addEventListener('click', () => ask(question === undefined));

function noteNet(now) {
  connected = now;
  const net = one('[data-net]');
  net.textContent = connected ? net.dataset.online : net.dataset.offline;
  const old = one('[data-age]');
  const seconds = age();
  const minutes = Math.floor((seconds ?? 0) / 60);
  const kind = seconds === undefined ? 'none' : seconds > LIST_OLD ? 'old' : minutes < 1 ? 'now' : 'ageText';
  old.textContent = fill(old.dataset[kind], { minutes });
}

async function update() {
  try {
    await refresh();
    noteNet(true);
  } catch {
    noteNet(false);
  }
}

const venue = one('[data-venue]');
if (venue.textContent) await rememberVenue(venue.textContent);
else venue.textContent = (await venueName()) ?? '';
await recall();
await update();
// From here on a check without network is possible; tests wait for it.
document.documentElement.dataset.doorReady = 'yes';
setInterval(update, REFRESHED_MS);
setInterval(() => noteNet(connected), 60_000);
addEventListener('online', update);
addEventListener('offline', () => noteNet(false));
keepPages();
