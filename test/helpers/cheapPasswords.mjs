import crypto from 'node:crypto';

/** The least that scrypt takes. */
const LEAST = { N: 2, r: 1, p: 1 };

/**
 * A password is hashed at next to no cost, as a guess at it must never be: what tests do with passwords took half a
 * minute of a processor. test/unit/passwords.test.ts looks at the real price, in a process of its own.
 */
export function cheapPasswords() {
  const { scrypt } = crypto;
  crypto.scrypt = (password, salt, length, options, done) =>
    scrypt(password, salt, length, { ...options, ...LEAST }, done);
}
