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
  connected: Promise<void>;
  ready: boolean;
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
  let current: Line | undefined;

  function open(): Line {
    const socket = new Socket();
    const client = new pg.Client({ ...config, stream: () => socket, pipeline: true });
    const connected = client.connect().then(() => {
      line.ready = true;
    });
    const line: Line = { client, socket, connected, ready: false };
    // Told of one line more than once; by then there may be another.
    const forget = () => {
      if (current === line) current = undefined;
    };
    client.once('end', forget);
    client.on('error', forget);
    connected.catch(forget);
    return line;
  }

  /** Holds writes back until this turn of the event loop has seen all that arrived. */
  function gather({ socket }: Line): void {
    if (socket.writableCorked > 0) return;
    socket.cork();
    setImmediate(() => socket.uncork());
  }

  return {
    async query(statement) {
      current ??= open();
      const line = current;
      if (!line.ready) {
        try {
          await line.connected;
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
      const line = current;
      const connected = await line?.connected.then(
        () => true,
        () => false,
      );
      if (connected) await line?.client.end();
    },
  };
}
