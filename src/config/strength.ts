const TRIED_BY_EVERYBODY =
  /change[-_ ]?(me|it|this)|default|secret|passw[o0]rd|administrator|admin|example|sample|demo|development|token|letmein|qwerty(uiop)?|welcome|super|replace|insert|please|your|here|key|(0?123(4(5(6(7(89?)?)?)?)?)?0?)+/g;

/** False for a secret that is short, one character over and over, or put together from words that everybody tries. */
export function isStrongEnough(secret: string, lengthMin: number): boolean {
  if (secret.length < lengthMin || new Set(secret).size < 5) return false;
  return new Set(secret.toLowerCase().replace(TRIED_BY_EVERYBODY, '')).size >= 3;
}
