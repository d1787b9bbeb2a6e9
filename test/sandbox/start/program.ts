import { createServer } from 'node:http';
import { createServer as createPlainServer } from 'node:net';

/** The smallest program a sandbox can have. `/die` makes it end, `BEHAVIOUR` makes it fail at start. */
if (process.env.BEHAVIOUR === 'fail') {
  process.stderr.write('the clients file has no entry 3\n');
  process.exit(4);
}
const answer = createServer((request, response) => {
  if (request.url === '/die') process.exit(3);
  response.end(JSON.stringify({ pid: process.pid, database: process.env.DATABASE_URL }));
});
// One that has no health check tells its supervisor itself.
const silent = createPlainServer();
const server = process.env.BEHAVIOUR === 'silent' ? silent : answer;
server.listen(Number(process.env.PORT), 'localhost', () => process.send?.('ready'));
