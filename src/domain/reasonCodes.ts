import type { CodeText } from './problemCodes.ts';

/** Why a record or a delivery is left out on purpose, or a record waits: by the reason that is stored with it. */
export const SKIP_REASONS: Readonly<Record<string, CodeText>> = {
  no_contact_info: {
    title: 'The customer has neither a phone nor an e-mail',
    remedy:
      'Without one of them no contact can be found or made in GHL. Add one in Sticky Cards and the customer is linked by the next run. Otherwise there is nothing to do.',
  },
  invalid_phone: {
    title: 'The only contact detail is a phone number that cannot exist',
    remedy: 'Correct the number in Sticky Cards (with its country code), or add an e-mail.',
  },
  deleted_in_ghl: {
    title: 'The contact was deleted in GHL',
    remedy:
      'Nothing to do if that was meant. Otherwise restore the contact, or make one with the same phone or e-mail.',
  },
  already_linked: {
    title: 'The contact belongs to another customer already',
    remedy: 'Merge the two customers in Sticky Cards, or give this one a phone or an e-mail of their own.',
  },
  ambiguous: {
    title: 'Several contacts in GHL have the same phone or e-mail',
    remedy: 'Merge them in GHL, or tell them apart by their phone and e-mail, then press Retry.',
  },
  echo: {
    title: 'GHL reports what is known already, mostly a write of ours',
    remedy: 'It changes nothing and costs no call. There is nothing to do.',
  },
  not_linked: {
    title: 'The contact belongs to no customer',
    remedy:
      'It is no customer of Sticky Cards and is not to become one: it was made before the activation, has neither phone nor e-mail, or the connection does not ask for it (createCustomers).',
  },
  observe: {
    title: 'It arrived while the connection only observes',
    remedy: 'It is kept and changes nothing. Activate the connection when its first-link report looks right.',
  },
  stale: {
    title: 'The delivery was more than 48 hours old when it arrived',
    remedy: 'What it shows is not believed; a contact that matters is read by the next run. There is nothing to do.',
  },
  connection_paused: {
    title: 'It arrived while the connection was paused',
    remedy: 'It is kept; a contact that matters is read as soon as the connection is resumed. There is nothing to do.',
  },
  app_uninstalled: {
    title: 'It arrived after the app was taken out of the location',
    remedy:
      'It is kept; a contact that matters is read once GHL can be reached again. Install the app again if it was a mistake.',
  },
  unknown_location: {
    title: 'GHL reports about a location that is not connected here',
    remedy:
      'Connect the location (ghlLocationId), or take the app out of it in GHL. It was answered like any other, so that GHL does not pause the address for your other locations.',
  },
  other_app: {
    title: 'Another app was put into the location or taken out of it',
    remedy: 'It is not the app of GHL_CLIENT_ID and changes nothing. There is nothing to do.',
  },
  older_than_known: {
    title: 'It arrived after a newer one of its kind',
    remedy: 'Only the newest counts. There is nothing to do.',
  },
  unknown_event_type: {
    title: 'An event of a kind that is not known here',
    remedy: 'It was kept and changes nothing. If Sticky Cards sends it often, ask for it to be supported.',
  },
  id_too_long: {
    title: 'The customer_id or card_id of the event is longer than 255 characters',
    remedy: 'No real id is that long, so it was kept and changes nothing. Ask the sender what it puts there.',
  },
  event_without_effect: {
    title: 'A known event that has nothing to say to the other side',
    remedy: 'It was kept and changes nothing. There is nothing to do.',
  },
  sandbox_event: {
    title: 'A test event of the Sticky Cards sandbox',
    remedy:
      'Test events are left out so that real contacts are not touched. Mark the connection as a test one to use them.',
  },
  no_customer: {
    title: 'The event names nobody who holds a card',
    remedy:
      "Often it is a payment of the account's own bill. If it should belong to a customer, check that the sender puts customer_id or card_id into it; it is used as soon as that customer is known to hold a card.",
  },
  customer_not_known_yet: {
    title: 'The event names no customer_id, and its phone, e-mail or payment belongs to nobody known here',
    remedy:
      'It waits and is used as soon as another event names the customer together with that phone or e-mail. Ask the sender to put customer_id into it.',
  },
  several_customers: {
    title: 'The event names no customer_id, and several customers have its phone or e-mail',
    remedy: 'It waits, because nobody guesses which of them is meant. Ask the sender to put customer_id into it.',
  },
  card_not_known_yet: {
    title: 'The event is about a card that has not been heard of yet',
    remedy:
      'It waits and is used as soon as an event names the card and its customer. If it stays here for more than a day, ask the sender to put customer_id into it.',
  },
  unreadable: {
    title: 'The delivery cannot be read',
    remedy:
      'It was kept as it came. Look at its payload; if its form is new, ask for it to be supported, then replay it.',
  },
  fold_failed: {
    title: 'The delivery could not be worked in because of an error here',
    remedy:
      'It was kept. The log of the service names the error under its receipt id; report it, then replay the event.',
  },
  waiting: {
    title: 'The customer waits for the contact of the same person, which is being made',
    remedy: 'It goes on by itself within minutes. There is nothing to do.',
  },
  tags_not_taken: {
    title: 'GHL did not take the tags of this contact',
    remedy:
      'It is tried again by itself. If it stays like this, open the contact in GHL and try to add the tag by hand.',
  },
};

