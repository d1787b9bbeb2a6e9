// `/health/code/offline`: codes that the phone makes itself, and answers to the questions of gates.
import { cameraButton } from './camera.js';
import { canKeep, codeOf, forgetCards, readCards, renewCard, timeOf } from './cards.js';
import { clockText, fill, keepPages, minuteText, qrSvg, showSvg } from './page.js';
import { readNonce } from './wire/offline-code.js';

/** Half of what a door accepts: time enough to be seen. */
const RENEWED_MS = 30_000;
const ANSWER_MS = 50_000;

const one = (selector, within = document) => within.querySelector(selector);
const place = one('[data-place]');
const gate = one('[data-gate]');
const error = one('[data-gate-error]');
const back = one('[data-gate-back]');

/** Whose page this one stands in for, when the network fails: the guardianship, or '' for the citizen's own. */
const ASKED = /^\/health\/code\/of\/([^/]+)$/.exec(location.pathname)?.[1] ?? '';

let card;
let question;
let madeAt = 0;
let drawn = Promise.resolve();

const fromTemplate = (selector) => place.replaceChildren(one(selector).content.cloneNode(true));

function showState(name) {
  fromTemplate(`template[data-state=${name}]`);
  gate.hidden = true;
}

function showCard(next) {
  card = next;
  if (timeOf(card) >= card.expiresAt) return showState('ended');
  fromTemplate(`template[data-card=${card.colour}]`);
  one('[data-name]', place).textContent = card.name;
  one('[data-last-two]', place).textContent = card.lastTwo;
  one('[data-until]', place).textContent = minuteText(card.expiresAt);
  gate.hidden = false;
  drawn = draw();
}

async function draw() {
  madeAt = Date.now();
  const code = await codeOf(card, question);
  showSvg(one('[data-qr]', place), qrSvg(code));
  // For tests and for scanners that take text.
  one('[data-qr]', place).dataset.code = code;
  const answering = one('[data-answering]', place);
  answering.hidden = question === undefined;
  answering.textContent = fill(answering.dataset.text, { question: question ?? '' });
  back.hidden = question === undefined;
  tick();
}

function tick() {
  const clock = one('[data-clock]', place);
  if (!clock) return;
  if (timeOf(card) >= card.expiresAt) return showState('ended');
  clock.textContent = clockText(timeOf(card));
  const left = Math.ceil((madeAt + (question ? ANSWER_MS : RENEWED_MS) - Date.now()) / 1000);
  const sentence = one('[data-left]', place);
  sentence.textContent = fill(sentence.dataset.text, { seconds: Math.max(0, left) });
  if (left <= 0) ask(undefined);
}

/** Shows the answer to a gate's question, or with undefined the ordinary code. */
function ask(digits) {
  question = digits;
  drawn = drawn.then(draw);
}

function people(cards) {
  const nav = one('[data-people]');
  nav.hidden = cards.length < 2;
  one('ul', nav).replaceChildren(
    ...cards.map((each) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = each.name;
      button.setAttribute('aria-pressed', String(each.key === card.key));
      button.addEventListener('click', () => {
        question = undefined;
        showCard(each);
        people(cards);
      });
      const item = document.createElement('li');
      item.append(button);
      return item;
    }),
  );
}

async function open() {
  const kept = canKeep() ? await readCards() : [];
  one('[data-kept]').hidden = kept.length === 0;
  if (kept.length === 0) return showState('none');
  const first = kept.find(({ key }) => key === card?.key) ?? kept.find(({ who }) => who === ASKED) ?? kept[0];
  showCard(first);
  people(kept);
}

/** With network, what is an hour old is made anew. */
async function renew() {
  const kept = canKeep() ? await readCards() : [];
  const due = kept.filter((each) => timeOf(each) >= each.renewAt);
  if (due.length === 0 || !navigator.onLine) return;
  for (const each of due) await renewCard(each.who);
  await open();
}

const complain = (why) => {
  error.hidden = why === undefined;
  error.textContent = why ? error.dataset[why] : '';
};

one('[data-gate-form]').addEventListener('submit', (event) => {
  event.preventDefault();
  const digits = readNonce(event.target.elements.question.value);
  complain(digits ? undefined : 'wrong');
  if (!digits) return;
  event.target.reset();
  ask(digits);
  place.scrollIntoView();
});
back.addEventListener('click', () => ask(undefined));
cameraButton({
  button: one('[data-gate-scan]'),
  video: one('video', gate),
  failed: (whether) => complain(whether ? 'noCamera' : undefined),
  found(text) {
    const digits = readNonce(text);
    if (!digits) return false;
    ask(digits);
    place.scrollIntoView();
    return true;
  },
});
one('[data-forget]').addEventListener('click', async () => {
  await forgetCards();
  card = undefined;
  one('[data-people]').hidden = true;
  await open();
});

await open();
setInterval(tick, 1000);
setInterval(renew, 60_000);
renew();
keepPages();
