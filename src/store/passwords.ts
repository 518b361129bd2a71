import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto';
import PQueue from 'p-queue';

/** 16 MB and about 150 ms for each guess on a small server. The numbers stand in each hash, so that they can be raised. */
const COST = { N: 16_384, r: 8, p: 5 };
const HASH_BYTES = 32;
/** Each one takes 16 MB and a core: a flood of guesses must not take the machine. */
const queue = new PQueue({ concurrency: 2 });

const derive = (password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> =>
  queue.add(
    () =>
      new Promise<Buffer>((resolve, reject) =>
        scrypt(password.normalize('NFC'), salt, HASH_BYTES, { ...options, maxmem: 64 * 1024 * 1024 }, (error, key) =>
          error ? reject(error) : resolve(key),
        ),
      ),
  );

/** `scrypt:<N>:<r>:<p>:<salt>:<hash>`; never the same text twice. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join(':');
}

/** Whether the hash was made of this password; false for a hash that cannot be read. Takes as long for null (no such user). */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const [kind, N, r, p, salt, key] = (hash ?? '').split(':');
  const expected = Buffer.from(key ?? '', 'base64url');
  if (kind !== 'scrypt' || expected.length !== HASH_BYTES) {
    await derive(password, randomBytes(16), COST);
    return false;
  }
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  return timingSafeEqual(await derive(password, Buffer.from(salt ?? '', 'base64url'), options), expected);
}