/** Why a delivery was refused at the door; the sender saw the same code. */
export const REJECTIONS: Readonly<Record<string, CodeText>> = {
  signature_missing: {
    title: 'The delivery was not signed',
    remedy: 'Switch signing on at the sender, or set the webhook mode of the connection to path-secret.',
  },
  signature_wrong: {
    title: 'The signature did not match',
    remedy: 'Compare the webhook secret on both sides. If nobody you know sent it, there is nothing to do.',
  },
  path_secret_missing: {
    title: 'The address held no secret',
    remedy: 'Paste the whole webhook address from the set-up page at the sender.',
  },
  path_secret_wrong: {
    title: 'The secret in the address did not match',
    remedy: 'Paste the whole webhook address from the set-up page at the sender again.',
  },
  ghl_signature_missing: {
    title: 'The delivery bore no signature of GHL',
    remedy:
      'App webhooks are signed by themselves. A workflow must post to /webhooks/ghl/workflow; correct its address in GHL.',
  },
  ghl_signature_wrong: {
    title: 'The signature is not one of GHL',
    remedy:
      'If all deliveries are refused since a certain time, GHL changed its key: set GHL_WEBHOOK_PUBLIC_KEY to the new one and start again. If it is one now and then, somebody is trying; there is nothing to do.',
  },
  ghl_signature_legacy: {
    title: 'GHL signed in its old way only (RSA)',
    remedy: 'Set GHL_WEBHOOK_RSA_PUBLIC_KEY=on and start again.',
  },
  workflow_key_missing: {
    title: 'A workflow call held no secret',
    remedy: 'Put the workflow key into the action: under Custom Data as key, or at the end of the address as ?key=….',
  },
  workflow_key_wrong: {
    title: 'The secret of a workflow call did not match',
    remedy: 'Copy the workflow key of this connection (GHL_WORKFLOW_KEY) into the action again.',
  },
  workflow_location_mismatch: {
    title: 'A workflow call came from another location than its secret',
    remedy:
      'Copy the address and the workflow key of that very location into the action; a workflow that was copied from another one brings the wrong ones along.',
  },
  workflow_key_ambiguous: {
    title: 'A workflow call named no location, and its secret belongs to several',
    remedy: 'Put the name of the connection into its address: /webhooks/ghl/workflow/<connection>.',
  },
  contact_missing: {
    title: 'A workflow call named no contact',
    remedy: 'Use the standard action Webhook, or write contact_id into the body of the Custom Webhook.',
  },
  unknown_connection: {
    title: 'The address named a connection that does not exist',
    remedy: 'Correct the address at the sender, or set the connection up.',
  },
  too_large: { title: 'The body was larger than 1 MiB', remedy: 'Ask the sender to send less in one delivery.' },
  content_encoding: { title: 'The body was compressed', remedy: 'Switch compression off at the sender.' },
  malformed_json: { title: 'The body was not JSON', remedy: 'Check what the sender is set to send.' },
};

/** The words for a reason that is stored with a record or a delivery; null when there are none. */
export const reasonText = (code: string): CodeText | null => {
  for (const table of [SKIP_REASONS, REJECTIONS]) if (Object.hasOwn(table, code)) return table[code] ?? null;
  return null;
};
