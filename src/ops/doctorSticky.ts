import { type Check, green, judgeSkew, red, yellow } from '../domain/doctor.ts';
import { balanceModeState } from '../domain/points.ts';
import { isApiError } from '../platforms/apiError.ts';
import type { StickySide } from '../platforms/stickycards/sides.ts';
import { readBalanceMode } from '../store/balanceMode.ts';
import type { Patient } from './doctorPatient.ts';

const TITLE = 'Sticky Cards key';

/** One cheap read with the connection's key. */
export async function stickyKey(patient: Patient, side: StickySide | null, signal: AbortSignal): Promise<Check[]> {
  const { connection, clock } = patient;
  if (!side) {
    const { apiBaseUrl, apiKey } = connection.stickyCards;
    const missing = [...(apiBaseUrl === null ? ['address'] : []), ...(apiKey === null ? ['key'] : [])];
    if (missing.length > 0)
      return [
        yellow(
          'sticky_key',
          TITLE,
          `no ${missing.join(' and ')} of the Sticky Cards API: what changes in GHL does not get there`,
          'Set stickyCardsApiBaseUrl and stickyCardsApiKey of the connection.',
        ),
      ];
    return [yellow('sticky_key', TITLE, `the API of "${connection.dialect}" cannot be asked`)];
  }
  try {
    const { dateMs } = await side.client.listCustomers({ page: 1, perPage: 1 }, { signal });
    return [
      green('sticky_key', TITLE, 'customers can be read'),
      judgeSkew('clock_sticky_cards', 'Sticky Cards', dateMs, clock.nowMs()),
    ];
  } catch (error) {
    if (!isApiError(error)) throw error;
    if (error.class === 'auth' || error.class === 'scope')
      return [
        red(
          'sticky_key',
          TITLE,
          `Sticky Cards refuses the key: ${error.message}`,
          'Make a new API key in Sticky Cards, with the right to read and write customers and cards, and put it into the connection.',
        ),
      ];
    return [
      red(
        'sticky_key',
        TITLE,
        `Sticky Cards does not answer as it should: ${error.message}`,
        'Check stickyCardsApiBaseUrl, the status page of Sticky Cards and the network of this server.',
      ),
    ];
  }
}

/** Whether it is known what the account makes of a number of points (SPEC §3.5). */
export async function balanceMode({ store, connection }: Patient): Promise<Check[]> {
  const title = 'Points: adding or setting';
  const { balanceMode: mode } = connection.stickyCards;
  const { fact, problemOpen } = await readBalanceMode(store, store.db, connection.id);
  const stands = balanceModeState(fact, mode, problemOpen);
  if (stands === 'stopped')
    return [
      red(
        'balance_mode',
        title,
        `a booking came out another way than "${mode}" says: no points are booked`,
        'Correct that card, change balanceMode of the connection, then press Resolve at the problem balance_mode_wrong.',
      ),
    ];
  if (stands === 'proved') return [green('balance_mode', title, `"${mode}", proved by a booking`)];
  return [
    yellow(
      'balance_mode',
      title,
      `"${mode}" is not proved yet: bookings go one at a time`,
      'Nothing to do: the first booking on a card that has points proves it.',
    ),
  ];
}
