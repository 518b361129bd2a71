import type { Connection } from '../domain/connection.ts';

const OFFICIAL_API = 'https://services.leadconnectorhq.com';
const APP = 'https://app.gohighlevel.com';

/** Where a contact is looked at in GHL; of a simulated GHL its one page. null without a location. */
export function contactUrl(connection: Connection | undefined, contactId: string): string | null {
  if (!connection?.ghl.locationId) return null;
  const { apiBaseUrl, locationId } = connection.ghl;
  if (apiBaseUrl !== OFFICIAL_API) return `${apiBaseUrl}/__sim/?q=${encodeURIComponent(contactId)}`;
  return `${APP}/v2/location/${encodeURIComponent(locationId)}/contacts/detail/${encodeURIComponent(contactId)}`;
}
