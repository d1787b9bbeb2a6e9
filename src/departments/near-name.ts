/** @returns the known name that a mistyped one probably means: at most two letters missing, changed or swapped. */
export function nearName(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((each) => ({ each, distance: distance(name.toLowerCase(), each) }))
    .filter((one) => one.distance <= 2);
  return near.sort((a, b) => a.distance - b.distance)[0]?.each;
}

/** Levenshtein distance: letters to insert, remove or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [line, letter] of [...a].entries()) {
    const next = [line + 1];
    for (let at = 0; at < b.length; at++) {
      const change = row[at]! + (letter === b[at] ? 0 : 1);
      next.push(Math.min(change, row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
