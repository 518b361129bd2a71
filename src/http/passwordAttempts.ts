import type { Clock } from '../clock.ts';
import { addressGroup } from './clientAddress.ts';
import { createFailureLimit } from './failureLimit.ts';

/** `closed`: nothing was compared, `waitS` seconds are left until the client may try again. */
export type Checked<T> = { kind: 'right'; found: T } | { kind: 'wrong' } | { kind: 'closed'; waitS: number };

/** The one count of wrong passwords, whichever door they are tried at. */
export interface PasswordAttempts {
  /** Null of `compare` is a wrong password; what it throws says nothing of the password and is not counted. */
  check<T>(address: string, compare: () => Promise<T | null> | T | null): Promise<Checked<T>>;
}

const WINDOW_MS = 15 * 60_000;
/** Wrong passwords of one address, in a quarter of an hour, before it has to wait. */
const PER_ADDRESS = 5;
/** Of one site of IPv6, which owns up to 65,536 of the networks that count as an address. */
const PER_SITE = 50;

/** The /48 that providers give to one site; an address of IPv4 is its own. */
const siteOf = (address: string): string => addressGroup(address).split(':').slice(0, 3).join(':');

/**
 * An attempt counts before its password is looked at and is taken back when it was right: many at once are no way around
 * the limit. Nothing is counted by the user's name: such a lock would let a stranger shut somebody out everywhere.
 */
export function createPasswordAttempts(clock: Pick<Clock, 'nowMs'>): PasswordAttempts {
  // The site first: it bounds how many addresses one stranger can have counted.
  const sites = createFailureLimit(clock, PER_SITE, WINDOW_MS, siteOf);
  const addresses = createFailureLimit(clock, PER_ADDRESS, WINDOW_MS);

  return {
    check: async (address, compare) => {
      const ofSite = sites.attempt(address);
      if (ofSite.waitS !== null) return { kind: 'closed', waitS: ofSite.waitS };
      const own = addresses.attempt(address);
      if (own.waitS !== null) {
        ofSite.takeBack();
        return { kind: 'closed', waitS: own.waitS };
      }
      let wrong = false;
      try {
        const found = await compare();
        wrong = found === null;
        return found === null ? { kind: 'wrong' } : { kind: 'right', found };
      } finally {
        if (!wrong) {
          ofSite.takeBack();
          own.takeBack();
        }
      }
    },
  };
}
