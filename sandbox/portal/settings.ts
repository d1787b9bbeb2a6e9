import { readFileSync } from 'node:fs';
import type { JWK } from 'jose';
import { z } from 'zod';

export const LOOKS = ['city-a', 'city-b', 'hrss', 'tax'] as const;
export type Look = (typeof LOOKS)[number];

/** How a client proves itself at the token endpoint. */
export type Credentials =
  | { clientId: string; secret: string }
  | { clientId: string; key: JWK & { kid: string; alg: string } };

export interface PortalSettings {
  look: Look;
  port: number;
  host: string;
  /** Where browsers see this portal. */
  origin: string;
  issuer: string;
  main: Credentials;
  /** Only the epidemic-prevention page of city A is a second client. */
  epidemic: Credentials | undefined;
  /** The other programs, for links between them. */
  links: Record<Look, string>;
}

const key = z.looseObject({ kid: z.string(), alg: z.string(), d: z.string() });
const origin = z.url({ protocol: /^https?$/ }).transform((text) => new URL(text).origin);

const environment = z
  .object({
    LOOK: z.enum(LOOKS),
    PORT: z.coerce.number().int().min(0).max(65_535),
    HOST: z.string().default('localhost'),
    ORIGIN: origin.optional(),
    ISSUER: z.url({ protocol: /^https?$/ }).default('http://localhost:3000'),
    CLIENT_ID: z.string().min(1),
    CLIENT_SECRET: z.string().min(1).optional(),
    CLIENT_KEY_FILE: z.string().optional(),
    EPIDEMIC_CLIENT_ID: z.string().optional(),
    EPIDEMIC_KEY_FILE: z.string().optional(),
    CITY_A_URL: origin.default('http://localhost:3001'),
    CITY_B_URL: origin.default('http://localhost:3002'),
    HRSS_URL: origin.default('http://localhost:3003'),
    TAX_URL: origin.default('http://localhost:3004'),
  })
  .refine(({ CLIENT_SECRET, CLIENT_KEY_FILE }) => !CLIENT_SECRET !== !CLIENT_KEY_FILE, {
    message: 'give either CLIENT_SECRET or CLIENT_KEY_FILE',
    path: ['CLIENT_SECRET'],
  });

/** A private JWK from a file; the public half is in the clients file. */
export const readKey = (file: string) => key.parse(JSON.parse(readFileSync(file, 'utf8')));

/** Reads the settings of one portal. @throws Error that names each variable and what is wrong with it */
export function readSettings(env: NodeJS.ProcessEnv): PortalSettings {
  const parsed = environment.safeParse(env);
  if (!parsed.success) throw new Error(`portal settings: ${z.prettifyError(parsed.error)}`);
  const of = parsed.data;
  const { EPIDEMIC_CLIENT_ID: epidemicId, EPIDEMIC_KEY_FILE: epidemicKey } = of;
  return {
    look: of.LOOK,
    port: of.PORT,
    host: of.HOST,
    origin: of.ORIGIN ?? `http://${of.HOST}:${of.PORT}`,
    issuer: of.ISSUER,
    main: of.CLIENT_SECRET
      ? { clientId: of.CLIENT_ID, secret: of.CLIENT_SECRET }
      : { clientId: of.CLIENT_ID, key: readKey(of.CLIENT_KEY_FILE ?? '') },
    epidemic: epidemicId && epidemicKey ? { clientId: epidemicId, key: readKey(epidemicKey) } : undefined,
    links: { 'city-a': of.CITY_A_URL, 'city-b': of.CITY_B_URL, hrss: of.HRSS_URL, tax: of.TAX_URL },
  };
}
