import { hash } from 'node:crypto';

/** What is stored of a bearer value (cookie, code, token, `request_uri`): its SHA-256. */
export const recordKey = (value: string): Buffer => hash('sha256', value, 'buffer');
