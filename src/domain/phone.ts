import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js';

/** The same few numbers are asked for again and again (each event of a person carries one); parsing costs 10 µs. */
const MEMO_MAX = 20_000;
const memo = new Map<string, string | null>();

/**
 * E.164 (`+12125550142`) of a number as people and platforms write it, or null when libphonenumber-js does not hold
 * it for possible (SPEC §2.5, 3). Digits without `+` are read in the default country first, then as international.
 */
export function toE164(phone: string, defaultCountry: string): string | null {
  const key = `${defaultCountry} ${phone}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const number = parseNumber(phone, defaultCountry);
  if (memo.size >= MEMO_MAX) memo.clear();
  memo.set(key, number);
  return number;
}

function parseNumber(phone: string, defaultCountry: string): string | null {
  const text = phone.trim().replace(/^00(?=[1-9])/, '+');
  if (!/\d/.test(text) || text.length > 40) return null;
  const national = isSupportedCountry(defaultCountry)
    ? parsePhoneNumberFromString(text, defaultCountry as CountryCode)
    : parsePhoneNumberFromString(text);
  if (national?.isPossible()) return national.number;
  if (text.startsWith('+')) return null;
  const international = parsePhoneNumberFromString(`+${text}`);
  return international?.isPossible() ? international.number : null;
}

/**
 * The digits that two spellings of an impossible number share: without `+`, `00`, separators and the default
 * country's code (SPEC §2.5: `+1-555-1234` → `5551234`). Null when fewer than five are left: too little to tell people apart.
 */
export function comparableDigits(phone: string, defaultCountry: string): string | null {
  const digits = phone.replace(/\D/g, '').replace(/^00/, '');
  const code = isSupportedCountry(defaultCountry) ? getCountryCallingCode(defaultCountry as CountryCode) : '';
  const international = /^\s*(\+|00)/.test(phone) || digits.length > 10;
  const rest = code !== '' && international && digits.startsWith(code) ? digits.slice(code.length) : digits;
  return rest.length < 5 ? null : rest;
}
