import { PassThrough } from 'node:stream';
import type { Context } from 'koa';

/**
 * An answer of lines of JSON. Until the first acknowledgement it is held back, so that a short stream gets a
 * status that says how it went; a long one is answered while it is read. What is written is never waited for:
 * a sender that reads only when it has sent everything would wait for us in turn. There is an upper bound to
 * what can be refused.
 */
export function lineAnswer(ctx: Context) {
  let held: string[] = [];
  let out: PassThrough | undefined;
  let begin: () => void = () => {};
  /** Resolves when the answer has begun. */
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const write = (line: object) => {
    const text = `${JSON.stringify(line)}\n`;
    if (out) out.write(text);
    else held.push(text);
  };

  const start = (status: number) => {
    if (out) return;
    out = new PassThrough({ highWaterMark: 4 * 1024 * 1024 });
    // A sender that is gone hears nothing; what was acknowledged stays.
    out.on('error', () => {});
    ctx.status = status;
    ctx.type = 'application/x-ndjson';
    ctx.body = out;
    out.write(held.join(''));
    held = [];
    begin();
  };

  return {
    begun,
    write,
    /** Sends what there is, and goes on. */
    stream: () => start(200),
    /** The last line. `status` counts where nothing was sent before. */
    end(line: object, status: number) {
      write(line);
      start(status);
      out?.end();
    },
  };
}

export type LineAnswer = ReturnType<typeof lineAnswer>;
