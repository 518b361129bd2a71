import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';

/** Seals and opens secrets at rest (SPEC §5). `owner` is the connection's id: a value copied to another row stays shut. */
export interface SecretBox {
  /** `v1:<iv>:<tag>:<ciphertext>`, base64url parts; v1 names the key version. Never the same text twice. */
  seal(owner: string, name: string, plain: string): string;
  /** Throws AppError `encryption_key` when the key is not the one that sealed it, or the value was tampered with. */
  open(owner: string, name: string, sealed: string): string;
  /** False when another than the first key sealed it: the rotation command seals such values again. */
  isCurrent(sealed: string): boolean;
}

const SEALED = /^v(\d+):([\w-]+):([\w-]+):([\w-]*)$/;

const associated = (owner: string, name: string) => Buffer.from(`${owner}\0${name}`, 'utf8');

/** AES-256-GCM; `keys` as in Config: the first one seals, all of them open. */
export function createSecretBox(keys: readonly { version: number; key: Buffer }[]): SecretBox {
  const [current] = keys;
  if (!current) throw new AppError('encryption_key', 'ENCRYPTION_KEY: holds no key');
  const byVersion = new Map(keys.map((k) => [k.version, k.key]));

  return {
    seal: (owner, name, plain) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', current.key, iv).setAAD(associated(owner, name));
      const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      const parts = [iv, cipher.getAuthTag(), ciphertext].map((part) => part.toString('base64url'));
      return [`v${current.version}`, ...parts].join(':');
    },

    open: (owner, name, sealed) => {
      const [, version, iv, tag, ciphertext] = SEALED.exec(sealed) ?? [];
      const key = byVersion.get(Number(version));
      if (key && iv && tag && ciphertext !== undefined) {
        try {
          const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
            .setAAD(associated(owner, name))
            .setAuthTag(Buffer.from(tag, 'base64url'));
          return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]).toString(
            'utf8',
          );
        } catch {
          // A wrong key and a changed value look the same; both are said below.
        }
      }
      throw new AppError(
        'encryption_key',
        `ENCRYPTION_KEY: does not open the stored ${name} of connection "${owner}": start with the key it was stored under ` +
          '(while changing keys: ENCRYPTION_KEY=v2:<new key>,v1:<old key>)',
      );
    },

    isCurrent: (sealed) => sealed.startsWith(`v${current.version}:`),
  };
}
