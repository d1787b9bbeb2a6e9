/**
 * Writes what is published but made from the source: `npm run docs`. A test says when it has to run again.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { personSchema } from '../sandbox/people/person.ts';
import { clientsFileSchema } from '../src/departments/clients-file.ts';
import { describeEnvironment } from '../src/environment.ts';
import { codesPage } from './codes-page.ts';

const file = (path: string) => new URL(path, import.meta.url);
const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;

type Problems = Record<string, { title: string; happened: string; next: string }>;

/** Codes of `ymt-error`, by the file of texts that has their words. */
function errorCodes(): [string, Problems][] {
  const texts = file('../config/texts/en/');
  return readdirSync(texts)
    .sort()
    .map((name): [string, Problems] => {
      const { problems = {} } = JSON.parse(readFileSync(new URL(name, texts), 'utf8')) as {
        problems?: Problems;
      };
      return [name.replace(/\.json$/, ''), problems];
    })
    .filter(([, problems]) => Object.keys(problems).length > 0);
}

const errorsPage = () => `# Error codes

Every error page has \`<meta name="ymt-error" content="CODE">\` and a reference id, which is the answer's header
\`x-reference-id\` too. Programs (\`Accept: application/json\`) get \`{error, error_description, reference_id}\` with the same
code. Codes are permanent; the sentences may change. Made by \`docs/publish.ts\` from \`config/texts/en/\`.
${errorCodes()
  .map(
    ([room, problems]) => `
## ${room}

| code | what happened | what to do |
|---|---|---|
${Object.entries(problems)
  .map(([code, { happened, next }]) => `| \`${code}\` | ${happened} | ${next} |\n`)
  .join('')}`,
  )
  .join('')}`;

/** The page of the environment with the tables of now; what stands before and after them is written by hand. */
function environmentPage(): string {
  const page = readFileSync(file('environment.md'), 'utf8');
  const [from, to] = [page.indexOf('| variable |'), page.indexOf('\n## ')];
  return `${page.slice(0, from)}${describeEnvironment()}${page.slice(to)}`;
}

/** Path below `docs/` → text. */
export const published = (): Record<string, string> => ({
  'schemas/clients.schema.json': json({
    title: 'Relying parties of Yimatong (CLIENTS_FILE)',
    ...clientsFileSchema(),
  }),
  'schemas/people.schema.json': json({
    title: 'People of the sandbox (SANDBOX_PEOPLE_FILE)',
    ...z.toJSONSchema(z.array(personSchema), { target: 'draft-2020-12', io: 'input' }),
  }),
  'errors.md': errorsPage(),
  'environment.md': environmentPage(),
  'standard/codes.md': codesPage(),
});

if (import.meta.main) {
  for (const [path, text] of Object.entries(published())) writeFileSync(file(path), text);
}
