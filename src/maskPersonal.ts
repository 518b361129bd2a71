const ISO_DAY = String.raw`(?:19|20)\d\d[-/.][01]\d[-/.][0-3]\d(?!\d)`;
/** What stands between the digits of a phone number, as people, pages and URLs write it. */
const BETWEEN = String.raw`[ \u00a0\u2007\u202f().\-\u2010-\u2015]|%20|%28|%29|%2D`;
/** A slash too ("030/1234567"), and the plus that a form writes for a blank. */
const BETWEEN_SURELY = String.raw`${BETWEEN}|[/+]|%2F`;
/** So many digits; a date after them is none of theirs. */
const digits = (between: string, min: number, max: number) =>
  String.raw`\d(?:(?! ${ISO_DAY})(?:${between}){0,4}\d){${min - 1},${max - 1}}`;
const END = String.raw`(?![\w-])`;

/** Figures that operators search for: dates, card ids (888387-130-039), milliseconds since 1970, amounts. */
const READABLE = [
  ISO_DAY,
  String.raw`[0-3]?\d[./][01]?\d[./](?:19|20)\d\d(?!\d)`,
  String.raw`\d{6}-\d{3}-\d{3}${END}`,
  String.raw`1[4-9]\d{11}${END}`,
  String.raw`\d{1,8}\.\d{1,2}(?![\w-]|[ .]\d)`,
].join('|');

const PHONE_WORD = String.raw`(?:phone|mobile|telefon|whatsapp|(?<![a-z])(?:tel|cell|sms))[a-z_ ]{0,24}["'\`:=<#([ \\]{0,6}`;

const credentialInText = /(?<![a-z0-9])(bearer\s+|pit-|sk[-_](?:live_|test_)?|whsec_)[\w.-]+/gi;
/** A JSON Web Token, also one that was cut short. */
const jwtInText = /(?<!\w)eyJ[\w+/=.…-]+/g;
const emailInText = /[\p{L}\p{N}._%+-]{1,64}(?:@|%(?:25)*40)[\p{L}\p{N}.-]+\.\p{L}{2,}/gu;
const withPlus = new RegExp(
  String.raw`(?:(?<!\w)\+|%(?:25)*2B)(?:${BETWEEN_SURELY}){0,2}${digits(BETWEEN_SURELY, 7, 15)}`,
  'gi',
);
const afterWord = new RegExp(String.raw`(${PHONE_WORD})(?!${READABLE})(${digits(BETWEEN_SURELY, 7, 15)})${END}`, 'gi');
const bareNumber = new RegExp(
  String.raw`(?<![\w-])(?:(${READABLE})|(?:0\d{1,5}\)? ?/ ?)?${digits(BETWEEN, 5, 18)}${END})`,
  'g',
);

/** Fewer digits without a plus and without a word for it are an id or an amount. */
const BARE_DIGITS_MIN = 9;
const digitsIn = (text: string): number => text.replace(/\D/g, '').length;

/** The country stays, and the last two digits: of a short number only those. */
function shortened(number: string): string {
  const head = /^[+%]/.test(number) || digitsIn(number) >= BARE_DIGITS_MIN ? number.slice(0, 3) : '';
  return `${head}***${number.slice(-2)}`;
}

/** The same without the guess that any long row of digits is a phone number: for what is known to be an id. */
export function maskInId(text: string): string {
  const masked = text.replace(credentialInText, '$1***').replace(jwtInText, 'eyJ***');
  const mailed = /@|%(?:25)*40/.test(masked)
    ? masked.replace(emailInText, (m) => `${m[0]}***${m.slice(m.search(/@|%(?:25)*40/))}`)
    : masked;
  return mailed.replace(withPlus, shortened);
}

/** `a***@example.com`, `+49***12`: enough to recognise, not enough to use; of tokens and keys nothing but their kind. */
export function maskPersonal(text: string): string {
  return maskInId(text)
    .replace(afterWord, (_all, word: string, number: string) => word + shortened(number))
    .replace(bareNumber, (m, readable: string | undefined) =>
      readable !== undefined || digitsIn(m) < BARE_DIGITS_MIN ? m : shortened(m),
    );
}
