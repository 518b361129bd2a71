/** What an operator reads of a code: what happened and what it means (`title`), what to do now (`remedy`). */
export interface CodeText {
  title: string;
  remedy: string;
}

/** Problems by code. A code that is raised and has no row here fails the tests. */
export const PROBLEMS: Readonly<Record<string, CodeText>> = {
  fold_failed: {
    title: 'A delivery could not be worked in',
    remedy:
      'The delivery is kept as it came, everything else goes on. Open it in the inbox by the receipt id of the sample and look for a value that makes no sense. Send that delivery, with its receipt id, to the support of this product: it is a mistake of ours.',
  },
  customer_unknown: {
    title: 'Deliveries of Sticky Cards do not say which customer they are about',
    remedy:
      'They carry no customer_id, and their card, payment, phone or e-mail belongs to nobody known here, or to several customers: nobody guesses, so nothing was done for them in GHL. Ask the sender to put customer_id into every event. A delivery that waits (inbox, status waiting) is used by itself as soon as another one names the customer together with that card, phone or e-mail; one that was skipped names nothing at all and has to be made up for by hand. If such events are of no use to you, press Ignore.',
  },
  ghl_token_rejected: {
    title: 'GHL does not accept the token',
    remedy:
      'Nothing is written to GHL until it does; what Sticky Cards sends is kept and arrives afterwards. Make a new Private Integration token in the location (Settings > Private Integrations) and put it into the connection; a connection that was made with OAuth is connected anew at /oauth/install?connection= and its name. It is tried again every 15 minutes and goes on by itself.',
  },
  ghl_reconnect_needed: {
    title: 'GHL ended what it granted the app: the location has to be connected again',
    remedy:
      'Nothing is written to GHL until then; what Sticky Cards sends is kept and arrives afterwards. Open the Reconnect link in the sample, sign in to GHL as somebody who may install apps, and choose this location. Links and values stay. It happens when the app was taken out of the location, or when an answer of GHL was lost for longer than half a minute.',
  },
  ghl_client_rejected: {
    title: 'GHL does not accept the app itself',
    remedy:
      'No token of any connection that was made with OAuth can be renewed; those that are valid still work for up to a day. Compare GHL_CLIENT_ID and GHL_CLIENT_SECRET with the app at the GHL marketplace (Advanced Settings > Auth), correct them and start again. Nothing is lost meanwhile.',
  },
  ghl_wrong_location: {
    title: 'The GHL token does not open this location',
    remedy:
      'Nothing is written to GHL until it does; nothing is lost. The token belongs to another location, or to an agency. Compare ghlLocationId of the connection with Settings > Business Profile in GHL, and make the token in that very location (or connect it anew with OAuth and choose it). It is tried again every 15 minutes and goes on by itself.',
  },
  ghl_location_inactive: {
    title: 'The location is switched off in GHL',
    remedy:
      'GHL takes no calls for a location that is paused, unpaid or deleted. Ask the agency to switch it on again: the connection goes on within 15 minutes by itself, and nothing is lost until then. If the location is gone for good, remove the connection.',
  },
  not_connected: {
    title: 'A live connection is not connected to GHL',
    remedy:
      'It has no GHL location or no token, so nothing is written in either direction; what Sticky Cards sends is kept and arrives afterwards. Give it ghlLocationId and ghlAccessToken with sticky-ghl connections set and its name, or with PATCH /api/connections/ and its name, or connect it with OAuth at /oauth/install?connection= and its name; the connection default may have GHL_LOCATION_ID and GHL_ACCESS_TOKEN instead. The next run goes on by itself. If it is not to write yet, take it back to observe.',
  },
  connection_pending: {
    title: 'The app was installed in a location that is not set up here yet',
    remedy:
      'A connection was made for it and is paused; nothing is written. Give it its Sticky Cards settings (API address, key, webhook secret), connect GHL at /oauth/install?connection= and its name, then resume and activate it. If the installation was a mistake, take the app out of the location and remove the connection.',
  },
  ghl_scope_missing: {
    title: 'The GHL token lacks a permission',
    remedy:
      'Open the Private Integration in GHL and tick contacts, custom fields and tags (read and write) and locations (read). The token stays the same. A connection that was made with OAuth needs the scope in the app at the marketplace, and to be connected anew. It is tried again every 15 minutes and goes on by itself; nothing is lost meanwhile.',
  },
  ghl_daily_budget: {
    title: "Today's GHL calls are used up",
    remedy:
      'GHL allows 200,000 calls a day and location. What is left waits and goes on after midnight UTC by itself. If this happens on an ordinary day, look which other app writes to this location.',
  },
  ghl_down: {
    title: 'GHL does not answer',
    remedy:
      'Nothing is lost and no record is given up: every run tries again, and everything arrives once GHL is back. If it lasts, look at the status page of GHL and at the network of this server.',
  },
  ghl_uninstalled: {
    title: 'The app was taken out of the location in GHL',
    remedy:
      'Nothing is written to GHL for now, and its webhooks no longer come; what Sticky Cards sends is kept. If that was a mistake, install the app in the location again. If the connection has a Private Integration token of its own, it goes on within 15 minutes by itself and asks GHL for changes in every run.',
  },
  sticky_key_rejected: {
    title: 'Sticky Cards does not accept the key',
    remedy:
      'Nothing is written to Sticky Cards until it does; GHL is kept up to date, and what people change there is kept and arrives afterwards. Make a new API key in Sticky Cards and put it into the connection. It is tried again every 15 minutes and goes on by itself.',
  },
  ghl_poll_failed: {
    title: 'GHL does not say what was changed there',
    remedy:
      'Changes that GHL tells by webhook still arrive, and everything that comes from Sticky Cards is written; new customers wait where contacts cannot be searched. The sample has the answer of GHL. If it speaks of a scope, open the Private Integration in GHL and tick contacts (read). It is asked again by the next runs and resolves itself.',
  },
  sticky_scope_missing: {
    title: 'The key may not do what is needed in Sticky Cards',
    remedy:
      'Give the API key the right to read and write customers and cards, or make a new one and put it into the connection. GHL is kept up to date meanwhile. It is tried again every 15 minutes and goes on by itself.',
  },
  sticky_down: {
    title: 'Sticky Cards does not answer',
    remedy:
      'Nothing is lost: every run tries again, and what was changed in GHL arrives once Sticky Cards is back. If it lasts, look at the status page of Sticky Cards and at the network of this server.',
  },
  mass_change: {
    title: 'A run was stopped because it would change very much at once',
    remedy:
      'Nothing was written, and nothing is lost: what arrives is kept. The sample says how many people, tags or points it is about. Look at a few of those customers on both sides. If the change is meant (an import, a campaign, a big clean-up), press Confirm: the next run does it, once. If it is not, put it right where it came from; the runs go on by themselves within 15 minutes. MASS_CHANGE_BRAKE=off switches this off for good.',
  },
  phone_not_possible: {
    title: 'A phone number typed in GHL cannot exist',
    remedy:
      'It is not sent to Sticky Cards; everything else is. Correct the number of the contact in GHL, with its country code: it arrives with the next run.',
  },
  value_not_taken: {
    title: 'GHL answered that a value was saved, but shows it empty or changed',
    remedy:
      'The contact shows another value than the customer has; everything else was written. Open the contact, try to type the value by hand and see what GHL makes of it, correct the field or the value in Sticky Cards, then press Retry. The value is not sent again before that.',
  },
  field_refused: {
    title: 'GHL refuses the value of one field',
    remedy:
      "That field of the customer stays as it was in GHL; everything else was written. The sample shows GHL's reason. Correct the value in Sticky Cards, or the field's settings in GHL, then press Retry.",
  },
  identity_conflict: {
    title: 'Phone and e-mail of one customer belong to two different contacts',
    remedy:
      'The customer is linked to one of the two contacts, and the value that the other one has is not sent. Compare the two contacts named in the sample. One person: merge them in GHL. Two people: correct the phone or the e-mail in Sticky Cards. Then press Retry.',
  },
  create_limit: {
    title: 'More than 200 contacts of one day would have become customers',
    remedy:
      'The first 200 did; the others wait and go on after midnight UTC by themselves, 200 a day. If they come from an import that was not meant for Sticky Cards, set createCustomers of the connection to a tag or to off: they are left alone then. Nothing else waits.',
  },
  customer_not_created: {
    title: 'A contact could not be made a customer of Sticky Cards',
    remedy:
      'Sticky Cards refused it, and it is not tried again by itself. The sample shows the reason: correct the phone, e-mail or name that it is about in the contact in GHL; every change of the contact tries again.',
  },
  customer_conflict: {
    title: 'Phone and e-mail of one contact belong to two customers of Sticky Cards',
    remedy:
      'The contact is linked to one of them, and the value that the other one has is not sent. Compare the contact and the two customers in the sample. One person: merge the two customers in Sticky Cards. Two people: correct the phone or the e-mail of the contact in GHL.',
  },
  field_refused_by_sticky_cards: {
    title: 'Sticky Cards refuses the value of one contact field',
    remedy:
      'Sticky Cards keeps a value of its own for that field; everything else was written. The sample shows the reason. Correct the value in the contact in GHL: it is sent again when it changes.',
  },
  record_failed: {
    title: 'Customers could not be written to GHL and wait for you',
    remedy:
      "Their contacts in GHL are out of date; they are not tried again by themselves. The sample shows GHL's reason: correct what it names, then press Retry, for one or for all of them. If it says nothing useful, look at the record's log: it holds the trace id for GHL's support.",
  },
  deleted_in_ghl: {
    title: 'The contact of a customer was deleted in GHL',
    remedy:
      'Nothing of this customer is written any more, and the contact is not made again. If the deletion was meant, there is nothing to do: press Ignore. If not, restore the contact in GHL, or make a new one with the same phone or e-mail: it is linked again.',
  },
  gone_in_sticky_cards: {
    title: 'A customer is no longer there in Sticky Cards',
    remedy:
      'The contact in GHL stays as it is and shows the last values that were known; no card or points can be read any more. If the customer was deleted on purpose, press Resolve and decide in GHL what becomes of the contact. If not, ask the support of Sticky Cards for the customer named in the sample.',
  },
  read_refused_by_sticky_cards: {
    title: 'Sticky Cards refuses to show a customer or a card',
    remedy:
      'What its webhooks tell still arrives; points or segments that only a read can tell stay as they were last known. The sample has the answer of Sticky Cards. Ask their support about this record; when it can be read again, open the customer and press Resync.',
  },
  card_gone_in_sticky_cards: {
    title: 'A card is no longer there in Sticky Cards',
    remedy:
      'Its status could not be set; everything else of the customer was written. If the card was deleted on purpose, there is nothing to do: press Resolve. If not, ask the support of Sticky Cards for the card named in the sample.',
  },
  already_linked: {
    title: 'Two customers claim the same contact, or two contacts the same customer',
    remedy:
      'The first one is linked; the second one is not synchronised, so that two cards do not overwrite each other. If it is one person, merge the two customers in Sticky Cards, or the two contacts in GHL. If they are two people, give the second one a phone or an e-mail of their own.',
  },
  ambiguous: {
    title: 'Several contacts could be one customer',
    remedy:
      'The contacts named in the sample have the same phone or e-mail, and nobody guesses which one is the customer: none is linked and none is made. Merge them in GHL, or give the right one the e-mail or phone that it lacks, then press Retry.',
  },
  points_ambiguous: {
    title: 'The points of a card cannot be told for certain',
    remedy:
      'An answer was lost while somebody changed the points, so nobody can say which difference is theirs. Points of this customer are not written until you decide. Compare the card in Sticky Cards with loyalty_points in GHL (both numbers are in the sample), put the right number into GHL, then press Retry.',
  },
  points_limit: {
    title: 'A change of points is beyond the limit',
    remedy:
      'Nothing was booked. If the change is right, press Confirm and it is booked once. If it was a typing error, discard the command (it is in the list of commands, in state held): the balance of the card is written back to GHL. A number with a fraction or below 0 can never be booked: correct it in GHL.',
  },
  bonus_overlap: {
    title: 'A second bonus was typed before the first one was cleared',
    remedy:
      'The first bonus was paid; whether the second one is new cannot be told, so it was not paid. Look at bonus_points_result of the contact. To pay it, empty bonus_points, wait for the next run, then type the number again.',
  },
  no_card: {
    title: 'A bonus waits for a card',
    remedy:
      'The contact has bonus_points, but the customer holds no card to book them on. Issue a card: the bonus is paid by itself then. To call it off, empty bonus_points in GHL.',
  },
  not_writable: {
    title: 'A value typed in GHL cannot be used and was put back',
    remedy:
      'Only active, inactive and suspended can be set as card_status in GHL, and only on a card that the customer holds. Nothing was changed on a card. Tell whoever typed it; there is nothing else to do. If the sample names a card, that card was shown when it was typed, and Sticky Cards refused the change: its reason is there too.',
  },
  opt_in_unknown: {
    title: 'The word in opt_in_status of a contact says neither yes nor no',
    remedy:
      'Nothing was changed in Sticky Cards, and no push goes to this contact until the word is known. Type yes or no into opt_in_status of the contact named in the sample. If the word is one that you use often, add it to config/consent.json under in or out and restart the service: it counts for pushes at once, and as an order when it is typed again.',
  },
  churn_conflict: {
    title: 'A contact got the tags for churned and for reactivated at once',
    remedy:
      'Which of the two came last cannot be told, so the cards were left as they are. Take one of the two tags off the contact named in the sample: the other one is followed by the next run. If a workflow adds both, let it remove the old tag first.',
  },
  not_writable_by_api: {
    title: 'Sticky Cards offers no way to write this change',
    remedy:
      'The value was changed in GHL, but the API of this account cannot take it: both sides keep their own value. Make the change by hand in Sticky Cards; it is recognised as the same and the difference is gone.',
  },
  balance_mode_wrong: {
    title: 'Sticky Cards books points otherwise than configured',
    remedy:
      'All point bookings of this connection are stopped, so that no customer gets a wrong balance. The sample shows the numbers before and after. Correct that one card by hand, set balanceMode of the connection to the other value (delta or absolute), then press Resolve. If the setting is right, and somebody at the till moved exactly these points in that second, press Confirm: the next booking proves it anew.',
  },
  command_failed: {
    title: 'A note, task, opportunity, push or booking was refused and waits for you',
    remedy:
      "It did not happen and is not tried again by itself. The sample names the command and the other side's reason: correct what it names, for instance the pipeline of the connection. A payment whose opportunity was refused was written down as a note. Make up by hand for anything else that is still wanted, then press Resolve.",
  },
  command_unknown: {
    title: 'Nobody can say whether a command arrived',
    remedy:
      'An answer was lost, and the other side cannot be asked any more. Look there for what the sample names (kind and target). It is there: press It happened. It is not there: press Send again. It is not wanted any more: press Discard. Nothing is sent twice on a guess.',
  },
  command_too_old: {
    title: 'Commands older than 30 days were never sent and wait for you',
    remedy:
      'They wait because the connection was paused or the customer had no contact for so long. Still wanted: press Send again. Out of date: press Discard.',
  },
  command_scope_missing: {
    title: 'The token may not make notes, tasks, opportunities or pushes',
    remedy:
      'Everything else goes on; these wait, and nothing is lost. Give the token the missing permission: in GHL open the Private Integration and tick contacts (write) for notes and tasks, opportunities (read and write) for opportunities. It is tried again every 15 minutes and goes on by itself.',
  },
  opportunity_not_allowed: {
    title: 'GHL allows one opportunity per contact, so a payment became a note',
    remedy:
      'The contact has an opportunity in this pipeline that is not the one of this payment; it was left as it is. To get one per payment, allow duplicate opportunities in the settings of the location, or choose a pipeline that nothing else uses. If notes are enough, press Ignore.',
  },
  field_wrong_type: {
    title: 'A custom field in GHL has the wrong type',
    remedy:
      'Values of this field are not written for any customer of this location; everything else is. In GHL under Settings, Custom Fields, rename or delete the field named in the sample: it is made again with the right type within 15 minutes. Copy its values first if you need them.',
  },
  field_not_provisioned: {
    title: 'A custom field is missing in GHL and could not be made',
    remedy:
      'Values of this field are not written for any customer of this location; everything else is. Check that the token has the scope locations/customFields.write, or make the field by hand in GHL with exactly the name in the sample. It is looked for again every 15 minutes.',
  },
};

const OTHER: CodeText = {
  title: 'Something needs a look',
  remedy:
    'The sample says what it is about. Look at the log of the record for the reason, put it right there, then press Retry.',
};

/** The words for a problem's code; a row that an older version left in the database gets general ones. */
export const problemText = (code: string): CodeText => (Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code] : null) ?? OTHER;

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
