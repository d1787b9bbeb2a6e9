import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { readAttestation } from '../../src/health-code/wire/attestation.js';

/** The verdict on what is typed at the door, and whom it names. */
export async function check(door: Page, code: string, document = ''): Promise<string> {
  await door.evaluate(`document.querySelector('[data-result]').replaceChildren()`);
  await door.fill('[name=health_code]', code);
  await door.fill('[name=document]', document);
  await door.locator('[data-check] button').click();
  const box = door.locator('[data-result] .verdict');
  await box.waitFor();
  return (await box.getAttribute('data-verdict')) ?? '';
}

/** Waits in the test, not in the page: the page's policy forbids evaluating text, and its clock may stand still. */
export async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await sleep(50);
}

/** What the code page shows. */
export const onlineCode = async (phone: Page) =>
  (await phone.locator('[data-code]').first().textContent()) ?? '';
/** What the phone has made itself, once it is there. */
export const offlineCode = async (phone: Page) => {
  await phone.locator('[data-qr][data-code]').waitFor();
  return (await phone.locator('[data-qr]').getAttribute('data-code')) ?? '';
};
/** Waits until the phone keeps a card and the pages that work without network. */
export async function keptOn(phone: Page): Promise<void> {
  await phone.goto('/health/code');
  await until(
    phone,
    `(({ textContent, dataset }) => textContent.startsWith(dataset.ready.split('{')[0]))(
      document.querySelector('[data-offline-state]'))`,
  );
  await until(
    phone,
    `caches.match('/health/code/offline').then((kept) => Boolean(kept && navigator.serviceWorker.controller))`,
  );
}

/** The card that a phone keeps, in the page's language. */
export const CARD = `new Promise((resolve) => {
  indexedDB.open('yimatong-health').onsuccess = ({ target: { result: db } }) => {
    db.transaction('cards').objectStore('cards').get('self').onsuccess = ({ target: { result } }) => {
      db.close();
      resolve(result);
    };
  };
})`;
/** What can be learnt of it, and of its key. */
export async function cardOn(phone: Page) {
  const card = (await phone.evaluate(`${CARD}.then(async ({ attestation, privateKey, renewAt }) => ({
    attestation: [...attestation],
    renewAt,
    extractable: privateKey.extractable,
    exported: await crypto.subtle.exportKey('jwk', privateKey).then(() => 'yes', ({ name }) => name),
  }))`)) as { attestation: number[]; renewAt: number; extractable: boolean; exported: string };
  const { device } = readAttestation(Uint8Array.from(card.attestation))!.attestation;
  return { ...card, device };
}
