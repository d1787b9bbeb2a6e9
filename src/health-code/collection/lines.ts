import { isUtf8 } from 'node:buffer';

/** One line of a stream: its text, or why it has none. Lines are counted from 1, empty ones too. */
export type Line = { no: number; text: string } | { no: number; fault: 'line_too_long' | 'not_utf8' };

const NEWLINE = 0x0a;
const BOM = '\ufeff';

/**
 * Cuts a stream of bytes into lines. Holds no more than one line, however long the lines are.
 *
 * @param most the longest line in bytes; a longer one is dropped and reported.
 */
export function lineSplitter(most: number): { push(bytes: Buffer): Line[]; end(): Line[] } {
  let held: Buffer[] = [];
  let length = 0;
  let no = 0;

  function hold(part: Buffer): void {
    length += part.length;
    if (length <= most) held.push(part);
    else held = [];
  }

  function finish(lines: Line[]): void {
    no += 1;
    const bytes = held.length === 1 ? held[0]! : Buffer.concat(held);
    const tooLong = length > most;
    held = [];
    length = 0;
    if (tooLong) return void lines.push({ no, fault: 'line_too_long' });
    if (!isUtf8(bytes)) return void lines.push({ no, fault: 'not_utf8' });
    const text = bytes.toString();
    const trimmed = (no === 1 && text.startsWith(BOM) ? text.slice(1) : text).trim();
    if (trimmed !== '') lines.push({ no, text: trimmed });
  }

  return {
    push(bytes) {
      const lines: Line[] = [];
      let from = 0;
      for (;;) {
        const to = bytes.indexOf(NEWLINE, from);
        if (to === -1) break;
        hold(bytes.subarray(from, to));
        finish(lines);
        from = to + 1;
      }
      // Copied, so that a few bytes do not keep a whole buffer.
      if (from < bytes.length) hold(Buffer.from(bytes.subarray(from)));
      return lines;
    },
    /** The last line, where the stream ended without a line break. */
    end() {
      const lines: Line[] = [];
      if (length > 0) finish(lines);
      return lines;
    },
  };
}
