import type { Cards } from '../../authorities/cards.ts';
import type {
  RedirectCheck,
  RedirectCheckKind,
  RedirectCheckStart,
} from '../../authorities/redirect-check.ts';
import { parseBankCard, parseMobile } from '../../citizens/identifiers.ts';
import type { Answer } from './answer.ts';
import { PROOFING_METHODS, type ProofingMethodId, proofingPolicy } from './policy.ts';

export interface Subject {
  name: string;
  idNumber: string;
}

/** What was typed into a form, by field. */
export type Form = Readonly<Record<string, string | undefined>>;

export type FieldRefusal = 'empty' | 'format';

export type Started =
  | { kind: 'redirect'; reference: string; redirectTo: string }
  | { kind: 'answer'; answer: Answer }
  | { kind: 'invalid'; fields: Record<string, FieldRefusal> };

/** One way up. Each has the same verbs, so that the flow knows none of them by name. */
export interface ProofingMethod {
  /** Fields of its form; none for a check on the authority's pages. */
  readonly fields: readonly string[];
  /** @throws AuthorityUnavailable */
  start(input: {
    subject: Subject;
    purpose: RedirectCheckStart['purpose'];
    state: string;
    returnTo: string;
    form: Form;
    now: Date;
  }): Promise<Started>;
  /** Whether what the browser brought back can be the check that was started. It proves nothing else. */
  callback(brought: { reference: string | undefined }, started: { reference: string }): boolean;
  /** Asks the authority how it went, server to server. @throws AuthorityUnavailable */
  result(reference: string): Promise<Answer>;
}

export interface ProofingAuthorities {
  redirectCheck: RedirectCheck;
  cards: Cards;
}

type FormKind = 'social_security_card' | 'bank_card';
type RedirectId = Exclude<ProofingMethodId, FormKind>;

/** A check on the authority's own pages: face, Alipay, live face, voiceprint, video, or at a counter. */
function redirectMethod(kind: RedirectCheckKind, check: RedirectCheck): ProofingMethod {
  return {
    fields: [],
    async start({ subject, purpose, state, returnTo }) {
      const { name, idNumber } = subject;
      const started = await check.start({ kind, purpose, name, idNumber, state, returnTo });
      return { kind: 'redirect', ...started };
    },
    callback: (brought, started) =>
      brought.reference === undefined || brought.reference === started.reference,
    async result(reference) {
      const { reason, ...rest } = await check.result(kind, reference);
      return { ...rest, ...(reason === undefined ? {} : { detail: reason }) };
    },
  };
}

interface CardReply {
  outcome: 'match' | 'mismatch' | 'blocked';
  reference: string;
  source: string;
}

const CARD_OUTCOMES = { match: 'passed', mismatch: 'failed', blocked: 'blocked' } as const;

/** A card whose issuer is asked with name and ID number: a match says that both are the holder's. */
function cardMethod<Field extends string>(
  parsers: Record<Field, (raw: string) => string | undefined>,
  ask: (subject: Subject, values: Record<Field, string>) => Promise<CardReply>,
): ProofingMethod {
  const fields = Object.keys(parsers) as Field[];
  return {
    fields,
    async start({ subject, form, now }) {
      const values = {} as Record<Field, string>;
      const refused: Record<string, FieldRefusal> = {};
      for (const field of fields) {
        const raw = form[field]?.trim() ?? '';
        const value = raw === '' ? undefined : parsers[field](raw);
        if (value === undefined) refused[field] = raw === '' ? 'empty' : 'format';
        else values[field] = value;
      }
      if (Object.keys(refused).length > 0) return { kind: 'invalid', fields: refused };
      const { outcome, reference, source } = await ask(subject, values);
      return {
        kind: 'answer',
        answer: {
          outcome: CARD_OUTCOMES[outcome],
          ...subject,
          decidedAt: now,
          live: false,
          reference,
          source,
        },
      };
    },
    callback: () => false,
    result: () => Promise.reject(new TypeError('a card is answered at once')),
  };
}

const accepted = (parsed: { ok: true; value: string } | { ok: false }): string | undefined =>
  parsed.ok ? parsed.value : undefined;

/** The number on a social security card: letters and digits, as the issuing city likes. */
function parseSocialSecurityCard(raw: string): string | undefined {
  const value = raw.normalize('NFKC').replace(/[\s-]/g, '').toUpperCase();
  return /^[0-9A-Z]{6,20}$/.test(value) ? value : undefined;
}

/** What the authority is asked for: an officer's word is a video call. */
const checkOf = (id: RedirectId): RedirectCheckKind =>
  proofingPolicy.methods[id].asks ?? (id as RedirectCheckKind);

/** The methods of `config/proofing-methods.json`, each ready to be used. */
export function createMethods({
  redirectCheck,
  cards,
}: ProofingAuthorities): Record<ProofingMethodId, ProofingMethod> {
  const forms: Record<FormKind, ProofingMethod> = {
    social_security_card: cardMethod({ card_number: parseSocialSecurityCard }, (subject, values) =>
      cards.socialSecurity({ ...subject, cardNumber: values.card_number }),
    ),
    bank_card: cardMethod(
      { card_number: (raw) => accepted(parseBankCard(raw)), phone: (raw) => accepted(parseMobile(raw)) },
      (subject, { card_number, phone }) => cards.bank({ ...subject, cardNumber: card_number, phone }),
    ),
  };
  const build = (id: ProofingMethodId): ProofingMethod => {
    const way = id === 'social_security_card' || id === 'bank_card' ? 'form' : 'redirect';
    if (proofingPolicy.methods[id].way !== way) {
      throw new TypeError(`config/proofing-methods.json: "${id}" works as "${way}" only`);
    }
    return id === 'social_security_card' || id === 'bank_card'
      ? forms[id]
      : redirectMethod(checkOf(id), redirectCheck);
  };
  return Object.fromEntries(PROOFING_METHODS.map((id) => [id, build(id)])) as Record<
    ProofingMethodId,
    ProofingMethod
  >;
}
