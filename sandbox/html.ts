/** Text that is already HTML. */
export interface Html {
  readonly html: string;
}
type Piece = Html | string | number | false | null | undefined | readonly Piece[];

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeText = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

function render(piece: Piece): string {
  if (piece === false || piece === null || piece === undefined) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return escapeText(String(piece));
  if ('html' in piece) return piece.html;
  return piece.map(render).join('');
}

/** Template tag: everything put in is escaped, unless it came from this tag. */
export const html = (strings: TemplateStringsArray, ...pieces: Piece[]): Html => ({
  html: strings.reduce((text, part, index) => text + render(pieces[index - 1]) + part),
});

/** Markup from our own source files, such as drawings. */
export const raw = (markup: string): Html => ({ html: markup });
