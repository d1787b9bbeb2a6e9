/** One fenced block of a page. */
export interface Block {
  /** Line of the page on which its code begins. */
  line: number;
  code: string;
}

/** The fenced blocks of one language, in the order of the page. */
export function blocksOf(page: string, language: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; code: string[]; language: string } | undefined;
  for (const [index, text] of page.split('\n').entries()) {
    if (!text.startsWith('```')) open?.code.push(text);
    else if (open) {
      if (open.language === language) blocks.push({ line: open.line, code: open.code.join('\n') });
      open = undefined;
    } else open = { line: index + 2, code: [], language: text.slice(3).trim() };
  }
  return blocks;
}

/** What a block promises to print: its lines `# → …`. */
export const promisesOf = ({ code }: Block): string[] =>
  [...code.matchAll(/^# → (.*)$/gm)].map((match) => match[1]!);

/** The rows of the first table below a heading, each the plain text of its first cell without backquotes. */
export function firstCells(page: string, heading: string): string[] {
  const [, after = ''] = page.split(`\n${heading}\n`);
  const table = /(?:^\|.*\n)+/m.exec(after)?.[0] ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => row.split('|')[1]!.trim());
}
