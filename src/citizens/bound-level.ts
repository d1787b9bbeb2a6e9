/**
 * The account level at the time a credential was enrolled: a session never exceeds it, so that a thief's passkey
 * enrolled at basic does not become intermediate when the victim upgrades. The names are those of the ladder
 * (`src/assurance/level.ts`), a room that this one may not import.
 */
export type BoundLevel = 'anonymous' | 'basic' | 'intermediate' | 'advanced';
