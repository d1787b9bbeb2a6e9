/** Leaves out what SQL has as null, so that optional properties are really absent. */
export function present<T extends object>(value: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };
}
