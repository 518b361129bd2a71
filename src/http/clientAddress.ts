import type { IncomingMessage } from 'node:http';

/** Whether the proxy at `address`, `hops` before us, may name its client: Express's `trust proxy fn`. */
export type TrustProxy = (address: string, hops: number) => boolean;

/** Who is calling, as far as the proxies in between are trusted: the same rule as Express's `req.ip`. */
export function clientAddress(req: IncomingMessage, trust: TrustProxy): string {
  let address = req.socket.remoteAddress ?? 'unknown';
  const forwarded = req.headers['x-forwarded-for'];
  if (forwarded === undefined) return address;
  const named = String(forwarded).split(',').reverse();
  for (const [hops, next] of named.entries()) {
    if (!trust(address, hops)) break;
    address = next.trim();
  }
  return address;
}

/** One household or server has a whole /64 of IPv6: counting single addresses would count nobody. */
export function addressGroup(address: string): string {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
