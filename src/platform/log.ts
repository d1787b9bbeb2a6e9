import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Logger;
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const HIDDEN = '[hidden]';

/** Names under which secrets and personal data travel, compared without case, `_` and `-`. */
const SECRET_NAMES =
  /^(.*password|.*secret|.*token|.*tokenhint|.*cookie|authorization|dpop|.*privatekey|clientassertion|assertion|samlresponse|smscode|codeverifier|otp|loginhint|idnumber|cardnumber|.*phone|.*phonenumber|mobile|email|birthdate|username|fullname|personname|address|text|to|sealed|wrappedkey)$/;

/** Shapes of personal data and secrets inside longer texts. */
const SHAPES: [RegExp, string][] = [
  // Resident identity numbers (GB 11643): 17 digits and a check character.
  [/(?<!\d)\d{17}[\dXx](?![\dA-Za-z])/g, '[id number]'],
  [/(?<!\d)(?:\+?86[- ]?)?1[3-9]\d{9}(?!\d)/g, '[phone]'],
  [/(?<!\d)\d{16,19}(?!\d)/g, '[card]'],
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*){1,3}/g, '[token]'],
  [/[\w.+-]+@[\w-]+\.[\w.-]+/g, '[address]'],
  [/\b(Bearer|DPoP|Basic)\s+[\w.~+/=-]+/gi, '$1 [hidden]'],
  // A query may carry codes and hints; its path is enough to find the fault.
  [/\?[\w%.~-]+=[^\s"'<>]*/g, '?[hidden]'],
];

/** The text without what looks like personal data or a secret. */
export const scrubText = (text: string): string =>
  SHAPES.reduce((scrubbed, [shape, instead]) => scrubbed.replace(shape, instead), text);

/** Error codes are words or `SHOUTED` words; authorization and one-time codes never are. */
const isErrorCode = (value: unknown) =>
  typeof value === 'string' && /^([a-z][a-z_]*|[A-Z][A-Z_]*)$/.test(value);

function isSecret(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  return name === 'code' ? !isErrorCode(value) : SECRET_NAMES.test(name);
}

const plainName = (name: string) => name.toLowerCase().replace(/[_-]/g, '');

/** A copy without secrets and personal data, by name and by shape; what nests too deep is left out. */
export function scrub(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value === 'number' || typeof value === 'bigint') {
    const text = String(value);
    const scrubbed = scrubText(text);
    return scrubbed === text ? value : scrubbed;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (depth > 5) return '[deep]';
  if (value instanceof Error) return scrubError(value, depth);
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => scrub(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isSecret(plainName(name), item) ? HIDDEN : scrub(item, depth + 1),
    ]),
  );
}

/** Of an error only what tells where it happened: PostgreSQL's `detail`, for one, quotes whole rows. */
function scrubError(error: Error, depth: number): object {
  const { code, status, constraint, kind } = error as Error & Record<string, unknown>;
  return {
    type: error.name,
    message: scrubText(error.message),
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status }),
    ...(constraint !== undefined && { constraint }),
    ...(kind !== undefined && { kind }),
    stack: error.stack && scrubText(error.stack),
    ...(error.cause !== undefined && { cause: scrub(error.cause, depth + 1) }),
  };
}

/**
 * The log: one JSON object a line, without personal data and secrets whoever writes them. Events of the domain
 * belong in the audit, not here.
 *
 * @param name which process writes.
 * @param destination where to, standard output by default.
 */
export function createLog(
  { level, name }: { level: LogLevel; name: string },
  destination?: DestinationStream,
): Log {
  const options: pino.LoggerOptions = {
    level,
    base: { name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label) => ({ level: label }),
      log: (object) => scrub(object) as Record<string, unknown>,
      bindings: (bindings) => bindings,
    },
    serializers: { err: (error: unknown) => error },
    hooks: {
      logMethod(args, method) {
        const scrubbed = args.map((arg) => {
          if (arg instanceof Error) return { err: arg, msg: scrubText(arg.message) };
          return typeof arg === 'string' ? scrubText(arg) : arg;
        });
        method.apply(this, scrubbed as Parameters<typeof method>);
      },
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
