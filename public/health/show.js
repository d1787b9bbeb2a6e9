// `/health/code`: the clock ticks, and the code is replaced before it ends.
import { canKeep, forgetOthers, readCards, renewCard } from './cards.js';
import { clockText, fill, keepPages, minuteText, post, showSvg } from './page.js';

const card = document.querySelector('[data-show]');
if (card) {
  const at = (name) => card.querySelector(`[data-${name}]`);
  const who = card.dataset.for;
  const { colour } = card.dataset;
  let offset = Number(card.dataset.now) - Date.now();
  let endsAt = Number(card.dataset.now) + Number(card.dataset.seconds) * 1000;
  /** Enough for a slow network to bring the next one. */
  const AHEAD_MS = 10_000;
  let asking = false;

  async function next() {
    if (asking) return;
    asking = true;
    try {
      const { status, body } = await post('/health/code/online', who ? { for: who } : {});
      // Logged out, or another colour: the page itself says what is new.
      if (status !== 200 || body.colour !== colour) return location.reload();
      showSvg(at('qr'), body.svg);
      at('qr').classList.remove('qr-lost');
      at('code').textContent = body.code;
      offset = body.now - Date.now();
      endsAt = body.now + body.seconds * 1000;
    } catch {
      await lost();
    } finally {
      asking = false;
    }
  }

  /** Without network a code of this page has no successor: what the phone keeps takes over. */
  async function lost() {
    if (Date.now() + offset < endsAt) return;
    const kept = canKeep() ? await readCards() : [];
    if (kept.length > 0) location.assign('/health/code/offline');
    else at('qr').classList.add('qr-lost');
  }

  function tick() {
    const now = Date.now() + offset;
    at('clock').textContent = clockText(now);
    const seconds = Math.ceil((endsAt - now) / 1000);
    at('left').textContent =
      seconds > 0 ? fill(at('left').dataset.text, { seconds }) : at('left').dataset.lost;
    if (endsAt - now < AHEAD_MS && document.visibilityState === 'visible') next();
  }
  tick();
  setInterval(tick, 1000);
  document.addEventListener('visibilitychange', tick);
  at('refresh').addEventListener('click', (event) => {
    event.preventDefault();
    next();
  });

  const state = document.querySelector('[data-offline-state]');
  async function keep() {
    state.hidden = false;
    if (!canKeep()) {
      state.textContent = state.dataset.unavailable;
      return;
    }
    await forgetOthers(card.dataset.owner);
    const kept = await renewCard(who, colour);
    if (kept) state.textContent = fill(state.dataset.ready, { until: minuteText(kept.expiresAt) });
    else state.hidden = true;
  }
  keep();
  setInterval(keep, 5 * 60_000);
}
keepPages();
