import { onlyContact, type TestApp, WORKFLOW_KEY } from './testApp.ts';

export interface ActionAnswer {
  status: number;
  type: string;
  text: string;
  body: Record<string, unknown>;
}

/** A call as GHL's "Custom Webhook" sends it, as JSON or as a form; with the key unless `withKey` is false. */
export async function callAction(
  url: string,
  action: string,
  body: object | URLSearchParams,
  headers: Record<string, string> = {},
  withKey = true,
): Promise<ActionAnswer> {
  const form = body instanceof URLSearchParams;
  const answer = await fetch(`${url}/actions/${action}`, {
    method: 'POST',
    headers: {
      'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
      ...(withKey ? { authorization: `Bearer ${WORKFLOW_KEY}` } : {}),
      ...headers,
    },
    body: form ? body.toString() : JSON.stringify(body),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    type: answer.headers.get('content-type') ?? '',
    text,
    body: JSON.parse(text) as Record<string, unknown>,
  };
}

export interface LinkedPerson {
  customerId: string;
  cardId: string;
  contactId: string;
}

/** A customer with an installed card of 100 points, linked to a contact by a first run. */
export async function linkedPerson(t: TestApp): Promise<LinkedPerson> {
  const { customerId } = t.stickyCards.till.createCustomer({
    firstName: 'Ana',
    lastName: 'Lee',
    email: 'ana@example.com',
    phone: '+12125550142',
  });
  const { cardId } = t.stickyCards.till.issueCard(customerId, { balance: 100 });
  t.stickyCards.till.installCard(cardId);
  await t.stickyCards.flushWebhooks();
  await t.run();
  await t.ghl.flushWebhooks();
  await t.run();
  return { customerId, cardId, contactId: onlyContact(t).id };
}
