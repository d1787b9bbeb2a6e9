const RESIDENT_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];
/** GB 32100-2015: no I, O, S, V, Z. The position of a character is its value. */
const USCC_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/**
 * The 18th character of a number built like a resident ID (GB 11643-1999, ISO 7064 MOD 11-2).
 * @param body at least 17 decimal digits; what follows them is not looked at.
 */
export function residentCheckDigit(body: string): string {
  const sum = RESIDENT_WEIGHTS.reduce((total, weight, i) => total + weight * Number(body[i]), 0);
  return '10X98765432'.charAt(sum % 11);
}

/**
 * The 18th character of a unified social credit code (GB 32100-2015, 4.3).
 * @param body at least 17 characters of the code's alphabet.
 */
export function usccCheckDigit(body: string): string {
  let sum = 0;
  let weight = 1;
  for (const character of body.slice(0, 17)) {
    sum += USCC_ALPHABET.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  return USCC_ALPHABET.charAt((31 - (sum % 31)) % 31);
}

/**
 * The 9th character of an organisation code (GB 11714-1997). Letters count 10 for A to 35 for Z.
 * @param body at least 8 characters 0-9A-Z.
 */
export function organisationCheckDigit(body: string): string {
  const sum = ORGANISATION_WEIGHTS.reduce(
    (total, weight, i) => total + weight * Number.parseInt(body.charAt(i), 36),
    0,
  );
  const check = 11 - (sum % 11);
  if (check === 11) return '0';
  return check === 10 ? 'X' : String(check);
}

/** Whether the last digit of `digits` is right by Luhn (ISO/IEC 7812-1, annex B). */
export function luhnHolds(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const counted = i % 2 === 1 ? digit * 2 : digit;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 === 0;
}
