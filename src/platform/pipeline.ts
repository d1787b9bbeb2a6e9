import { Socket } from 'node:net';
import pg from 'pg';

/** A prepared statement as `pg` takes it. */
export type Statement = pg.QueryConfig & { name: string };

export interface Pipeline {
  /**
   * @throws Error of the statement
   * @throws ConnectionLost when the answer never came; the next statement opens a new connection.
   */
  query(statement: Statement): Promise<pg.QueryResult>;
  close(): Promise<void>;
}

export class ConnectionLost extends Error {}

interface Line {
  client: pg.Client;
  socket: Socket;
}

/** SQLSTATE of a server that goes away: by an administrator, by a crash, or because it cannot take anybody now. */
const GOING_AWAY = /^57P/;

/**
 * One connection on which statements are sent without waiting for the answers before them. What a turn of the event
 * loop asks goes out in one write, so many requests at once wake the database once.
 *
 * For what is quick: whoever stands behind a slow statement waits for it, and writes would wait for each other's flush
 * to disk instead of sharing one.
 */
export function openPipeline(config: pg.ClientConfig): Pipeline {
  let opening: Promise<Line> | undefined;
  let ready: Line | undefined;

  async function open(): Promise<Line> {
    const socket = new Socket();
    const client = new pg.Client({ ...config, stream: () => socket, pipeline: true });
    const forget = () => {
      if (ready?.client === client) ready = undefined;
      opening = undefined;
    };
    client.once('end', forget);
    client.on('error', forget);
    try {
      await client.connect();
    } catch (error) {
      forget();
      throw error;
    }
    ready = { client, socket };
    return ready;
  }

  /** Holds writes back until this turn of the event loop has seen all that arrived. */
  function gather({ socket }: Line): void {
    if (socket.writableCorked > 0) return;
    socket.cork();
    setImmediate(() => socket.uncork());
  }

  return {
    async query(statement) {
      let line = ready;
      if (line === undefined) {
        opening ??= open();
        try {
          line = await opening;
        } catch (error) {
          throw new ConnectionLost('the database did not answer', { cause: error });
        }
      }
      gather(line);
      try {
        return await line.client.query(statement);
      } catch (error) {
        if (error instanceof pg.DatabaseError && !GOING_AWAY.test(error.code ?? '')) throw error;
        throw new ConnectionLost('the connection to the database was lost', { cause: error });
      }
    },
    async close() {
      const line = ready ?? (await opening?.catch(() => undefined));
      await line?.client.end();
    },
  };
}
