/** Prints the body of every POST it gets, one a line, and answers 200: `node docs/examples/listen.ts PORT`. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

createServer(async (request, response) => {
  process.stdout.write(`${await text(request)}\n`);
  response.end();
}).listen(Number(process.argv[2]));
