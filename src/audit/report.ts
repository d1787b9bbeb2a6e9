import type { Verdict } from './verify.ts';

const SENTENCES: Record<NonNullable<Verdict['broken']>['what'], string> = {
  event_changed: 'the event was changed, or stands in another place, since it was sealed',
  event_missing: 'the event was deleted',
  number_missing: 'the link was deleted',
  start_not_signed: 'the link before it was removed without a signed head',
  head_changed: 'the head recorded here is not the hash of the chain',
  head_signature: 'the signature of the head does not hold',
  head_missing: 'no signed head covers it',
  chain_shortened: 'the end of the chain was cut off before it',
};

/** Puts a verdict into lines for a person. Returns the exit code too: 0 sound, 1 broken. */
export function report(verdict: Verdict): { lines: string[]; exitCode: 0 | 1 } {
  const { broken, head, unsealed, unsealedMore } = verdict;
  const lines = [
    verdict.through === 0
      ? 'Nothing is sealed yet.'
      : `Checked the links ${verdict.from} to ${verdict.through}${head ? `; head ${head.seq}:${head.hash}` : ''}.`,
  ];
  if (broken) {
    const event = broken.eventId ? ` (event ${broken.eventId})` : '';
    lines.push(`BROKEN at ${broken.seq}${event}: ${SENTENCES[broken.what]}.`);
  } else if (verdict.through > 0) {
    lines.push('Sound: no sealed event was changed, removed or moved.');
  }
  if (unsealed.length > 0) {
    lines.push(`Not sealed yet: ${unsealed.length + unsealedMore}.`);
    for (const event of unsealed) lines.push(`  ${event.at.toISOString()} ${event.id} ${event.type}`);
    if (unsealedMore > 0) lines.push(`  … and ${unsealedMore} more`);
  }
  return { lines, exitCode: broken ? 1 : 0 };
}
