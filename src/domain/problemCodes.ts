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
