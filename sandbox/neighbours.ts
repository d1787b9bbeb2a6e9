import { createHash } from 'node:crypto';

/** How far above our ports those of the neighbouring province are. */
export const NEIGHBOUR_OFFSET = 40;

const HOME = { issuer: '390000', name: '示例省' };
const NEIGHBOUR = { issuer: '380000', name: '示例邻省' };

/** Months whose keys the sandbox has: enough to move the clock a few years. */
const MONTHS = Array.from({ length: 6 * 12 }, (_, n) =>
  new Date(Date.UTC(2025, n, 1)).toISOString().slice(0, 7),
);

/** The keys that the two provinces share, one a month; everybody knows them. */
const monthKeys = Object.fromEntries(
  MONTHS.map((month) => [month, createHash('sha256').update(`sandbox month key ${month}`).digest('base64')]),
);

/** `HEALTH_PEERS_FILE` of one of the two provinces of the sandbox; they find each other by their ports. */
export function peersOf({
  portOffset,
  neighbour = false,
}: {
  portOffset: number;
  neighbour?: boolean | undefined;
}) {
  const other = neighbour ? HOME : NEIGHBOUR;
  const port = 3000 + portOffset + (neighbour ? -NEIGHBOUR_OFFSET : NEIGHBOUR_OFFSET);
  return {
    issuer: (neighbour ? NEIGHBOUR : HOME).issuer,
    month_keys: monthKeys,
    peers: [{ ...other, url: `http://localhost:${port}` }],
  };
}
