import { z } from 'zod';

/** Everything that controls a terminal or ends a string, but for the end of a line. */
const CONTROL = /[^\P{Cc}\n]/gu;

/**
 * A field of words: line ends made one kind, control characters left out (the database takes no NUL), trimmed.
 *
 * @param missing text key for a field that is too short.
 */
export const plainText = ({ min = 1, max, missing }: { min?: number; max: number; missing: string }) =>
  z
    .string(missing)
    .transform((text) => text.replace(/\r\n?/g, '\n').replace(CONTROL, '').trim())
    .pipe(z.string().min(min, missing).max(max));
