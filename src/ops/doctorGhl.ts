import { type Check, green, judgeSkew, red, yellow } from '../domain/doctor.ts';
import { missingScopes } from '../domain/ghlGrant.ts';
import { type ApiError, isApiError } from '../platforms/apiError.ts';
import type { GhlClient } from '../platforms/ghl/client.ts';
import { findFields } from '../sync/provisionFields.ts';
import type { Patient } from './doctorPatient.ts';

const NEW_TOKEN =
  'Make a new Private Integration token in the location (Settings > Private Integrations), or connect it again with OAuth, and put it into the connection.';

/** The probes of GHL: reads only, one call each; several checks may come of one answer. */
export const GHL_CHECKS: readonly ((patient: Patient, ghl: GhlClient, signal: AbortSignal) => Promise<Check[]>)[] = [
  location,
  scopes,
  contacts,
  fields,
  pipeline,
];

/** What a refusal means for one permission. */
function refused(id: string, title: string, scope: string, error: unknown): Check {
  if (!isApiError(error)) throw error;
  if (error.class === 'scope')
    return red(id, title, `the token may not do this: ${scope}`, `Tick ${scope} for the token in GHL.`);
  return answered(id, title, error);
}

function answered(id: string, title: string, error: ApiError): Check {
  if (error.class === 'auth') return red(id, title, `GHL refuses the token: ${error.message}`, NEW_TOKEN);
  if (error.class === 'daily_budget' || error.class === 'rate_limited')
    return yellow(id, title, "GHL's calls are used up for now", 'Ask again later; runs go on by themselves.');
  return red(
    id,
    title,
    `GHL does not answer as it should: ${error.message}`,
    'Look at the status page of GHL and at the network of this server.',
  );
}

async function location({ connection, clock }: Patient, ghl: GhlClient, signal: AbortSignal): Promise<Check[]> {
  const title = 'GHL token and location';
  try {
    const { location: found, dateMs } = await ghl.getLocation({ signal });
    const duplicates = found.settings?.allowDuplicateContact ?? false;
    const zone = connection.timeZone ?? found.timezone;
    return [
      green('ghl_location', title, `the token opens ${found.id}, time zone ${zone ?? 'not set'}`),
      duplicates
        ? yellow(
            'ghl_duplicates',
            'Duplicate contacts',
            'the location allows duplicate contacts: each new one costs a search more',
            'Switch "Allow Duplicate Contact" off in GHL (Settings > Business Profile), unless you need it.',
          )
        : green('ghl_duplicates', 'Duplicate contacts', 'the location forbids them'),
      zone
        ? green('time_zone', 'Time zone', `days are counted in ${zone}`)
        : yellow(
            'time_zone',
            'Time zone',
            'the location names none: days are counted in UTC',
            'Set timeZone of the connection.',
          ),
      judgeSkew('clock_ghl', 'GHL', dateMs, clock.nowMs()),
    ];
  } catch (error) {
    if (!isApiError(error)) throw error;
    if (error.class === 'scope')
      return [
        yellow(
          'ghl_location',
          title,
          'the token may not read the location: days are counted in UTC and duplicates are searched for',
          'Tick locations.readonly for the token in GHL.',
        ),
      ];
    if (error.class === 'gone' || error.class === 'validation')
      return [
        red(
          'ghl_location',
          title,
          `GHL does not know the location ${ghl.locationId}`,
          'Compare ghlLocationId with Settings > Business Profile in GHL.',
        ),
      ];
    return [answered('ghl_location', title, error)];
  }
}

/** What GHL said when it was connected; a Private Integration Token does not tell what it may do. */
async function scopes({ connection }: Patient): Promise<Check[]> {
  const granted = connection.ghl.oauth?.scopes ?? [];
  if (granted.length === 0) return [];
  const title = 'Scopes of the app';
  const missing = missingScopes(granted);
  if (missing.length === 0) return [green('ghl_scopes', title, 'all that are needed were granted')];
  const link = `/oauth/install?connection=${encodeURIComponent(connection.id)}`;
  const remedy = `Add them to the app in GHL, then connect the location anew: open ${link} of this service.`;
  return [red('ghl_scopes', title, `not granted: ${missing.join(', ')}`, remedy)];
}

async function contacts({ connection }: Patient, ghl: GhlClient, signal: AbortSignal): Promise<Check[]> {
  const title = 'Permission: contacts';
  try {
    await ghl.searchContacts({ pageLimit: 1 }, { signal });
    const toldByGrant = (connection.ghl.oauth?.scopes.length ?? 0) > 0;
    const writing = toldByGrant ? 'the scopes of the app tell about writing' : 'writing shows with the first write';
    return [green('ghl_scope_contacts', title, `contacts can be read (${writing})`)];
  } catch (error) {
    return [refused('ghl_scope_contacts', title, 'contacts.readonly and contacts.write', error)];
  }
}

async function fields({ connection, rows }: Patient, ghl: GhlClient, signal: AbortSignal): Promise<Check[]> {
  const title = 'Custom fields';
  try {
    const found = findFields((await ghl.listCustomFields({ signal })).customFields, rows);
    const all = rows.filter((row) => row.ghl === 'custom').length;
    const checks: Check[] = [];
    if (found.wrongType.length > 0)
      checks.push(
        red(
          'ghl_field_types',
          'Types of custom fields',
          `of another type than needed: ${found.wrongType.join(', ')}`,
          'These fields are not written. Rename them in GHL and let the next run make them anew, or take them out of the field map.',
        ),
      );
    else checks.push(green('ghl_field_types', 'Types of custom fields', 'as needed'));
    const there = all - found.missing.length;
    if (found.missing.length === 0) checks.push(green('ghl_fields', title, `all ${all} are there`));
    else if (connection.location === null)
      checks.push(green('ghl_fields', title, `${there} of ${all} are there; the first run makes the others`));
    else
      checks.push(
        yellow(
          'ghl_fields',
          title,
          `missing: ${found.missing.join(', ')}`,
          'The next run makes them. If they stay away, give the token locations/customFields.write and look at the open problems.',
        ),
      );
    return checks;
  } catch (error) {
    return [refused('ghl_fields', title, 'locations/customFields.readonly and locations/customFields.write', error)];
  }
}

async function pipeline({ connection }: Patient, ghl: GhlClient, signal: AbortSignal): Promise<Check[]> {
  const title = 'Pipeline';
  const { pipelineId, stageId } = connection.ghl;
  if (pipelineId === null) return [green('ghl_pipeline', title, 'none is named: a payment becomes a note')];
  try {
    const { pipelines } = await ghl.listPipelines({ signal });
    const found = pipelines.find(({ id }) => id === pipelineId);
    const remedy = 'Copy pipelineId and stageId anew: GET /opportunities/pipelines of GHL lists them.';
    if (!found) return [red('ghl_pipeline', title, `there is no pipeline ${pipelineId}`, remedy)];
    if (stageId === null || !found.stages?.some(({ id }) => id === stageId))
      return [red('ghl_pipeline', title, `the pipeline has no stage ${stageId ?? '(none is named)'}`, remedy)];
    return [green('ghl_pipeline', title, 'pipeline and stage exist')];
  } catch (error) {
    return [refused('ghl_pipeline', title, 'opportunities.readonly and opportunities.write', error)];
  }
}
