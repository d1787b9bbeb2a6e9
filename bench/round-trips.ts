/** How often requests of one kind were answered, and with how many round trips to the database, since the start. */
interface Count {
  requests: number;
  queries: number;
}

export type Counts = Map<string, Count>;

/** Reads `http_request_database_queries` from `/metrics`, by method and route. */
export async function readCounts(issuer: string): Promise<Counts> {
  const text = await (await fetch(`${issuer}/metrics`)).text();
  const counts: Counts = new Map();
  const line =
    /^http_request_database_queries_(sum|count)\{method="([^"]*)",route="([^"]*)"\} (\d+(?:\.\d+)?)$/gm;
  for (const [, what, method, route, value] of text.matchAll(line)) {
    const key = `${method} ${route}`;
    const count = counts.get(key) ?? { requests: 0, queries: 0 };
    count[what === 'sum' ? 'queries' : 'requests'] = Number(value);
    counts.set(key, count);
  }
  return counts;
}

/** `GET authorization 3.0 + POST token 4.0`: what was asked between two readings, most often first. */
export function describe(before: Counts, after: Counts): string {
  const asked = [...after].map(([key, { requests, queries }]) => {
    const known = before.get(key) ?? { requests: 0, queries: 0 };
    return { key, requests: requests - known.requests, queries: queries - known.queries };
  });
  const most = Math.max(...asked.map(({ requests }) => requests));
  return asked
    .filter(({ key, requests }) => requests > most / 2 && !key.endsWith(' other'))
    .map(({ key, requests, queries }) => `${key} ${(queries / requests).toFixed(1)}`)
    .join(', ');
}
