// What the pages of the health code share.
import encodeQR from '../vendor/qr/index.js';

/** Puts text into `{name}` of a sentence that the page brought along. */
export const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/** Replaces what stands in an element by an SVG. */
export function showSvg(element, svg) {
  element.replaceChildren(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement);
}

export const qrSvg = (text) => encodeQR(text, 'svg', { ecc: 'medium', encoding: 'alphanumeric', border: 4 });

const clock = (timeStyle) =>
  new Intl.DateTimeFormat(document.documentElement.lang, {
    timeZone: 'Asia/Shanghai',
    dateStyle: 'long',
    timeStyle,
    hourCycle: 'h23',
  });
const [SECONDS, MINUTES] = [clock('medium'), clock('short')];
/** China's time, whatever zone the phone is in: `2026年11月23日 10:00:05`. */
export const clockText = (at) => SECONDS.format(at);
/** The same to the minute. */
export const minuteText = (at) => MINUTES.format(at);

/** Asks the platform as the page's own form would. Throws a TypeError when there is no network. */
export async function post(address, body) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(8000),
  });
  return { status: response.status, body: await response.json() };
}

/** Makes the pages available without network, and brings what is kept of them up to date. */
export async function keepPages() {
  if (!('serviceWorker' in navigator)) return;
  await navigator.serviceWorker.register('/health/worker.js', { scope: '/health/', updateViaCache: 'none' });
  const { active } = await navigator.serviceWorker.ready;
  active?.postMessage('refresh');
}
