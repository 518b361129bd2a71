import { z } from 'zod';
import { COLOURS } from '../../domain/doctor.ts';
import { connectionInput, directionBody, type InputRules } from '../api/connectionInput.ts';
import { connectionListQuery } from '../api/connections.ts';
import { setupQuery } from '../api/setup.ts';
import { instant, list, named, one, type Operation, textOrNull, unknown } from './operation.ts';
import { connection } from './shapes.ts';

const doctor = named(
  'Doctor',
  z.strictObject({
    connection: z.string(),
    status: z.enum(COLOURS),
    checkedAt: instant,
    checks: z.array(
      z.strictObject({
        id: z.string(),
        status: z.enum(COLOURS),
        title: z.string(),
        found: z.string(),
        remedy: textOrNull.meta({ description: 'What to do now; null = nothing.' }),
      }),
    ),
  }),
);

/** Loose where it is read by people: addresses, notes, what to paste. */
const setup = named(
  'Setup',
  z.looseObject({
    connection: z.string(),
    mode: z.enum(['observe', 'live']),
    missing: z.array(z.string()).meta({ description: 'What is still to be done, in order.' }),
    deliveries: z.looseObject({}),
  }),
);

const firstLink = named(
  'FirstLinkReport',
  z.looseObject({
    connection: z.string(),
    mode: z.enum(['observe', 'live']),
    at: instant,
    contacts: z.int(),
    customers: z.int(),
    linked: z.int(),
    matched: z.strictObject({ customerId: z.int(), phone: z.int(), email: z.int() }),
    creates: z.int(),
    apiCalls: z.int(),
  }),
);

const everything = z.strictObject({ paused: z.boolean(), connections: z.array(z.string()) });

const SUMMARIES = {
  activate: 'Make it live: from now on it writes',
  observe: 'Take it back to observe: it receives and shows, and writes nothing',
  pause: 'Stop its runs, or one direction; nothing that arrives is lost',
  resume: 'Let its runs go on',
} as const;

/** The calls about connections; `rules` as the routes check with them. */
export function connectionCalls(rules: InputRules): Operation[] {
  const input = connectionInput(rules);
  const tag = 'Connections';
  const gone = unknown('connection');
  const at = '/api/connections/{id}';
  const show = (path: string, summary: string, description: string, schema: z.ZodType): Operation => ({
    method: 'get',
    path,
    tag,
    summary,
    description,
    answers: one(summary, schema),
    refusals: gone,
  });
  return [
    {
      method: 'get',
      path: '/api/connections',
      tag,
      summary: 'All connections',
      query: connectionListQuery,
      answers: list('A page of connections, by name.', connection),
    },
    {
      method: 'post',
      path: '/api/connections',
      tag,
      summary: 'Set a connection up',
      description:
        'It starts in observe and writes nothing. With generateSecrets secrets of ours that were not given are made up and shown in this one answer.',
      body: input.create,
      answers: { 201: { description: 'The connection.', schema: connection } },
      refusals: { 409: 'The name or the GHL location is taken, or the name was a moment ago.' },
    },
    show(at, 'One connection', 'Secrets are never shown.', connection),
    {
      method: 'patch',
      path: at,
      tag,
      summary: 'Change a connection',
      description:
        'What is left out stays, null empties. A new key or address under which three linked customers still answer is accepted; otherwise the connection pauses until it is bound anew.',
      body: input.patch,
      answers: one('The connection as it is now.', connection),
      refusals: { ...gone, 409: 'The GHL location is taken, or somebody else changed it meanwhile.' },
    },
    {
      method: 'delete',
      path: at,
      tag,
      summary: 'Remove a connection with all that belongs to it',
      description:
        'What is under way in its name ends first: answered when nothing works for it any more and its data is gone, which takes as long as a call to the other side takes. The audit log stays.',
      answers: { 204: { description: 'It is gone.' } },
      refusals: { ...gone, 503: 'It is removed; another instance still clears it up.' },
    },
    show(`${at}/first-link`, 'What going live would do', "Reads the location's contacts; writes nothing.", firstLink),
    show(
      `${at}/doctor`,
      'Every check of a connection',
      'Red, yellow or green, what was found, and what to do. Asks both sides; 10 s at most.',
      doctor,
    ),
    {
      ...show(
        `${at}/setup`,
        'What has to be entered where',
        'Addresses, events to tick, bodies to paste, what is missing. Secrets are not in it.',
        setup,
      ),
      query: setupQuery,
    },
    ...(['activate', 'observe', 'pause', 'resume'] as const).map((verb): Operation => ({
      method: 'post',
      path: `${at}/${verb}`,
      tag,
      summary: SUMMARIES[verb],
      ...((verb === 'pause' || verb === 'resume') && { body: directionBody }),
      answers: one('The connection as it is now.', connection),
      refusals: { ...gone, ...(verb === 'resume' && { 409: 'It points at another account: only rebind helps.' }) },
    })),
    ...(['pause', 'resume'] as const).map((verb): Operation => ({
      method: 'post',
      path: `/api/${verb}`,
      tag,
      summary: verb === 'pause' ? 'Stop the runs of every connection' : 'Let the runs of every connection go on',
      description: 'Nothing is lost. What was paused by itself before stays paused after resuming.',
      answers: one('The connections that changed.', everything),
    })),
  ];
}
